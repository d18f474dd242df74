"""qemu-fork by ctypes: needs nothing but Python and the library.

SPDX-License-Identifier: MIT
"""
import ctypes
import os
import sys
import threading
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_int64, c_size_t, c_uint, c_uint64, c_void_p

import qemu_options
import qemu_outcome as outcome
from qemu_handle import Handle

SPAWN_SEARCH_PATH = 1 << 0
SPAWN_SET_UID = 1 << 4
SPAWN_NULL_STDOUT = 1 << 10
SPAWN_NULL_STDERR = 1 << 11
SPAWN_PIPE_STDOUT = 1 << 13
SPAWN_MERGE_STDERR = 1 << 15
SPAWN_SEARCH_CHILD_PATH = 1 << 18
SPAWN_KEEP_GROUPS = 1 << 19
SPAWN_FOREGROUND = 1 << 20
SPAWN_SET_NICE = 1 << 21
SPAWN_CLEAN_SCHED = 1 << 22
SPAWN_INTO_CGROUP = 1 << 23
SPAWN_FD_CLOSED = -101
PROCESS_USAGE_PEAK = 1 << 0
PROCESS_USAGE_TIMES = 1 << 1
RUN_CHECK = 1 << 0
RUN_CUT = 1 << 1
RUN_KEEP_TAIL = 1 << 2
RUN_LINES = 1 << 3
RUN_KILL = 1 << 5
RUN_INHERIT_STDIN = 1 << 6
RUN_INHERIT_STDOUT = 1 << 7
RUN_INHERIT_STDERR = 1 << 8
RUN_CANCEL_FD = 1 << 9
RUN_RESULT_OUT_CUT = 1 << 0
RUN_RESULT_ERR_CUT = 1 << 1
RUN_RESULT_PIPE_HELD = 1 << 2
RUN_RESULT_INPUT_LEFT = 1 << 3
PROCESS_EXITED, PROCESS_SIGNALED = 1, 2
RUN_END_NOT_STARTED = 0
SIZE_MAX = c_size_t(-1).value


class SpawnFd(ctypes.Structure):
    """QemuSpawnFd."""
    _fields_ = [("source", c_int), ("target", c_int)]


class SpawnFile(ctypes.Structure):
    """QemuSpawnFile."""
    _fields_ = [("target", c_int), ("path", c_char_p), ("flags", c_int), ("mode", c_uint)]


class Options(ctypes.Structure):
    """QemuSpawnOptions."""
    _fields_ = [
        ("size", c_size_t), ("flags", c_uint64), ("executable", c_char_p), ("cwd", c_char_p),
        ("envp", POINTER(c_char_p)), ("env_set", c_void_p), ("env_unset", c_void_p), ("fds", POINTER(SpawnFd)),
        ("n_fds", c_size_t), ("signals", c_int), ("ignored", POINTER(c_int)), ("defaulted", POINTER(c_int)),
        ("pgid", c_int), ("umask", c_uint), ("uid", c_uint), ("gid", c_uint), ("groups", c_void_p),
        ("n_groups", c_size_t), ("rlimits", c_void_p), ("n_rlimits", c_size_t), ("death_signal", c_int),
        ("failed_step", POINTER(c_int)), ("files", POINTER(SpawnFile)), ("n_files", c_size_t), ("nice", c_int),
        ("cgroup_fd", c_int),
    ]


class Status(ctypes.Structure):
    """QemuProcessStatus. str() says it in words."""
    _fields_ = [("end", c_int), ("exit_code", c_int), ("term_signal", c_int), ("core_dumped", c_bool)]

    def __str__(self):
        text = _library.qemu_process_status_str(byref(self))
        if not text:
            raise _error(None)
        try:
            return ctypes.string_at(text).decode()
        finally:
            _libc.free(text)

    def check(self, what="the program"):
        """An OSError unless the child exited with status 0; what names it in the text."""
        error = c_void_p()
        if not _library.qemu_process_status_check(byref(self), outcome.encoded(what), byref(error)):
            raise _error(error)


class Usage(ctypes.Structure):
    """QemuProcessUsage."""
    _fields_ = [("flags", c_uint64), ("user_us", c_uint64), ("system_us", c_uint64), ("wall_us", c_uint64),
                ("peak_kib", c_uint64)]


Sink = ctypes.CFUNCTYPE(c_bool, c_void_p, c_int, c_void_p, c_size_t)


class RunOptions(ctypes.Structure):
    """QemuRunOptions."""
    _fields_ = [("size", c_size_t), ("flags", c_uint64), ("input", c_char_p), ("input_len", c_size_t),
                ("stdout_limit", c_size_t), ("stderr_limit", c_size_t), ("timeout_ms", c_int64), ("grace_ms", c_int64),
                ("linger_ms", c_int64), ("cancel_fd", c_int), ("sink", Sink), ("opaque", c_void_p)]


class RunResult(ctypes.Structure):
    """QemuRunResult."""
    _fields_ = [("size", c_size_t), ("end", c_int), ("status", Status), ("flags", c_uint64), ("out", c_void_p),
                ("err", c_void_p), ("out_len", c_size_t), ("err_len", c_size_t), ("out_total", c_uint64),
                ("err_total", c_uint64), ("usage", Usage)]


def _function(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments


_libc = ctypes.CDLL(None)
_function(_libc, "free", None, c_void_p)
_library = ctypes.CDLL("libqemu_fork.so.0", use_errno=True)
_function(_library, "qemu_spawn", c_void_p, POINTER(c_char_p), POINTER(Options), POINTER(c_void_p))
_function(_library, "qemu_process_pid", c_int, c_void_p)
_function(_library, "qemu_process_take_fd", c_int, c_void_p, c_int)
_function(_library, "qemu_process_wait", c_int, c_void_p, c_int64, POINTER(Status), POINTER(c_void_p))
_function(_library, "qemu_process_kill", c_bool, c_void_p, c_int, POINTER(c_void_p))
_function(_library, "qemu_process_stop", c_bool, c_void_p, c_int64, POINTER(Status), POINTER(c_void_p))
_function(_library, "qemu_process_status_str", c_void_p, POINTER(Status))  # not c_char_p: we have to free it
_function(_library, "qemu_process_status_check", c_bool, POINTER(Status), c_char_p, POINTER(c_void_p))
_function(_library, "qemu_process_adopt", c_void_p, c_int, POINTER(c_void_p))
_function(_library, "qemu_process_free", None, c_void_p)
_function(_library, "qemu_run_start", c_void_p, POINTER(c_char_p), POINTER(Options), POINTER(RunOptions),
          POINTER(c_void_p))
_function(_library, "qemu_run_fd", c_int, c_void_p)
_function(_library, "qemu_run_step", c_int, c_void_p, POINTER(RunResult), POINTER(c_void_p))
_function(_library, "qemu_run_cancel", None, c_void_p)
_function(_library, "qemu_run_process", c_void_p, c_void_p)
_function(_library, "qemu_run_free", None, c_void_p)
_function(_library, "qemu_run_result_clear", None, POINTER(RunResult))
_function(_library, "error_get_pretty", c_char_p, c_void_p)
_function(_library, "error_free", None, c_void_p)


def _reason(error):
    """The errno of the call before, and the text of an Error, which is freed."""
    number = ctypes.get_errno()
    if not error:
        return number, os.strerror(number)
    text = _library.error_get_pretty(error).decode(errors="replace")
    _library.error_free(error)
    return number, text


def _error(error):
    return OSError(*_reason(error))


def _strings(words):
    return (c_char_p * (len(words) + 1))(*words)


def _options(step, **more):
    """What qemu_options.members() takes."""
    given = qemu_options.members(sys.modules[__name__], **more)
    env, fds, files = (given.pop(name) for name in ("env", "fds", "files"))
    options = Options(size=ctypes.sizeof(Options), failed_step=ctypes.pointer(step), **given)
    if env is not None:
        options.envp = _strings(env)
    if fds:
        options.fds, options.n_fds = (SpawnFd * len(fds))(*fds), len(fds)
    if files:
        options.files, options.n_files = (SpawnFile * len(files))(*files), len(files)
    return options


class Process(Handle):
    """A child. While one thread waits for it the others run: ctypes lets go of the interpreter during a call.

    The options are those of qemu_options.members()."""

    def __init__(self, *argv, **options):
        step, error = c_int(), c_void_p()
        options = _options(step, **options)
        address = _library.qemu_spawn(_strings([*map(outcome.encoded, argv)]), byref(options), byref(error))
        if not address:
            raise outcome.failed(*_reason(error), step.value)
        super().__init__(address, _library.qemu_process_free)

    @classmethod
    def adopt(cls, pid):
        """A child that something else has started, os.fork() for example, and that nobody has reaped."""
        error = c_void_p()
        address = _library.qemu_process_adopt(pid, byref(error))
        if not address:
            raise _error(error)
        process = cls.__new__(cls)
        Handle.__init__(process, address, _library.qemu_process_free)
        return process

    @property
    def pid(self):
        """Its process id. Once it has been reaped, another process may have it."""
        with self._used() as process:
            return _library.qemu_process_pid(process)

    def take_stdout(self):
        """The pipe from the child's stdout, which SPAWN_PIPE_STDOUT asked for."""
        with self._used() as process:
            fd = _library.qemu_process_take_fd(process, 1)
            if fd < 0:
                raise _error(None)
            return os.fdopen(fd)

    def wait(self, timeout_ms=-1):
        """How the child ended, or None where the time is up."""
        status, error = Status(), c_void_p()
        with self._used() as process:
            ended = _library.qemu_process_wait(process, timeout_ms, byref(status), byref(error))
            if ended < 0:
                raise _error(error)
            return status if ended == 1 else None

    def kill(self, signal):
        """Sends a signal, and never to another process that has got the child's id since."""
        error = c_void_p()
        with self._used() as process:
            if not _library.qemu_process_kill(process, signal, byref(error)):
                raise _error(error)

    def stop(self, grace_ms=1000):
        """Ends the child by SIGTERM, and after a time by SIGKILL. How it ended."""
        status, error = Status(), c_void_p()
        with self._used() as process:
            if not _library.qemu_process_stop(process, grace_ms, byref(status), byref(error)):
                raise _error(error)
            return status


def _sink(function, raised):
    """A function for C, which cannot be thrown through. What the function raises is kept, and stops the program."""
    def take(_, child_fd, data, length):
        try:
            return function(child_fd, ctypes.string_at(data, length)) is not False
        except BaseException as exception:  # pylint: disable=broad-exception-caught
            raised.append(exception)
            return False
    return Sink(take)


class Run(Handle):
    """A run for a main loop, which calls step() when fileno() is readable. close() kills a program that still runs."""

    def __init__(self, argv, spawn, run, sink=None):
        step, error = c_int(), c_void_p()
        options = _options(step, **spawn)
        self._raised, self._stepping, self._over = [], threading.Lock(), False
        self._input = run.get("input")  # the library reads it until the run is over
        self._sink = Sink() if sink is None else _sink(sink, self._raised)
        run = RunOptions(size=ctypes.sizeof(RunOptions), sink=self._sink, **run)
        address = _library.qemu_run_start(_strings([*map(outcome.encoded, argv)]), byref(options), byref(run),
                                          byref(error))
        if not address:
            raise outcome.failed(*_reason(error), step.value)
        super().__init__(address, _library.qemu_run_free)

    def fileno(self):
        """The descriptor to wait for. It belongs to the run."""
        with self._used() as run:
            return _library.qemu_run_fd(run)

    @property
    def pid(self):
        """The program's process id. Once it has been reaped, another process may have it."""
        with self._used() as run:
            return _library.qemu_process_pid(_library.qemu_run_process(run))

    def kill(self, signal):
        """Sends the program a signal."""
        error = c_void_p()
        with self._used() as run:
            if not _library.qemu_process_kill(_library.qemu_run_process(run), signal, byref(error)):
                raise _error(error)

    def cancel(self):
        """Stops the program, from any thread. The next step() does it."""
        with self._used() as run:
            _library.qemu_run_cancel(run)

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
        result, error = RunResult(size=ctypes.sizeof(RunResult)), c_void_p()
        done = _library.qemu_run_step(run, byref(result), byref(error))
        if done == 0:
            return None
        number, text = (0, None) if done == 1 else _reason(error)
        try:
            if result.end == RUN_END_NOT_STARTED:  # a copy of the process has no run
                raise OSError(number, text)
            self._over = True
            if self._raised:
                raise self._raised.pop()
            return _outcome(number, text, result)
        finally:
            _library.qemu_run_result_clear(byref(result))


def _outcome(number, text, result):
    used = result.usage
    times = (used.user_us / 1e6, used.system_us / 1e6) if used.flags & PROCESS_USAGE_TIMES else (None, None)
    peak = used.peak_kib if used.flags & PROCESS_USAGE_PEAK else None
    return outcome.Outcome(
        number, text, result.end, outcome.returncode(result.status, PROCESS_EXITED, PROCESS_SIGNALED), result.flags,
        ctypes.string_at(result.out, result.out_len), ctypes.string_at(result.err, result.err_len), result.out_total,
        result.err_total, outcome.Usage(*times, used.wall_us / 1e6, peak))
