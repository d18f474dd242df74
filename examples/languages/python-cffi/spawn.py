#!/usr/bin/env python3
"""A program started, its output, its status, and why another cannot be started.

SPDX-License-Identifier: MIT
"""
import os

from _qemu_fork import ffi, lib


def spawn(*argv, flags=0):
    """A handle, which frees itself; OSError says why there is none."""
    strings = [ffi.new("char[]", os.fsencode(word)) for word in argv] + [ffi.NULL]
    options = ffi.new("QemuSpawnOptions *", {"size": ffi.sizeof("QemuSpawnOptions"), "flags": flags})
    errp = ffi.new("Error **")
    handle = lib.qemu_spawn(ffi.new("char *[]", strings), options, errp)
    if handle == ffi.NULL:
        error = ffi.gc(errp[0], lib.error_free)
        raise OSError(ffi.errno, ffi.string(lib.error_get_pretty(error)).decode())
    return ffi.gc(handle, lib.qemu_process_free)


def main():
    """The same as in the other languages."""
    process = spawn("sh", "-c", "echo hello; exit 3", flags=lib.QEMU_SPAWN_SEARCH_PATH | lib.QEMU_SPAWN_PIPE_STDOUT)
    with os.fdopen(lib.qemu_process_take_fd(process, 1)) as output:
        print(output.read(), end="")
    status = ffi.new("QemuProcessStatus *")
    lib.qemu_process_wait(process, -1, status, ffi.NULL)
    text = ffi.gc(lib.qemu_process_status_str(status), lib.free)
    print(ffi.string(text).decode())

    try:
        spawn("/etc/not-there")
    except OSError as error:
        print(error.strerror)


if __name__ == "__main__":
    main()
