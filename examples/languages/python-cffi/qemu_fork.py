"""qemu-fork by cffi, with the same classes as by ctypes.

SPDX-License-Identifier: MIT
"""
import os
import sys
import threading

import qemu_options
import qemu_outcome as outcome
from _qemu_fork import ffi, lib
from qemu_handle import Handle

SIZE_MAX = ffi.cast("size_t", -1).__int__()
# The constants of the header, without QEMU_.
globals().update({name[len("QEMU_"):]: getattr(lib, name) for name in dir(lib) if name.startswith("QEMU_")})


def _reason(errp):
    """The errno of the call before, and the text of an Error, which is freed."""
    number = ffi.errno
    if errp is None or errp[0] == ffi.NULL:
        return number, os.strerror(number)
    text = ffi.string(lib.error_get_pretty(errp[0])).decode(errors="replace")
    lib.error_free(errp[0])
    return number, text


class Options:
    """QemuSpawnOptions, and what it points to: what qemu_options.members() takes."""

    def __init__(self, **more):
        given = qemu_options.members(sys.modules[__name__], **more)
        cwd, env, fds, files = (given.pop(name) for name in ("cwd", "env", "fds", "files"))
        self.step = ffi.new("QemuSpawnStep *")
        self._cwd = ffi.NULL if cwd is None else ffi.new("char[]", cwd)
        self._env = ffi.NULL if env is None else strings(env)
        self._fds = ffi.new("QemuSpawnFd[]", fds)
        self._paths = [ffi.new("char[]", path) for _, path, _, _ in files]
        self._files = ffi.new("QemuSpawnFile[]", [(target, path, flags, mode) for path, (target, _, flags, mode)
                                                  in zip(self._paths, files)])
        self.c = ffi.new("QemuSpawnOptions *", {
            **given, "size": ffi.sizeof("QemuSpawnOptions"), "cwd": self._cwd,
            "envp": self._env if env is None else self._env.c, "fds": self._fds, "n_fds": len(self._fds),
            "files": self._files if files else ffi.NULL, "n_files": len(files), "failed_step": self.step})


class strings:  # pylint: disable=invalid-name
    """Strings ended by NULL."""

    def __init__(self, words):
        self._words = [ffi.new("char[]", word) for word in words]
        self.c = ffi.new("char *[]", [*self._words, ffi.NULL])


class Status:
    """QemuProcessStatus. str() says it in words."""

    def __init__(self, status=None):
        self._status = ffi.new("QemuProcessStatus *") if status is None else status
        self.exit_code, self.term_signal = self._status.exit_code, self._status.term_signal

    def __str__(self):
        text = lib.qemu_process_status_str(self._status)
        if text == ffi.NULL:
            raise OSError(*_reason(None))
        try:
            return ffi.string(text).decode()
        finally:
            lib.free(text)

    def check(self, what="the program"):
        """An OSError unless the child exited with status 0; what names it in the text."""
        errp = ffi.new("Error **")
        if not lib.qemu_process_status_check(self._status, outcome.encoded(what), errp):
            raise OSError(*_reason(errp))


class Process(Handle):
    """A child. While one thread waits for it the others run: cffi lets go of the interpreter during a call.

    The options are those of qemu_options.members()."""

    def __init__(self, *argv, **options):
        options, words, errp = Options(**options), strings(map(outcome.encoded, argv)), ffi.new("Error **")
        address = lib.qemu_spawn(words.c, options.c, errp)
        if address == ffi.NULL:
            raise outcome.failed(*_reason(errp), options.step[0])
        super().__init__(address, lib.qemu_process_free)

    @classmethod
    def adopt(cls, pid):
        """A child that something else has started, os.fork() for example, and that nobody has reaped."""
        errp = ffi.new("Error **")
        address = lib.qemu_process_adopt(pid, errp)
        if address == ffi.NULL:
            raise OSError(*_reason(errp))
        process = cls.__new__(cls)
        Handle.__init__(process, address, lib.qemu_process_free)
        return process

    @property
    def pid(self):
        """Its process id. Once it has been reaped, another process may have it."""
        with self._used() as process:
            return lib.qemu_process_pid(process)

    def take_stdout(self):
        """The pipe from the child's stdout, which SPAWN_PIPE_STDOUT asked for."""
        with self._used() as process:
            fd = lib.qemu_process_take_fd(process, 1)
            if fd < 0:
                raise OSError(*_reason(None))
            return os.fdopen(fd)

    def wait(self, timeout_ms=-1):
        """How the child ended, or None where the time is up."""
        status, errp = ffi.new("QemuProcessStatus *"), ffi.new("Error **")
        with self._used() as process:
            ended = lib.qemu_process_wait(process, timeout_ms, status, errp)
            if ended < 0:
                raise OSError(*_reason(errp))
            return Status(status) if ended == 1 else None

    def kill(self, signal):
        """Sends a signal, and never to another process that has got the child's id since."""
        errp = ffi.new("Error **")
        with self._used() as process:
            if not lib.qemu_process_kill(process, signal, errp):
                raise OSError(*_reason(errp))

    def stop(self, grace_ms=1000):
        """Ends the child by SIGTERM, and after a time by SIGKILL. How it ended."""
        status, errp = ffi.new("QemuProcessStatus *"), ffi.new("Error **")
        with self._used() as process:
            if not lib.qemu_process_stop(process, grace_ms, status, errp):
                raise OSError(*_reason(errp))
            return Status(status)


class _Sink:
    """A function, and what it has raised, which cannot be thrown through C and stops the program."""

    def __init__(self, function):
        self.function, self.raised = function, []


@ffi.def_extern(name="take_output")
def _take_output(opaque, child_fd, data, length):
    sink = ffi.from_handle(opaque)
    try:
        return sink.function(child_fd, ffi.unpack(data, length)) is not False
    except BaseException as exception:  # pylint: disable=broad-exception-caught
        sink.raised.append(exception)
        return False


class Run(Handle):
    """A run for a main loop, which calls step() when fileno() is readable. close() kills a program that still runs."""

    def __init__(self, argv, spawn, run, sink=None):
        options, words, errp = Options(**spawn), strings(map(outcome.encoded, argv)), ffi.new("Error **")
        self._stepping, self._over = threading.Lock(), False
        self._sink = None if sink is None else _Sink(sink)
        self._opaque = ffi.NULL if sink is None else ffi.new_handle(self._sink)
        # The library reads it until the run is over.
        data = run.get("input")
        self._input = ffi.NULL if data is None else ffi.from_buffer(data)
        run = ffi.new("QemuRunOptions *", {
            **run, "size": ffi.sizeof("QemuRunOptions"), "input": self._input,
            "sink": ffi.NULL if sink is None else lib.take_output, "opaque": self._opaque})
        address = lib.qemu_run_start(words.c, options.c, run, errp)
        if address == ffi.NULL:
            raise outcome.failed(*_reason(errp), options.step[0])
        super().__init__(address, lib.qemu_run_free)

    def fileno(self):
        """The descriptor to wait for. It belongs to the run."""
        with self._used() as run:
            return lib.qemu_run_fd(run)

    @property
    def pid(self):
        """The program's process id. Once it has been reaped, another process may have it."""
        with self._used() as run:
            return lib.qemu_process_pid(lib.qemu_run_process(run))

    def kill(self, signal):
        """Sends the program a signal."""
        errp = ffi.new("Error **")
        with self._used() as run:
            if not lib.qemu_process_kill(lib.qemu_run_process(run), signal, errp):
                raise OSError(*_reason(errp))

    def cancel(self):
        """Stops the program, from any thread. The next step() does it."""
        with self._used() as run:
            lib.qemu_run_cancel(run)

    def step(self):
        """Does what can be done without waiting. None while the run goes on, and then the outcome."""
        with self._used() as run:
            if not self._stepping.acquire(blocking=False):
                raise RuntimeError("the run is in the middle of a step")
            try:
                return self._step(run)
            finally:
                self._stepping.release()

    def _step(self, run):
        if self._over:
            raise RuntimeError("the run is over")
        result, errp = ffi.new("QemuRunResult *", {"size": ffi.sizeof("QemuRunResult")}), ffi.new("Error **")
        done = lib.qemu_run_step(run, result, errp)
        if done == 0:
            return None
        number, text = (0, None) if done == 1 else _reason(errp)
        try:
            if result.end == lib.QEMU_RUN_END_NOT_STARTED:  # a copy of the process has no run
                raise OSError(number, text)
            self._over = True
            if self._sink is not None and self._sink.raised:
                raise self._sink.raised.pop()
            return _outcome(number, text, result)
        finally:
            lib.qemu_run_result_clear(result)


def _outcome(number, text, result):
    used = result.usage
    known = used.flags & lib.QEMU_PROCESS_USAGE_TIMES
    times = (used.user_us / 1e6, used.system_us / 1e6) if known else (None, None)
    peak = used.peak_kib if used.flags & lib.QEMU_PROCESS_USAGE_PEAK else None
    return outcome.Outcome(
        number, text, result.end,
        outcome.returncode(result.status, lib.QEMU_PROCESS_EXITED, lib.QEMU_PROCESS_SIGNALED), result.flags,
        ffi.unpack(result.out, result.out_len), ffi.unpack(result.err, result.err_len), result.out_total,
        result.err_total, outcome.Usage(*times, used.wall_us / 1e6, peak))
