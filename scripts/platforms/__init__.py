"""The parts of `check-platforms.py`."""
