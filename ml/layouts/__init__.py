"""Reads datasets' folders from names alone; the server and the command line share it."""
