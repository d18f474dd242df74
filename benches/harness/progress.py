"""Shows what is being measured.

SPDX-License-Identifier: MIT
"""
import sys
import time

BEGIN = time.monotonic()


def tell(what):
    print(f"{time.monotonic() - BEGIN:4.0f} s: {what}", file=sys.stderr, flush=True)
