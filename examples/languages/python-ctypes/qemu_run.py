"""run(): what subprocess.run() does, with a limit of time that holds. By ctypes or by cffi, whichever qemu_fork is.

SPDX-License-Identifier: MIT
"""
import errno
import locale
import math
import select
import subprocess
from subprocess import DEVNULL, PIPE, STDOUT

import qemu_fork

NEVER = (1 << 63) - 1


class CompletedProcess(subprocess.CompletedProcess):
    """Besides: usage; stdout_total and stderr_total; pipe_held, if another process still holds the program's stdout or
    stderr; input_left, if the program has not read all of its input."""

    def __init__(self, args, outcome, stdout, stderr):
        super().__init__(args, outcome.returncode, stdout, stderr)
        self.usage = outcome.usage
        self.stdout_total, self.stderr_total = outcome.out_total, outcome.err_total
        self.pipe_held = bool(outcome.flags & qemu_fork.RUN_RESULT_PIPE_HELD)
        self.input_left = bool(outcome.flags & qemu_fork.RUN_RESULT_INPUT_LEFT)


class Stopped(OSError):
    """The program was stopped, because it wrote too much or because the run was cancelled. strerror says why, and
    stdout and stderr are what it had written."""

    def __init__(self, number, text, args, outcome, stdout, stderr):  # pylint: disable=too-many-arguments
        super().__init__(number, text)
        self.cmd, self.returncode, self.stdout, self.stderr = args, outcome.returncode, stdout, stderr


class TimeoutExpired(subprocess.TimeoutExpired):
    """The library's own text. output and stderr are what the program had written."""

    def __init__(self, args, timeout, text, output=None, stderr=None):  # pylint: disable=too-many-arguments
        super().__init__(args, timeout, output, stderr)
        self.text = text

    def __str__(self):
        return self.text


class CalledProcessError(subprocess.CalledProcessError):
    """The library's own text, which has the last line of the program's stderr."""

    def __init__(self, args, returncode, text, output, stderr):  # pylint: disable=too-many-arguments
        super().__init__(returncode, args, output, stderr)
        self.text = text

    def __str__(self):
        return self.text


def _milliseconds(seconds, forever):
    """0 and less is at once, and not C's default."""
    if seconds is None or seconds == math.inf:
        return forever
    return max(1, min(math.ceil(seconds * 1000), NEVER))


class _Streams:
    """What the arguments say of stdin, stdout and stderr, in C's words."""

    def __init__(self, stdin, stdout, stderr, has_input):
        self.spawn_flags, self.run_flags, self.fds = qemu_fork.SPAWN_SEARCH_PATH, 0, []
        self.captured = stdout == PIPE, stderr == PIPE
        if not has_input:
            self._set(0, stdin, qemu_fork.RUN_INHERIT_STDIN, 0)
        self._set(1, stdout, qemu_fork.RUN_INHERIT_STDOUT, qemu_fork.SPAWN_NULL_STDOUT)
        if stderr == STDOUT:
            self.spawn_flags |= qemu_fork.SPAWN_MERGE_STDERR
        else:
            self._set(2, stderr, qemu_fork.RUN_INHERIT_STDERR, qemu_fork.SPAWN_NULL_STDERR)

    def _set(self, child_fd, stream, inherit, null):
        if stream is None:
            self.run_flags |= inherit
        elif stream == DEVNULL:
            self.spawn_flags |= null
        elif stream != PIPE:
            self.fds.append((stream if isinstance(stream, int) else stream.fileno(), child_fd))


class _Text:
    """Between what the caller has and bytes."""

    def __init__(self, text, encoding, errors):
        self.wanted = bool(text or encoding or errors)
        self.encoding, self.errors = encoding or locale.getpreferredencoding(False), errors or "strict"

    def encode(self, data):
        if data is None:
            return None
        return data.encode(self.encoding, self.errors) if self.wanted else bytes(data)

    def decode(self, data, errors=None):
        if not self.wanted or data is None:
            return data
        return data.decode(self.encoding, errors or self.errors).replace("\r\n", "\n").replace("\r", "\n")


def _to_its_end(run):
    """The interpreter waits in poll(): other threads run, and a signal's handler is called at once."""
    ready = select.poll()
    ready.register(run.fileno(), select.POLLIN)
    while True:
        ready.poll()
        outcome = run.step()
        if outcome is not None:
            return outcome


def run(args, *, stdin=None, input=None, stdout=None, stderr=None,  # pylint: disable=redefined-builtin
        capture_output=False, timeout=None, check=False, text=None, encoding=None, errors=None, cwd=None, env=None,
        pass_fds=(), grace=1.0, linger=0.1, max_output=0, cut=False, keep_tail=False, kill=False, sink=None,
        lines=False, cancel_fd=None, **more):  # pylint: disable=too-many-arguments,too-many-locals
    """The arguments of subprocess.run(), and those of QemuRunOptions in seconds and bytes.

    max_output is how much is kept of each stream; more is a Stopped, or with cut or keep_tail one end is kept. 0 is
    16 MiB, or with a sink any amount, and None is no limit. sink(fd, data) takes the output as it comes, or with lines
    its lines; if it returns False, or raises, the program is stopped. More options are those of
    qemu_options.members().
    """
    if capture_output and (stdout is not None or stderr is not None):
        raise ValueError("stdout and stderr may not be used with capture_output")
    if input is not None and stdin is not None:
        raise ValueError("stdin may not be used with input")
    if capture_output or sink is not None:
        stdout, stderr = PIPE if stdout is None else stdout, PIPE if stderr is None else stderr
    words = [args] if isinstance(args, (str, bytes)) or hasattr(args, "__fspath__") else [*args]
    mode = _Text(text, encoding, errors)
    if stdin == PIPE:
        input = "" if mode.wanted else b""
    data = mode.encode(input)
    streams = _Streams(stdin, stdout, stderr, data is not None)
    chosen = {qemu_fork.RUN_CHECK: check, qemu_fork.RUN_CUT: cut, qemu_fork.RUN_KEEP_TAIL: keep_tail,
              qemu_fork.RUN_KILL: kill, qemu_fork.RUN_LINES: lines, qemu_fork.RUN_CANCEL_FD: cancel_fd is not None}
    limit = qemu_fork.SIZE_MAX if max_output is None else max_output
    options = {
        "flags": streams.run_flags | sum(flag for flag, wanted in chosen.items() if wanted),
        "timeout_ms": _milliseconds(timeout, 0), "grace_ms": _milliseconds(grace, -1),
        "linger_ms": _milliseconds(linger, -1), "stdout_limit": limit, "stderr_limit": limit,
        "cancel_fd": cancel_fd or 0, "input": data, "input_len": len(data or b""),
    }
    spawn = {"flags": streams.spawn_flags, "cwd": cwd, "env": env,
             "fds": streams.fds + [(fd, fd) for fd in pass_fds], **more}
    try:
        with qemu_fork.Run(words, spawn, options, sink) as started:
            outcome = _to_its_end(started)
    except OSError as error:
        if error.errno == errno.ETIMEDOUT and timeout is not None:
            raise TimeoutExpired(args, timeout, error.strerror) from error
        raise
    # A part may end in the middle of a character.
    how = "replace" if outcome.error else None
    out, err = (mode.decode(data, how) if captured and sink is None else None
                for captured, data in zip(streams.captured, (outcome.out, outcome.err)))
    if outcome.error == 0:
        return CompletedProcess(args, outcome, out, err)
    if outcome.error == errno.ETIMEDOUT:
        raise TimeoutExpired(args, timeout, outcome.text, out, err)
    if outcome.error == errno.EIO:
        raise CalledProcessError(args, outcome.returncode, outcome.text, out, err)
    raise Stopped(outcome.error, outcome.text, args, outcome, out, err)
