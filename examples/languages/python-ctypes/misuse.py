#!/usr/bin/env python3
"""What a program may get wrong: it is an exception each time, and nothing leaks. Prints TAP.

SPDX-License-Identifier: MIT
"""
import ctypes
import errno
import gc
import os
import signal
import threading
import time

import qemu_fork
import qemu_run
import tap
from tap import raises

FOREVER = ("/bin/sleep", "100000")
NUL = "a\0b"


def start(argv=FOREVER, sink=None, **options):
    """A run, of which nothing is captured without a sink."""
    spawn = {"flags": 0 if sink else qemu_fork.SPAWN_NULL_STDOUT, "cwd": None, "env": None, "fds": ()}
    return qemu_fork.Run(argv, spawn, options, sink)


def step_to_the_end(run):
    """The outcome."""
    while (outcome := run.step()) is None:
        time.sleep(0)
    return outcome


def wait_until(condition):
    """For what another thread does."""
    while not condition():
        time.sleep(0)


def gone(pid):
    """No such process, not even one that is to be reaped."""
    return isinstance(raises(OSError, os.kill, pid, 0), ProcessLookupError)


def process_after_close():
    process = qemu_fork.Process(*FOREVER)
    pid = process.pid
    process.stop(-1)
    assert gone(pid)
    process.close()
    for use in (process.wait, process.stop, process.take_stdout, lambda: process.kill(signal.SIGTERM),
                lambda: process.pid):
        raises(ValueError, use)


def process_adopted_and_its_status_checked():
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    with qemu_fork.Process.adopt(pid) as process:
        status = process.wait()
    error = raises(OSError, status.check, "the child")
    assert (error.errno, error.strerror) == (errno.EIO, "the child exited with status 3"), error
    with qemu_fork.Process("/bin/true") as process:
        process.wait().check()
    assert raises(OSError, qemu_fork.Status().check).errno == errno.EINVAL
    raises(ValueError, status.check, NUL)
    raises(ChildProcessError, qemu_fork.Process.adopt, pid)
    assert raises(OSError, qemu_fork.Process.adopt, 0).errno == errno.EINVAL


def process_closed_twice():
    with qemu_fork.Process("/bin/true") as process:
        status = process.wait()
        assert {str(status) for _ in range(10)} == {"exited with status 0"}
        process.close()
        process.close()


def process_closed_while_a_thread_waits():
    process, ends = qemu_fork.Process(*FOREVER), []
    pid = process.pid
    thread = threading.Thread(target=lambda: ends.append(process.wait()))
    thread.start()
    wait_until(lambda: process._users)  # pylint: disable=protected-access
    process.close()
    process.close()
    raises(ValueError, process.wait, 0)
    os.kill(pid, signal.SIGKILL)
    thread.join()
    assert ends[0].term_signal == signal.SIGKILL
    assert gone(pid)


def process_stopped_while_a_thread_waits():
    process, ends = qemu_fork.Process(*FOREVER), []
    with process:
        thread = threading.Thread(target=lambda: ends.append(process.wait()))
        thread.start()
        process.kill(signal.SIGKILL)
        thread.join()
    assert ends[0].term_signal == signal.SIGKILL


def stdout_that_is_no_pipe():
    with qemu_fork.Process("/bin/true") as process:
        assert raises(OSError, process.take_stdout).errno == errno.EBADF
        process.wait()


def stdout_taken_twice():
    with qemu_fork.Process("/bin/true", flags=qemu_fork.SPAWN_PIPE_STDOUT) as process:
        process.take_stdout().close()
        assert raises(OSError, process.take_stdout).errno == errno.EBADF
        process.wait()


def signal_that_there_is_not():
    with qemu_fork.Process("/bin/true") as process:
        process.wait()
        assert raises(OSError, process.kill, signal.SIGTERM).errno == errno.ESRCH
        assert raises(OSError, process.kill, 12345).errno in (errno.EINVAL, errno.ESRCH)


def handle_that_was_never_made():
    error = raises(FileNotFoundError, qemu_fork.Process, "/etc/not-there")
    assert error.step == "exec", error.step
    raises(OSError, qemu_fork.Process)


def run_after_close():
    run = start()
    pid = run.pid
    run.close()
    assert gone(pid)
    for use in (run.step, run.cancel, run.fileno, lambda: run.kill(signal.SIGTERM), lambda: run.pid):
        raises(ValueError, use)
    run.close()


def run_closed_while_a_thread_steps():
    inside, go_on = threading.Event(), threading.Event()

    def sink(_fd, _data):
        inside.set()
        go_on.wait()

    run, ends = start(("/bin/sh", "-c", "echo; exec sleep 100000"), sink), []
    # Until it is closed, and the step in which that happens does not suffer.
    thread = threading.Thread(target=lambda: ends.append(raises(ValueError, step_to_the_end, run)))
    thread.start()
    inside.wait()
    raises(RuntimeError, run.step)
    run.close()
    raises(ValueError, run.step)
    go_on.set()
    thread.join()
    assert len(ends) == 1


def run_closed_by_its_sink():
    run = start(("/bin/sh", "-c", "echo; exec sleep 100000"), lambda _fd, _data: run.close())
    pid = run.pid
    raises(ValueError, step_to_the_end, run)
    assert gone(pid)


def run_stepped_by_its_sink():
    with start(("/bin/echo", "hello"), lambda _fd, _data: run.step()) as run:
        raises(RuntimeError, step_to_the_end, run)


def run_stepped_after_its_end():
    with start(("/bin/true",)) as run:
        step_to_the_end(run)
        raises(RuntimeError, run.step)


def run_cancelled_by_another_thread():
    with start() as run:
        thread = threading.Thread(target=run.cancel)
        thread.start()
        assert step_to_the_end(run).error == errno.ECANCELED
        thread.join()


def text_with_a_nul():
    for use in (qemu_fork.Process, lambda *argv, **more: qemu_run.run(argv, **more)):
        raises(ValueError, use, NUL)
        raises(ValueError, use, "/bin/true", NUL)
        raises(ValueError, use, "/bin/true", cwd=NUL)
        raises(ValueError, use, "/bin/true", env={NUL: "value"})
        raises(ValueError, use, "/bin/true", env={"NAME": NUL})
        raises(ValueError, use, "/bin/true", env={"A=B": "value"})


def sink_that_raises():
    pids = []

    def sink(_fd, data):
        pids.append(int(data))
        raise LookupError("from the sink")

    error = raises(LookupError, qemu_run.run, ["sh", "-c", "echo $$; exec sleep 100000"], sink=sink, grace=None)
    assert str(error) == "from the sink" and len(pids) == 1
    assert gone(pids[0])


def sink_that_says_no():
    error = raises(qemu_run.Stopped, qemu_run.run, ["sh", "-c", "echo; exec sleep 100000"], sink=lambda *_: False,
                   grace=None)
    assert error.errno == errno.ECANCELED and error.returncode == -signal.SIGTERM


def handler_that_raises():
    class Interrupted(Exception):
        """By the signal."""

    def handler(*_):
        raise Interrupted

    pids, before = [], signal.signal(signal.SIGUSR1, handler)

    def sink(_fd, data):
        pids.append(int(data))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    def long():
        qemu_run.run(["sh", "-c", "echo $$; exec sleep 100000"], sink=sink)

    raises(Interrupted, long)
    signal.signal(signal.SIGUSR1, before)
    assert gone(pids[0])


def arguments_that_contradict():
    raises(ValueError, qemu_run.run, ["/bin/true"], capture_output=True, stdout=qemu_run.PIPE)
    raises(ValueError, qemu_run.run, ["/bin/true"], input=b"", stdin=qemu_run.PIPE)
    assert raises(OSError, qemu_run.run, ["/bin/true"], cut=True, keep_tail=True).errno == errno.EINVAL
    assert raises(OSError, qemu_run.run, []).errno == errno.EINVAL
    raises(TypeError, qemu_run.run, ["/bin/true"], timeout="long")
    raises(TypeError, qemu_run.run, ["/bin/true", 5])
    raises(TypeError, qemu_run.run, ["/bin/cat"], input="text without text=True")
    assert raises(OSError, qemu_run.run, ["/bin/true"], stdout=12345).errno == errno.EBADF


TESTS = [test for name, test in list(globals().items()) if getattr(test, "__code__", None)
         and name not in ("raises", "start", "step_to_the_end", "wait_until", "gone")]


class Mallinfo(ctypes.Structure):
    """glibc's struct mallinfo2."""
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks",
                                                     "fsmblks", "uordblks", "fordblks", "keepcost")]


def allocated():
    """The bytes that malloc() has given out. The library's are among them."""
    gc.collect()
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = Mallinfo
    info = mallinfo()
    return info.uordblks + info.hblkhd


def descriptors():
    gc.collect()
    return sorted(os.listdir("/proc/self/fd"))


def nothing_leaks():
    """All of it again and again: neither descriptors nor children nor memory are left."""
    def growth(times=5):
        before = allocated()
        for _ in range(times):
            for test in TESTS:
                test()
        return allocated() - before

    growth(3)
    before = descriptors()
    # The interpreter's own memory goes up and down. What leaks goes up each time: a handle, a text or a result has 32
    # bytes at the least.
    growths = []
    while not growths or growths[-1] >= 5 * 32:
        assert len(growths) < 12, growths
        growths.append(growth())
    raises(ChildProcessError, os.waitpid, -1, os.WNOHANG)
    assert descriptors() == before, (before, descriptors())


if __name__ == "__main__":
    tap.main([*TESTS, nothing_leaks])
