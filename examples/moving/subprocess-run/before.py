#!/usr/bin/env python3
"""usage: before SECONDS PROGRAM [ARGUMENT]...: shows what a program writes, by subprocess.run()

SPDX-License-Identifier: MIT
"""
import subprocess
import sys


def main():
    try:
        done = subprocess.run(sys.argv[2:], capture_output=True, text=True, check=True, timeout=float(sys.argv[1]))
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(str(error))
    print(done.stdout, end="")


main()
