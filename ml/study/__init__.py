"""Studies of networks that are trained more than once: what is published, and can be repeated."""
