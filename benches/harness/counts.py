"""Instructions, system calls and page faults of one start, which are the same in every run.

SPDX-License-Identifier: MIT
"""
import subprocess

from .peers import PEERS
from .workers import Setting, Worker

SKIP = 77
# In the order of the output.
FIGURES = ("parent_instructions", "parent_system_calls", "child_instructions", "child_system_calls",
           "parent_page_faults", "child_page_faults")


def count(programs, results, names=tuple(PEERS)):
    """The counts of the parent and of its child, for each peer. Page faults of the child are counted up to its end.
    Instructions and system calls, which a tracer finds, are counted until it executes the program."""
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
        with Worker(programs, peer.kind, Setting()) as worker:
            words += worker.ask(f"page-faults {name}").split()
        counts[name] = dict(zip(FIGURES, map(int, words)))
    return counts
