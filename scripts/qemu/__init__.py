"""The parts of check-qemu.py."""
