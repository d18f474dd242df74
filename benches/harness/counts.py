"""Instructions, system calls and page faults of one start: these do not depend on the machine's mood.

SPDX-License-Identifier: MIT
"""
import subprocess

from .peers import PEERS
from .workers import Setting, Worker

SKIP = 77
# As they come.
FIGURES = ("parent_instructions", "parent_system_calls", "child_instructions", "child_system_calls",
           "parent_page_faults", "child_page_faults")


def count(programs, results, names=tuple(PEERS)):
    """For each peer what the parent does, and what its child does: up to its end the page faults, the others, which
    are found by tracing, until it executes a program."""
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
