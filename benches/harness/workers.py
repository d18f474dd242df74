"""Talks to workers: processes that start children and say how long that took.

SPDX-License-Identifier: MIT
"""
import dataclasses
import os
import subprocess

from .build import UNBOUND

HERE = sorted(os.sched_getaffinity(0))
# Measurements without threads are bound to one processor; otherwise the scheduler chooses between two very different
# placements. This program runs on the others, if there are any, so that it does not interfere.
BOUND, FREE = HERE[-1], HERE[:-1] or HERE


class Failed(Exception):
    """A worker has ended."""

    def __init__(self, worker):
        super().__init__(f"the {worker.kind} worker has ended with {worker.process.wait()}")
        self.worker = worker


@dataclasses.dataclass(frozen=True)
class Setting:
    """The process that starts the children."""
    mebibytes: int = 2
    huge_pages: bool = False
    descriptors: int = 10
    bystanders: int = 0
    bound: bool = True

    def __str__(self):
        parts = [f"{self.mebibytes} MiB" + (" in huge pages" if self.huge_pages else ""),
                 f"{self.descriptors} descriptors"]
        if self.bystanders:
            parts.append(f"{self.bystanders} bystanders")
        return ", ".join(parts)


class Worker:
    def __init__(self, programs, kind, setting):
        command = programs.command(kind) + ["--mebibytes", str(setting.mebibytes),
                                            "--descriptors", str(setting.descriptors),
                                            "--bystanders", str(setting.bystanders),
                                            "--other-processor", str(FREE[0])]
        if setting.huge_pages:
            command.append("--huge-pages")
        if setting.bound:
            command += ["--processor", str(BOUND)]
        self.kind = kind
        # It may use every processor, whatever this program is bound to, and binds itself if it can.
        allowed = {BOUND} if setting.bound and kind in UNBOUND else HERE
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=lambda: os.sched_setaffinity(0, allowed))
        self.huge_mebibytes = int(self.answer().split()[1])

    def answer(self):
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            raise Failed(self)
        return line

    def ask(self, command):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(self) from None
        return self.answer()

    def time(self, command):
        return float(self.ask(command))

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def stay_away():
    """Keeps this program off the processor to which workers are bound."""
    os.sched_setaffinity(0, FREE)
