#!/usr/bin/env python3
"""usage: after SECONDS PROGRAM [ARGUMENT]...: shows what a program writes, by qemu_run()

SPDX-License-Identifier: MIT
"""
import subprocess
import sys

import qemu_run


def main():
    try:
        done = qemu_run.run(sys.argv[2:], capture_output=True, text=True, check=True, timeout=float(sys.argv[1]))
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(str(error))
    print(done.stdout, end="")


main()
