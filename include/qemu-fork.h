/*
 * qemu-fork.h: child processes from programs with threads and signal handlers
 *
 * SPDX-License-Identifier: MIT
 *
 * Made by cbindgen from src/ffi: do not edit.
 */

#ifndef QEMU_FORK_H
#define QEMU_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * QEMU's Error object: see qemu-fork/error.h, or the program's own Error API. C99 lets it be named once only; where the
 * program has done so, it defines QEMU_FORK_ERROR_TYPEDEF before. Later C and C++ do not mind.
 */
#ifndef QEMU_FORK_ERROR_TYPEDEF
#define QEMU_FORK_ERROR_TYPEDEF
typedef struct Error Error;
#endif

/* A child and what is known of it: see qemu_spawn() and qemu_process_free(). */
typedef struct QemuProcess QemuProcess;

/* What the system has no type for, somewhere. */
#ifdef _WIN32
typedef unsigned int QemuUid;
typedef unsigned int QemuGid;
typedef unsigned int QemuMode;
#else
typedef uid_t QemuUid;
typedef gid_t QemuGid;
typedef mode_t QemuMode;
#endif

/* A descriptor. On Windows it is a HANDLE, for the descriptors of one C library mean nothing to another. */
#ifdef _WIN32
typedef intptr_t QemuFd;
#else
typedef int QemuFd;
#endif

/* QemuSpawnFd.source: /dev/null, to read and to write. */
#define QEMU_SPAWN_FD_NULL (-100)

/**
 * A program without a slash in its name is searched for in the parent's PATH, as execvp() does it.
 */
#define QEMU_SPAWN_SEARCH_PATH (1 << 0)

/**
 * The child starts a session of its own, as setsid() does it.
 */
#define QEMU_SPAWN_SETSID (1 << 1)

/**
 * The child is in the process group @pgid, or with 0 in one of its own.
 */
#define QEMU_SPAWN_SET_PGID (1 << 2)

/**
 * The child has the file mode creation mask @umask.
 */
#define QEMU_SPAWN_SET_UMASK (1 << 3)

/**
 * The child runs as the user @uid: its real, effective and saved user ids. Its ambient capabilities are dropped. A child
 * that changes its user, its group or its groups has a copy of the parent's memory, which costs more the larger that is.
 */
#define QEMU_SPAWN_SET_UID (1 << 4)

/**
 * The child runs as the group @gid: its real, effective and saved group ids.
 */
#define QEMU_SPAWN_SET_GID (1 << 5)

/**
 * The child has the supplementary groups @groups.
 */
#define QEMU_SPAWN_SET_GROUPS (1 << 6)

/**
 * The environment starts empty, if @envp is NULL.
 */
#define QEMU_SPAWN_CLEAR_ENV (1 << 7)

/**
 * Descriptors from 3 on that have no FD_CLOEXEC stay open in the child, as plain fork and exec leave them.
 */
#define QEMU_SPAWN_LEAVE_FDS (1 << 8)

/**
 * The child's stdin is /dev/null.
 */
#define QEMU_SPAWN_NULL_STDIN (1 << 9)

/**
 * The child's stdout is /dev/null.
 */
#define QEMU_SPAWN_NULL_STDOUT (1 << 10)

/**
 * The child's stderr is /dev/null.
 */
#define QEMU_SPAWN_NULL_STDERR (1 << 11)

/**
 * The child's stdin is a pipe; the end to write is qemu_process_take_fd()'s.
 */
#define QEMU_SPAWN_PIPE_STDIN (1 << 12)

/**
 * The child's stdout is a pipe; the end to read is qemu_process_take_fd()'s.
 */
#define QEMU_SPAWN_PIPE_STDOUT (1 << 13)

/**
 * The child's stderr is a pipe; the end to read is qemu_process_take_fd()'s.
 */
#define QEMU_SPAWN_PIPE_STDERR (1 << 14)

/**
 * The child's stderr is what its stdout is.
 */
#define QEMU_SPAWN_MERGE_STDERR (1 << 15)

/**
 * Fail where no child can share the parent's memory, instead of copying it. A child of another user never shares it, so
 * this fails with SET_UID, SET_GID and SET_GROUPS: ENOTSUP.
 */
#define QEMU_SPAWN_NO_FORK_FALLBACK (1 << 16)

/**
 * Neither the child nor what it executes gains privileges from set-user-ID programs: PR_SET_NO_NEW_PRIVS.
 */
#define QEMU_SPAWN_NO_NEW_PRIVS (1 << 17)

/**
 * The library's major version, 0 until the C API is final.
 */
#define QEMU_FORK_VERSION_MAJOR 0

/**
 * The library's minor version.
 */
#define QEMU_FORK_VERSION_MINOR 1

/**
 * The library's patch level.
 */
#define QEMU_FORK_VERSION_MICRO 0

/**
 * The steps of a spawn. The numbers are not the order in which they run: the manual has a table of that.
 */
typedef enum QemuSpawnStep {
  /**
   * Nothing failed.
   */
  QEMU_SPAWN_STEP_NONE,
  /**
   * The options make no sense.
   */
  QEMU_SPAWN_STEP_ARGUMENTS,
  /**
   * The pipes.
   */
  QEMU_SPAWN_STEP_PIPE,
  /**
   * The new process.
   */
  QEMU_SPAWN_STEP_FORK,
  /**
   * Its signals.
   */
  QEMU_SPAWN_STEP_SIGNALS,
  /**
   * Its session.
   */
  QEMU_SPAWN_STEP_SESSION,
  /**
   * Its process group.
   */
  QEMU_SPAWN_STEP_GROUP,
  /**
   * Its descriptors.
   */
  QEMU_SPAWN_STEP_FDS,
  /**
   * Its working directory.
   */
  QEMU_SPAWN_STEP_CWD,
  /**
   * Its limits.
   */
  QEMU_SPAWN_STEP_RLIMIT,
  /**
   * Its user, groups and privileges.
   */
  QEMU_SPAWN_STEP_CREDENTIALS,
  /**
   * Its death signal.
   */
  QEMU_SPAWN_STEP_DEATH_SIGNAL,
  /**
   * The program.
   */
  QEMU_SPAWN_STEP_EXEC,
} QemuSpawnStep;

/**
 * In which way a child ended.
 */
typedef enum QemuProcessEnd {
  /**
   * It has not: a status that is all zero.
   */
  QEMU_PROCESS_RUNNING = 0,
  /**
   * It returned from main() or called exit().
   */
  QEMU_PROCESS_EXITED,
  /**
   * A signal ended it.
   */
  QEMU_PROCESS_SIGNALED,
  /**
   * It ended, but somebody else has reaped it, and the system has kept no copy of its status (Linux 6.15 does).
   */
  QEMU_PROCESS_UNKNOWN,
} QemuProcessEnd;

/**
 * What the child's signals start from.
 */
typedef enum QemuSpawnSignals {
  /**
   * Every signal at its default disposition and none blocked, as after qemu_fork(); libc's own two as well.
   */
  QEMU_SPAWN_SIGNALS_DEFAULT,
  /**
   * What plain fork() and exec leave: the mask of the calling thread, and what it ignores.
   */
  QEMU_SPAWN_SIGNALS_INHERIT,
} QemuSpawnSignals;

/**
 * A descriptor of the child: @target is what @source is in the parent, whatever else is mapped. Sources and targets may
 * overlap in any way.
 */
typedef struct QemuSpawnFd {
  /**
   * The parent's descriptor, or QEMU_SPAWN_FD_NULL. Any other negative number, such as the result of an open() that
   * failed, is an error: EBADF.
   */
  QemuFd source;
  /**
   * The child's descriptor.
   */
  int target;
} QemuSpawnFd;

/**
 * A limit of the child, as for setrlimit(). RLIM_INFINITY, all bits set, is no limit.
 */
typedef struct QemuSpawnRlimit {
  /**
   * Which one: RLIMIT_NOFILE, for example.
   */
  int resource;
  /**
   * The soft limit, which holds.
   */
  uint64_t soft;
  /**
   * The hard limit, to which the child may raise the soft one.
   */
  uint64_t hard;
} QemuSpawnRlimit;

/**
 * Options of qemu_spawn(). Zero is the default of every member but @size, so begin with
 *
 *   QemuSpawnOptions options = { .size = sizeof(options) };
 *
 * The library changes nothing in it and keeps nothing of it: all may be freed when the call has returned.
 */
typedef struct QemuSpawnOptions {
  /**
   * sizeof(QemuSpawnOptions). It tells which members the program knows: later versions add members at the end.
   */
  size_t size;
  /**
   * QEMU_SPAWN_* constants, combined with |.
   */
  uint64_t flags;
  /**
   * The program to execute; NULL: argv[0]. A relative path is looked up in @cwd.
   */
  const char *executable;
  /**
   * The working directory; NULL: the parent's.
   */
  const char *cwd;
  /**
   * The whole environment, ended by NULL; NULL: the parent's, or none with QEMU_SPAWN_CLEAR_ENV.
   */
  const char *const *envp;
  /**
   * Variables to set after @env_unset, "NAME=value", ended by NULL; or NULL. Of several for one name the last counts.
   */
  const char *const *env_set;
  /**
   * Variables to remove, "NAME", ended by NULL; or NULL.
   */
  const char *const *env_unset;
  /**
   * Descriptors of the child. Others from 3 on are closed when the program is executed; 0, 1 and 2 are the parent's,
   * even if they have FD_CLOEXEC there.
   */
  const struct QemuSpawnFd *fds;
  /**
   * The number of entries in @fds.
   */
  size_t n_fds;
  /**
   * What the child's signals start from.
   */
  QemuSpawnSignals signals;
  /**
   * Signals that the child ignores, ended by 0; or NULL. SIGKILL, SIGSTOP, 32 and 33 have no effect.
   */
  const int *ignored;
  /**
   * Signals to set to their default disposition, ended by 0; or NULL. @ignored goes before it.
   */
  const int *defaulted;
  /**
   * The process group, with QEMU_SPAWN_SET_PGID.
   */
  pid_t pgid;
  /**
   * The file mode creation mask, 0 to 0777, with QEMU_SPAWN_SET_UMASK.
   */
  QemuMode umask;
  /**
   * The user, with QEMU_SPAWN_SET_UID.
   */
  QemuUid uid;
  /**
   * The group, with QEMU_SPAWN_SET_GID.
   */
  QemuGid gid;
  /**
   * The supplementary groups, with QEMU_SPAWN_SET_GROUPS.
   */
  const QemuGid *groups;
  /**
   * The number of entries in @groups.
   */
  size_t n_groups;
  /**
   * Limits of the child; the others are the parent's.
   */
  const struct QemuSpawnRlimit *rlimits;
  /**
   * The number of entries in @rlimits.
   */
  size_t n_rlimits;
  /**
   * A signal that the child gets when this process ends, however it ends; 0: none. Linux only. The kernel takes the
   * end of a thread for that of the process: so a thread other than the main thread has a thread of the library's make
   * the child, which ends with it.
   */
  int death_signal;
  /**
   * Where to store which step failed, QEMU_SPAWN_STEP_NONE on success; or NULL.
   */
  enum QemuSpawnStep *failed_step;
} QemuSpawnOptions;

/**
 * How a child ended.
 */
typedef struct QemuProcessStatus {
  /**
   * In which way. It tells which of the other members have a meaning.
   */
  enum QemuProcessEnd end;
  /**
   * Its exit status, 0 to 255, if it exited; otherwise 0.
   */
  int exit_code;
  /**
   * The signal that ended it, if a signal did; otherwise 0.
   */
  int term_signal;
  /**
   * Whether that left a core dump.
   */
  bool core_dumped;
} QemuProcessStatus;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * qemu_fork:
 * @errp: where to put an error: NULL, &error_abort, &error_fatal, or the address of an Error pointer that is NULL
 *
 * A fork() for programs that have threads and signal handlers. All signals are blocked in the calling thread while
 * the process is being copied. In the parent the signal mask is then what it was, and a signal that was sent
 * meanwhile is delivered now: none is lost. In the child every signal has its default disposition, and then none
 * is blocked: no handler of the parent has run there, and none can.
 *
 * The child has one thread, the one that called. As after any fork() of a threaded program, it may call only
 * async-signal-safe functions until it calls exec or _exit(): see signal-safety(7). pthread_atfork() handlers run.
 *
 * The two signals that glibc keeps for itself, 32 and 33, stay as they were (musl: 32 to 34).
 *
 * If the child cannot unblock its signals, it writes "cannot unblock signals: " and the reason to stderr and ends
 * with status 1. @errp is not used for that.
 *
 * Thread-safe. As fork(), not async-signal-safe. Not a cancellation point.
 *
 * Returns: in the parent the child's process id, in the child 0. errno and *@errp are then as they were. On failure
 * -1, and there is no child; errno is fork()'s: EAGAIN (a limit on processes), ENOMEM, ENOSYS, or what a filter such
 * as seccomp(2) answers; and *@errp is "cannot fork child process: " and the reason, or "cannot block signals: " and
 * the reason where that was the first thing to fail. The signal mask is as it was. On Windows, which has no fork,
 * always -1, with errno ENOSYS.
 */
pid_t qemu_fork(Error **errp);

/**
 * qemu_spawn:
 * @argv: the arguments, ended by NULL; the first is the program to execute, unless @opts names another
 * @opts: options; or NULL
 * @errp: where to put an error: NULL, &error_abort, &error_fatal, or the address of an Error pointer that is NULL
 *
 * Starts a program. It has clean signals (see qemu_fork()), the parent's stdin, stdout and stderr, and no other open
 * descriptor. When the call returns, the program has been executed, or the call fails and says why. The cost does not
 * grow with the memory or the descriptors of the parent, unless the child changes its user or groups.
 *
 * The parent's mask, dispositions, descriptors, working directory and memory are left alone. pthread_atfork() handlers
 * do not run on Linux. The library has no handler for SIGCHLD, and the parent needs none.
 *
 * Thread-safe, and safe in programs with any number of threads, as long as nobody changes the environment meanwhile.
 * Not async-signal-safe. Not a cancellation point.
 *
 * Returns: a handle, to be freed with qemu_process_free(). On failure NULL: errno is the cause, *@errp names the step
 * and its object, for example "cannot execute '/etc/qemu-ifup': Permission denied (it is not executable)", and nothing
 * is left of the child. Options that make no sense are EINVAL, a source that is not open is EBADF. E2BIG means that the
 * options are larger than this library knows, and that the unknown part is not zero. ECANCELED means that a signal ended
 * or stopped the child before it had executed the program. On Windows always NULL, with ENOSYS.
 */
QemuProcess *qemu_spawn(const char *const *argv,
                        const struct QemuSpawnOptions *opts,
                        Error **errp);

/**
 * qemu_spawn_sync:
 * @argv: as for qemu_spawn()
 * @opts: as for qemu_spawn(), but without QEMU_SPAWN_PIPE_*: nobody would be at the other end
 * @timeout_ms: how long it may take, in milliseconds; 0: at once; negative: for ever
 * @status: where to store how the program ended; or NULL
 * @errp: as for qemu_spawn()
 *
 * Runs a program and waits for its end. After @timeout_ms it is killed with SIGKILL.
 *
 * Thread-safe as qemu_spawn(). Not async-signal-safe. Not a cancellation point.
 *
 * Returns: 0 when the program has run and ended, in whatever way: *@status tells. -1 where it could not be started, as
 * for qemu_spawn(), or with ETIMEDOUT where it had to be killed; it has been reaped then. A program that has not ended
 * one second after SIGKILL, which only the kernel can cause, is ETIMEDOUT, too: the library reaps it at a later call.
 */
int qemu_spawn_sync(const char *const *argv,
                    const struct QemuSpawnOptions *opts,
                    int64_t timeout_ms,
                    struct QemuProcessStatus *status,
                    Error **errp);

/**
 * qemu_process_pid:
 * @proc: a handle
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: the child's process id. Once the child has been reaped, another process may have it.
 */
pid_t qemu_process_pid(const QemuProcess *proc);

/**
 * qemu_process_pidfd:
 * @proc: a handle
 *
 * Tells the descriptor of the child, which poll() and every main loop find readable when it has ended. It remains the
 * handle's: do not close it.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: the descriptor; -1 where there is none: Linux before 5.2, other systems, or no room in the table of
 * descriptors.
 */
QemuFd qemu_process_pidfd(const QemuProcess *proc);

/**
 * qemu_process_way:
 * @proc: a handle
 *
 * Tells how the child was made, for those who want to know why a spawn is slow: "clone3" and "clone" share the
 * parent's memory until the program is executed, "fork" copies it.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: a constant; do not free it. On Windows NULL.
 */
const char *qemu_process_way(const QemuProcess *proc);

/**
 * qemu_process_take_fd:
 * @proc: a handle
 * @child_fd: 0, 1 or 2: the child's stdin, stdout or stderr
 *
 * Takes our end of a pipe that QEMU_SPAWN_PIPE_STDIN, _STDOUT or _STDERR asked for. It is the caller's from now on;
 * ends that nobody takes are closed with the handle.
 *
 * Thread-safe: one caller gets it. Async-signal-safe.
 *
 * Returns: the descriptor, which has FD_CLOEXEC and is blocking. -1 and EBADF where there is none, or it was taken.
 */
QemuFd qemu_process_take_fd(QemuProcess *proc,
                            int child_fd);

/**
 * qemu_process_wait:
 * @proc: a handle
 * @timeout_ms: how long to wait, in milliseconds; 0: only look; negative: for ever
 * @status: where to store how the child ended; or NULL
 * @errp: as for qemu_spawn()
 *
 * Waits for the end of the child, and reaps it unless it is detached. The status is kept, so asking again gives it again.
 * A child that is stopped has not ended. Signal handlers run meanwhile and do not end the wait.
 *
 * A stolen status is found again: where another part of the program has reaped the child, Linux 6.15 and newer still
 * tell how it ended. Otherwise @status says QEMU_PROCESS_UNKNOWN.
 *
 * Thread-safe: several threads may wait for one child. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: 1: it has ended; 0: the time is up; -1: an error, which only Windows has.
 */
int qemu_process_wait(QemuProcess *proc,
                      int64_t timeout_ms,
                      struct QemuProcessStatus *status,
                      Error **errp);

/**
 * qemu_process_kill:
 * @proc: a handle
 * @sig: a signal
 * @errp: as for qemu_spawn()
 *
 * Sends a signal to the child, and never to another process that has got its id since: the library has a descriptor of
 * the child, or makes sure that it is not reaped meanwhile. Without a descriptor, a detached child, or a program that
 * reaps children it did not make, leaves a moment in which that can go wrong.
 *
 * Thread-safe. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: whether the signal was sent. Otherwise errno is ESRCH (the child has ended), EINVAL (no such signal), EPERM
 * (the child has become another user's) or ECHILD (the handle was copied by fork(), and has no descriptor), and *@errp
 * says so.
 */
bool qemu_process_kill(QemuProcess *proc,
                       int sig,
                       Error **errp);

/**
 * qemu_process_stop:
 * @proc: a handle
 * @grace_ms: how long the child may take to end by itself, in milliseconds; negative: for ever
 * @status: where to store how the child ended; or NULL
 * @errp: as for qemu_spawn()
 *
 * Ends the child: SIGTERM, SIGCONT in case it is stopped, and after @grace_ms SIGKILL; then reaps it.
 *
 * Thread-safe. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: true when the child has ended, now or before. Otherwise errno and *@errp say which signal could not be sent
 * and why; or that the child has not ended one second after SIGKILL (ETIMEDOUT), which only the kernel can cause. The
 * library reaps such a child at a later call.
 */
bool qemu_process_stop(QemuProcess *proc,
                       int64_t grace_ms,
                       struct QemuProcessStatus *status,
                       Error **errp);

/**
 * qemu_process_status_str:
 * @status: how a child ended
 *
 * Says it in words: "exited with status 3", "killed by signal 15 (SIGTERM)", "killed by signal 11 (SIGSEGV), core
 * dumped". A real-time signal has no name.
 *
 * Thread-safe. Not async-signal-safe.
 *
 * Returns: the text, to be released with free(). NULL with ENOMEM where there is no memory for it, and with EINVAL
 * where @status is NULL or no status.
 */
char *qemu_process_status_str(const struct QemuProcessStatus *status);

/**
 * qemu_process_detach:
 * @proc: a handle
 *
 * From now on the program reaps the child, by wait() or by ignoring SIGCHLD: this library never will. The handle works
 * as before, and is freed as before. A qemu_process_wait() that another thread is in the middle of may still reap it.
 *
 * Thread-safe, async-signal-safe.
 */
void qemu_process_detach(QemuProcess *proc);

/**
 * qemu_process_free:
 * @proc: a handle, not to be used again; or NULL
 *
 * Frees the handle and closes its descriptors. A child that has ended is reaped. One that lives goes on, and the program
 * reaps it.
 *
 * Not thread-safe: no other thread may use @proc. Not async-signal-safe. Leaves errno alone.
 */
void qemu_process_free(QemuProcess *proc);

/**
 * qemu_fork_version:
 *
 * Tells which library the program runs with. In a program that is linked with the archive, that the symbol is there says
 * that qemu_fork() is the one of this library, too. With the shared library it does not: the program may have a
 * qemu_fork() of its own, which goes before.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: the version, such as "0.1.0", followed by " (host-error)" where the library was built to report through
 * the program's own Error API. A constant: do not free it.
 */
const char *qemu_fork_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* QEMU_FORK_H */
