"""What the scripts beside this package share, one concept a module."""
