"""The parts of `check-distributions.py`."""
