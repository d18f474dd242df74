#!/usr/bin/env python3
"""What qemu_run.run() does. Prints TAP.

SPDX-License-Identifier: MIT
"""
import errno
import os
import signal
import subprocess
import tempfile
import threading

import qemu_run
import tap
from tap import raises


def output_and_status():
    result = qemu_run.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True)
    assert (result.returncode, result.stdout, result.stderr) == (3, b"out\n", b"err\n"), result
    assert result.args[0] == "sh" and isinstance(result, subprocess.CompletedProcess)
    assert result.usage.wall > 0 and result.stdout_total == 4
    assert qemu_run.run(["sh", "-c", "kill -9 $$"]).returncode == -signal.SIGKILL


def same_as_subprocess():
    """Each row of arguments gives the same."""
    with tempfile.TemporaryFile() as file:
        for more in ({}, {"stdout": subprocess.PIPE}, {"capture_output": True, "text": True},
                     {"capture_output": True, "stdin": subprocess.DEVNULL}, {"input": b"x\0y", "capture_output": True},
                     {"input": "\u00e4\r\n", "encoding": "utf-8", "capture_output": True},
                     {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.PIPE},
                     {"stdout": file, "stderr": subprocess.DEVNULL}, {"stdout": file.fileno()},
                     {"env": {"ONE": "1", "PATH": os.environ["PATH"]}, "cwd": "/", "capture_output": True}):
            command = ["sh", "-c", "[ -n \"$ONE\" ] && env | grep ONE && pwd; cat; echo to-stderr >&2; exit 2"]
            if "stdin" not in more and "input" not in more:
                more = {**more, "stdin": subprocess.DEVNULL}
            if "stderr" not in more and "capture_output" not in more:
                more = {**more, "stderr": subprocess.DEVNULL}
            mine, theirs = (module.run(command, **more) for module in (qemu_run, subprocess))
            assert repr(mine) == repr(theirs), (mine, theirs)


def inherited_stdout():
    reader, writer = os.pipe()
    saved = os.dup(1)
    os.dup2(writer, 1)
    try:
        assert qemu_run.run(["echo", "hello"]).stdout is None
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(writer)
    assert os.read(reader, 100) == b"hello\n"
    os.close(reader)


def much_of_both():
    data = os.urandom(1 << 20) * 8
    assert qemu_run.run(["cat"], input=data, capture_output=True).stdout == data
    result = qemu_run.run(["true"], input=data)
    assert result.returncode == 0 and result.input_left


def check():
    error = raises(subprocess.CalledProcessError, qemu_run.run,
                   ["/bin/sh", "-c", "echo half; echo no such disk >&2; exit 32"], check=True, capture_output=True,
                   text=True)
    assert str(error) == "'/bin/sh' exited with status 32: no such disk"
    assert (error.returncode, error.stdout, error.stderr) == (32, "half\n", "no such disk\n")
    assert qemu_run.run(["true"], check=True).returncode == 0


def times_out(argv, **more):
    """The exception of a program that says something and goes on. It gets more time until it has said it."""
    timeout, error = 0.1, None
    while error is None or not error.stdout:
        error = raises(subprocess.TimeoutExpired, qemu_run.run, argv, timeout=timeout, capture_output=True, **more)
        timeout *= 2
    assert f"did not end within {error.timeout * 1000:.0f} ms and was stopped" in str(error), error
    return error


def deadline():
    error = times_out(["/bin/sh", "-c", "echo half; exec sleep 100000"], text=True)
    assert error.stdout == "half\n" and str(error).startswith("'/bin/sh' did"), error
    raises(subprocess.TimeoutExpired, qemu_run.run, ["sleep", "100000"], timeout=0)
    raises(subprocess.TimeoutExpired, qemu_run.run, ["sleep", "100000"], timeout=-1, kill=True)
    assert qemu_run.run(["true"], timeout=float("inf")).returncode == 0


def held_pipe():
    """The process that is left behind ends when its own stdin does, which is after the run."""
    reader, writer = os.pipe()
    result = qemu_run.run(["sh", "-c", "cat <&$0 & echo hi", str(reader)], pass_fds=[reader], capture_output=True)
    os.close(writer)
    os.close(reader)
    assert result.stdout == b"hi\n" and result.pipe_held


def held_pipe_and_deadline():
    reader, writer = os.pipe()
    error = times_out(["sh", "-c", "cat <&$0 & echo hi; wait", str(reader)], pass_fds=[reader])
    os.close(writer)
    os.close(reader)
    assert error.stdout == b"hi\n"


def too_much():
    error = raises(qemu_run.Stopped, qemu_run.run, ["yes"], capture_output=True, max_output=1000)
    assert error.errno == errno.ENOBUFS and len(error.stdout) == 1000
    digits = ["sh", "-c", "printf 0123456789"]
    assert qemu_run.run(digits, capture_output=True, max_output=3, cut=True).stdout == b"012"
    assert qemu_run.run(digits, capture_output=True, max_output=3, keep_tail=True).stdout == b"789"
    assert qemu_run.run(digits, capture_output=True, max_output=None).stdout == b"0123456789"


def sink():
    lines = []
    result = qemu_run.run(["sh", "-c", "echo one; echo two >&2; printf three"],
                          sink=lambda fd, line: lines.append((fd, line)), lines=True)
    assert sorted(lines) == [(1, b"one\n"), (1, b"three"), (2, b"two\n")], lines
    assert result.stdout is None and result.stdout_total == 9


def cancelled():
    reader, writer = os.pipe()
    threading.Thread(target=os.close, args=[writer]).start()
    error = raises(qemu_run.Stopped, qemu_run.run, ["sleep", "100000"], cancel_fd=reader, grace=None)
    os.close(reader)
    assert error.errno == errno.ECANCELED and error.returncode == -signal.SIGTERM


def failed_start():
    error = raises(FileNotFoundError, qemu_run.run, "/etc/not-there")
    assert error.step == "exec" and error.strerror == "cannot execute '/etc/not-there': No such file or directory"
    error = raises(NotADirectoryError, qemu_run.run, "true", cwd="/etc/passwd")
    assert error.step == "cwd", error.step
    assert raises(PermissionError, qemu_run.run, "/etc/passwd").step == "exec"


def other_threads_run():
    """The program ends when another thread has closed its stdin, which that can do only while this one waits."""
    reader, writer = os.pipe()

    def write():
        for _ in range(1000):
            os.write(writer, b"x")
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    assert qemu_run.run(["cat"], stdin=reader, capture_output=True).stdout == b"x" * 1000
    thread.join()
    os.close(reader)


def many_at_once():
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(
        qemu_run.run(["echo", str(i)], capture_output=True, text=True, check=True).stdout)) for i in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, results)) == list(range(30))


if __name__ == "__main__":
    tap.main([output_and_status, same_as_subprocess, inherited_stdout, much_of_both, check, deadline, held_pipe,
              held_pipe_and_deadline, too_much, sink, cancelled, failed_start, other_threads_run, many_at_once])
