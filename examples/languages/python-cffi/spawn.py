#!/usr/bin/env python3
"""A program started, its output, its status, and why another cannot be started.

SPDX-License-Identifier: MIT
"""
import qemu_fork

with qemu_fork.Process("sh", "-c", "echo hello; exit 3",
                       flags=qemu_fork.SPAWN_SEARCH_PATH | qemu_fork.SPAWN_PIPE_STDOUT) as process:
    with process.take_stdout() as output:
        print(output.read(), end="")
    print(process.wait())

try:
    qemu_fork.Process("/etc/not-there")
except OSError as error:
    print(error.strerror)
