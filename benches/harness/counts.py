"""Instructions and system calls of one start, by tracing it: these do not depend on the machine's mood.

SPDX-License-Identifier: MIT
"""
import subprocess

from .peers import PEERS

SKIP = 77


def count(programs, results, names=tuple(PEERS)):
    """For each peer the instructions and system calls of the parent, and of its child until it executes a program."""
    counts = {}
    for name in names:
        peer = PEERS[name]
        if peer.kind not in programs.workers:
            continue
        done = subprocess.run([programs.counts, *programs.command(peer.kind), "--between-marks", name],
                              capture_output=True, text=True, check=False)
        words = next((line.split()[1:] for line in done.stdout.splitlines() if line.startswith("counts ")), None)
        if words is None:
            if done.returncode == SKIP:
                results.skip("the counts", done.stderr.strip())
                break
            results.fail(f"the counts of {name}", done.stderr.strip() or f"status {done.returncode}")
            continue
        counts[name] = dict(zip(("parent_instructions", "parent_system_calls", "child_instructions",
                                 "child_system_calls"), map(int, words)))
    return counts
