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
    #define QEMU_SPAWN_SET_UID ...
    #define QEMU_SPAWN_NULL_STDOUT ...
    #define QEMU_SPAWN_NULL_STDERR ...
    #define QEMU_SPAWN_PIPE_STDOUT ...
    #define QEMU_SPAWN_MERGE_STDERR ...
    #define QEMU_SPAWN_SEARCH_CHILD_PATH ...
    #define QEMU_SPAWN_KEEP_GROUPS ...
    #define QEMU_SPAWN_FOREGROUND ...
    #define QEMU_SPAWN_SET_NICE ...
    #define QEMU_SPAWN_CLEAN_SCHED ...
    #define QEMU_SPAWN_INTO_CGROUP ...
    #define QEMU_SPAWN_FD_CLOSED ...
    #define QEMU_PROCESS_USAGE_PEAK ...
    #define QEMU_PROCESS_USAGE_TIMES ...
    #define QEMU_RUN_CHECK ...
    #define QEMU_RUN_CUT ...
    #define QEMU_RUN_KEEP_TAIL ...
    #define QEMU_RUN_LINES ...
    #define QEMU_RUN_KILL ...
    #define QEMU_RUN_INHERIT_STDIN ...
    #define QEMU_RUN_INHERIT_STDOUT ...
    #define QEMU_RUN_INHERIT_STDERR ...
    #define QEMU_RUN_CANCEL_FD ...
    #define QEMU_RUN_RESULT_OUT_CUT ...
    #define QEMU_RUN_RESULT_ERR_CUT ...
    #define QEMU_RUN_RESULT_PIPE_HELD ...
    #define QEMU_RUN_RESULT_INPUT_LEFT ...

    enum { QEMU_PROCESS_EXITED = ..., QEMU_PROCESS_SIGNALED = ..., QEMU_RUN_END_NOT_STARTED = ... };

    typedef ... Error;
    typedef ... QemuProcess;
    typedef ... QemuRun;
    typedef int... QemuSpawnStep;
    typedef int... QemuProcessEnd;
    typedef int... QemuRunEnd;
    typedef struct { int source; int target; } QemuSpawnFd;
    typedef struct { int target; const char *path; int flags; unsigned int mode; } QemuSpawnFile;
    typedef struct {
        size_t size; uint64_t flags; const char *cwd; const char *const *envp; const QemuSpawnFd *fds; size_t n_fds;
        unsigned int uid; QemuSpawnStep *failed_step; const QemuSpawnFile *files; size_t n_files; int nice;
        int cgroup_fd; ...;
    } QemuSpawnOptions;
    typedef struct { QemuProcessEnd end; int exit_code; int term_signal; bool core_dumped; } QemuProcessStatus;
    typedef struct {
        uint64_t flags; uint64_t user_us; uint64_t system_us; uint64_t wall_us; uint64_t peak_kib;
    } QemuProcessUsage;
    typedef bool (*QemuRunSink)(void *opaque, int child_fd, const char *data, size_t len);
    typedef struct {
        size_t size; uint64_t flags; const void *input; size_t input_len; size_t stdout_limit; size_t stderr_limit;
        int64_t timeout_ms; int64_t grace_ms; int64_t linger_ms; int cancel_fd; QemuRunSink sink; void *opaque;
    } QemuRunOptions;
    typedef struct {
        size_t size; QemuRunEnd end; QemuProcessStatus status; uint64_t flags; char *out; char *err; size_t out_len;
        size_t err_len; uint64_t out_total; uint64_t err_total; QemuProcessUsage usage;
    } QemuRunResult;

    QemuProcess *qemu_spawn(const char *const *argv, const QemuSpawnOptions *opts, Error **errp);
    int qemu_process_pid(const QemuProcess *proc);
    int qemu_process_take_fd(QemuProcess *proc, int child_fd);
    int qemu_process_wait(QemuProcess *proc, int64_t timeout_ms, QemuProcessStatus *status, Error **errp);
    bool qemu_process_kill(QemuProcess *proc, int sig, Error **errp);
    bool qemu_process_stop(QemuProcess *proc, int64_t grace_ms, QemuProcessStatus *status, Error **errp);
    char *qemu_process_status_str(const QemuProcessStatus *status);
    bool qemu_process_status_check(const QemuProcessStatus *status, const char *what, Error **errp);
    QemuProcess *qemu_process_adopt(int pid, Error **errp);
    void qemu_process_free(QemuProcess *proc);
    QemuRun *qemu_run_start(const char *const *argv, const QemuSpawnOptions *spawn, const QemuRunOptions *run,
                            Error **errp);
    int qemu_run_fd(const QemuRun *run);
    int qemu_run_step(QemuRun *run, QemuRunResult *result, Error **errp);
    void qemu_run_cancel(QemuRun *run);
    QemuProcess *qemu_run_process(QemuRun *run);
    void qemu_run_free(QemuRun *run);
    void qemu_run_result_clear(QemuRunResult *result);
    const char *error_get_pretty(const Error *err);
    void error_free(Error *err);
    void free(void *);

    extern "Python" bool take_output(void *opaque, int child_fd, const char *data, size_t len);
""")
ffi.set_source("_qemu_fork", "#include <stdlib.h>\n#include <qemu-fork.h>\n#include <qemu-fork/error.h>\n",
               extra_compile_args=pkg_config("--cflags"), extra_link_args=pkg_config("--libs"))

if __name__ == "__main__":
    ffi.compile()
