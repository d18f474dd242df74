"""Makes the module _qemu_fork: cffi in API mode, where the C compiler reads the headers and fills in every "...".

SPDX-License-Identifier: MIT
"""
import os
import shlex
import subprocess

import cffi


def pkg_config(argument):
    """The options for the compiler."""
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), argument, "qemu-fork"]
    return shlex.split(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


ffi = cffi.FFI()
ffi.cdef("""
    #define QEMU_SPAWN_SEARCH_PATH ...
    #define QEMU_SPAWN_PIPE_STDOUT ...

    typedef ... Error;
    typedef ... QemuProcess;
    typedef struct { size_t size; uint64_t flags; ...; } QemuSpawnOptions;
    typedef struct { int exit_code; int term_signal; bool core_dumped; ...; } QemuProcessStatus;

    QemuProcess *qemu_spawn(const char *const *argv, const QemuSpawnOptions *opts, Error **errp);
    int qemu_process_take_fd(QemuProcess *proc, int child_fd);
    int qemu_process_wait(QemuProcess *proc, int64_t timeout_ms, QemuProcessStatus *status, Error **errp);
    char *qemu_process_status_str(const QemuProcessStatus *status);
    void qemu_process_free(QemuProcess *proc);
    const char *error_get_pretty(const Error *err);
    void error_free(Error *err);
    void free(void *);
""")
ffi.set_source("_qemu_fork", "#include <stdlib.h>\n#include <qemu-fork.h>\n#include <qemu-fork/error.h>\n",
               extra_compile_args=pkg_config("--cflags"), extra_link_args=pkg_config("--libs"))

if __name__ == "__main__":
    ffi.compile()
