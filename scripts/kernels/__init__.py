"""The parts of `check-kernels.py`."""
