"""What a child inherits, for each peer: a function that resets nothing is fast, but not comparable.

SPDX-License-Identifier: MIT
"""
from .peers import PEERS
from .workers import Setting, Worker

LIBC_OWN = 1 << 31 | 1 << 32  # 32 and 33, from 1
IGNORED = 3  # SIGPIPE, SIGUSR2 and SIGRTMAX: worker/promises.c ignores these


def look(programs):
    """For each peer: whether signals are reset, descriptors closed, and a missing program is reported."""
    promises = {}
    for name, peer in PEERS.items():
        if peer.kind not in programs.workers:
            continue
        with Worker(programs, peer.kind, Setting(bound=False)) as worker:
            blocked, ignored, descriptors, told = worker.ask(f"promises {name}").split()
        blocked, ignored = int(blocked, 16), int(ignored, 16)
        promises[name] = {
            "mask": "yes" if not blocked else "no",
            "dispositions": "yes" if not ignored else "but 32, 33" if ignored == LIBC_OWN else
                            "some" if bin(ignored & ~LIBC_OWN).count("1") < IGNORED else "no",
            "descriptors": "yes" if descriptors == "0" else "no",
            "error": "yes" if told == "told" else "no",
        }
    return promises


def clean(promise):
    """Whether a child's signals are clean, except for those that libc keeps for itself."""
    return promise["mask"] == "yes" and promise["dispositions"] in ("yes", "but 32, 33")
