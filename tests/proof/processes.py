"""Runs a program of the proof, reads its report, and removes all that it leaves.

SPDX-License-Identifier: MIT
"""
import dataclasses
import os
import re
import select
import signal
import subprocess
import time
import uuid

# A limit for a program that hangs, far above the time of any other on a loaded machine.
TIMEOUT = int(os.environ.get("QEMU_FORK_PROOF_TIMEOUT", "1800"))
MARK = "QEMU_FORK_PROOF_RUN_"
RESULT = re.compile(r"RESULT experiments=(\d+) violations=(\d+)")


@dataclasses.dataclass
class Outcome:
    """The output of a program, and how it ended."""

    command: list
    status: int = None
    seconds: float = 0.0
    output: str = ""
    stopped: bool = False  # by this module, because the line was found
    timed_out: bool = False
    strays: list = dataclasses.field(default_factory=list)

    @property
    def lines(self):
        return self.output.splitlines()

    def tagged(self, tag):
        """The rest of each line that starts so."""
        return [line[len(tag):].strip() for line in self.lines if line.startswith(tag)]

    @property
    def violations(self):
        return self.tagged("VIOLATION:")

    @property
    def skips(self):
        return self.tagged("SKIP:")

    @property
    def result(self):
        """The two numbers of the RESULT line, which must be the last one; else None."""
        match = RESULT.fullmatch(self.lines[-1].strip()) if self.lines else None
        return (int(match[1]), int(match[2])) if match else None

    @property
    def ending(self):
        """In words."""
        if self.timed_out:
            return f"not done after {TIMEOUT} s"
        if self.status is None:
            return "did not start"
        return f"killed by signal {-self.status}" if self.status < 0 else f"exit status {self.status}"


def _strays(mark):
    """Processes that have this mark in the environment with which they started."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark.encode() + b"=1" in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                pass  # it has ended, or is a kernel thread
    return found


def _sweep(mark):
    """Kills all processes that a program has left running, by id, until there are no more. Returns the ids."""
    killed = []
    while True:
        left = [pid for pid in _strays(mark) if pid not in killed]
        if not left:
            return killed
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        killed += left


def run(command, env=None, cwd=None, stop_at=None, log=None):
    """Runs a command to its end, or to the first line that starts with `stop_at`.

    Its stdout and stderr are returned as one text, and go to the file `log` if there is one. What it has left running is
    killed.
    """
    mark = MARK + uuid.uuid4().hex
    outcome = Outcome([str(word) for word in command])
    start = time.monotonic()
    try:
        process = subprocess.Popen(
            outcome.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
            env={**os.environ, **(env or {}), mark: "1"}, start_new_session=True,
        )
    except OSError as error:
        outcome.output = f"{outcome.command[0]}: {error.strerror}\n"
        return outcome
    text = b""
    pipe = process.stdout.fileno()
    while not outcome.stopped and not outcome.timed_out:
        # A stray may hold the pipe open for ever: the end of the program counts as well as the end of the file.
        ended = process.poll() is not None
        if select.select([pipe], [], [], 0 if ended else 0.2)[0]:
            chunk = os.read(pipe, 65536)
            if not chunk:
                break
            text += chunk
            outcome.stopped = stop_at is not None and bool(re.search(rb"^%b.*\n" % stop_at.encode(), text, re.M))
        elif ended:
            break
        outcome.timed_out = time.monotonic() - start > TIMEOUT
    if outcome.stopped or outcome.timed_out:
        process.kill()
    outcome.status = process.wait()
    outcome.strays = _sweep(mark)
    process.stdout.close()
    outcome.seconds = time.monotonic() - start
    outcome.output = text.decode(errors="replace")
    if log:
        with open(log, "w", encoding="utf-8") as file:
            file.write(f"$ {' '.join(outcome.command)}\n{outcome.output}[{outcome.ending}]\n")
    return outcome
