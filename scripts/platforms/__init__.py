"""What `check-platforms.py` is made of."""
