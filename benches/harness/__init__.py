"""What bench.py is made of.

SPDX-License-Identifier: MIT
"""
