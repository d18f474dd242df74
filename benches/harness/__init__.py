"""The parts of bench.py.

SPDX-License-Identifier: MIT
"""
