"""How a run ended, as both bindings tell it to qemu_run.py.

SPDX-License-Identifier: MIT
"""
import os
from typing import NamedTuple

STEPS = ("none", "arguments", "pipe", "fork", "signals", "session", "group", "fds", "cwd", "rlimit", "credentials",
         "death_signal", "exec", "files", "cgroup", "sched", "terminal")


class Usage(NamedTuple):
    """QemuProcessUsage. Times are in seconds, and None where they are not known."""
    user: float
    system: float
    wall: float
    peak_kib: int


class Outcome(NamedTuple):
    """QemuRunResult. error is 0 where qemu_run() returns true, and otherwise an errno, of which text is the reason."""
    error: int
    text: str
    end: int
    returncode: int
    flags: int
    out: bytes
    err: bytes
    out_total: int
    err_total: int
    usage: Usage


def returncode(status, exited, signaled):
    """The status as subprocess has it: a signal is negative. None where it is not known."""
    return {exited: status.exit_code, signaled: -status.term_signal}.get(status.end)


def failed(error, text, step):
    """The exception for what could not be started: of the class that Python has for the errno, and with its step."""
    exception = OSError(error, text)
    exception.step = STEPS[step] if step < len(STEPS) else str(step)
    return exception


def encoded(text):
    """A string for C, which ends at the first NUL: one that has a NUL in it would be cut there."""
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return data


def environment(variables):
    """An environment for C."""
    pairs = [(encoded(name), encoded(value)) for name, value in variables.items()]
    if any(b"=" in name for name, _ in pairs):
        raise ValueError("illegal environment variable name")
    return [name + b"=" + value for name, value in pairs]
