"""What `check-distributions.py` is made of."""
