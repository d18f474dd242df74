#!/usr/bin/env python3
"""Spawns in programs that change themselves, in each situation, with each kind of options, in each way.

The C tests named here put a process into a situation: namespaces, PID 1, a filter of one thread, thousands of
descriptors, a full table, no /proc, another user, a descriptor that the program has closed, odd scripts. spawn-changing
has the whole matrix of situations, options and ways. Each of its spawns is in a process of its own, which must come to
its end, so a hang is a violation.

usage: changing.py [--quick] --provider FOLDER

SPDX-License-Identifier: MIT
"""
import hostile

# Each test, and whether it must try each way.
TESTS = {
    "process-after-fork": False,
    "process-closed": False,
    "process-pid-one": True,
    "process-recycled": False,
    "process-unkillable": False,
    "spawn-changing": True,
    "spawn-death-signal-caller": True,
    "spawn-environment": False,
    "spawn-explains": False,
    "spawn-far": True,
    "spawn-search-path": False,
    "spawn-ways": False,
}
ROUNDS, QUICK_ROUNDS = 3, 1

if __name__ == "__main__":
    hostile.play(__doc__, TESTS, ROUNDS, QUICK_ROUNDS)
