"""qemu-fork by ctypes: needs nothing but Python and the library.

SPDX-License-Identifier: MIT
"""
import ctypes
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_int64, c_size_t, c_uint, c_uint64, c_void_p

SPAWN_SEARCH_PATH = 1 << 0
SPAWN_PIPE_STDOUT = 1 << 13


class Options(ctypes.Structure):
    """QemuSpawnOptions."""
    _fields_ = [
        ("size", c_size_t), ("flags", c_uint64), ("executable", c_char_p), ("cwd", c_char_p), ("envp", c_void_p),
        ("env_set", c_void_p), ("env_unset", c_void_p), ("fds", c_void_p), ("n_fds", c_size_t), ("signals", c_int),
        ("ignored", POINTER(c_int)), ("defaulted", POINTER(c_int)), ("pgid", c_int), ("umask", c_uint),
        ("uid", c_uint), ("gid", c_uint), ("groups", c_void_p), ("n_groups", c_size_t), ("rlimits", c_void_p),
        ("n_rlimits", c_size_t), ("death_signal", c_int), ("failed_step", POINTER(c_int)),
    ]


class Status(ctypes.Structure):
    """QemuProcessStatus. str() says it in words."""
    _fields_ = [("end", c_int), ("exit_code", c_int), ("term_signal", c_int), ("core_dumped", c_bool)]

    def __str__(self):
        text = _library.qemu_process_status_str(byref(self))
        try:
            return ctypes.string_at(text).decode()
        finally:
            _libc.free(text)


def _function(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments


_libc = ctypes.CDLL(None)
_function(_libc, "free", None, c_void_p)
_library = ctypes.CDLL("libqemu_fork.so.0", use_errno=True)
_function(_library, "qemu_spawn", c_void_p, POINTER(c_char_p), POINTER(Options), POINTER(c_void_p))
_function(_library, "qemu_process_take_fd", c_int, c_void_p, c_int)
_function(_library, "qemu_process_wait", c_int, c_void_p, c_int64, POINTER(Status), c_void_p)
_function(_library, "qemu_process_status_str", c_void_p, POINTER(Status))  # not c_char_p: we have to free it
_function(_library, "qemu_process_free", None, c_void_p)
_function(_library, "error_get_pretty", c_char_p, c_void_p)
_function(_library, "error_free", None, c_void_p)


class Process:
    """A child. While one thread waits for it the others run: ctypes lets go of the interpreter during a call."""

    def __init__(self, *argv, flags=0):
        options = Options(size=ctypes.sizeof(Options), flags=flags)
        strings = (c_char_p * (len(argv) + 1))(*map(os.fsencode, argv))
        error = c_void_p()
        self._handle = _library.qemu_spawn(strings, byref(options), byref(error))
        if not self._handle:
            number, text = ctypes.get_errno(), _library.error_get_pretty(error).decode()
            _library.error_free(error)
            raise OSError(number, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _library.qemu_process_free(self._handle)
        self._handle = None

    def take_stdout(self):
        """The pipe from the child's stdout, which SPAWN_PIPE_STDOUT asked for."""
        return os.fdopen(_library.qemu_process_take_fd(self._handle, 1))

    def wait(self, timeout_ms=-1):
        """How the child ended, or None where the time is up."""
        status = Status()
        return status if _library.qemu_process_wait(self._handle, timeout_ms, byref(status), None) == 1 else None
