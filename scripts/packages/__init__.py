"""The checks of check-packages.py."""
