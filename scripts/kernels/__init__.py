"""What `check-kernels.py` is made of."""
