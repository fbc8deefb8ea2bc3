"""What only a GPU can show: `make gpu-check`, some minutes on data that is packed into one file."""
