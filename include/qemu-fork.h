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
 * QEMU's Error object: see qemu-fork/error.h, or the program's own Error API. C99 allows this typedef only once. A
 * program that has it already defines QEMU_FORK_ERROR_TYPEDEF before. Later C and C++ allow it again.
 */
#ifndef QEMU_FORK_ERROR_TYPEDEF
#define QEMU_FORK_ERROR_TYPEDEF
typedef struct Error Error;
#endif

/* The handle of a child: see qemu_spawn() and qemu_process_free(). */
typedef struct QemuProcess QemuProcess;

/* A run that a main loop drives: see qemu_run_start() and qemu_run_free(). */
typedef struct QemuRun QemuRun;

/* Types that not every system has. */
#ifdef _WIN32
typedef unsigned int QemuUid;
typedef unsigned int QemuGid;
typedef unsigned int QemuMode;
#else
typedef uid_t QemuUid;
typedef gid_t QemuGid;
typedef mode_t QemuMode;
#endif

/* A descriptor. On Windows it is a HANDLE, because the descriptors of one C library mean nothing to another. */
#ifdef _WIN32
typedef intptr_t QemuFd;
#else
typedef int QemuFd;
#endif

/* As QemuSpawnFd.source it stands for /dev/null, open to read and to write. */
#define QEMU_SPAWN_FD_NULL (-100)
/* As QemuSpawnFd.source: the child does not have the target. */
#define QEMU_SPAWN_FD_CLOSED (-101)

/**
 * The child goes on with the caller's signal mask, handlers and ignored signals.
 */
#define QEMU_FORK_KEEP_SIGNALS (1 << 0)

/**
 * The child has no descriptors from 3 on.
 */
#define QEMU_FORK_CLOSE_FDS (1 << 1)

/**
 * The child's stdin, stdout and stderr are /dev/null.
 */
#define QEMU_FORK_NULL_STDIO (1 << 2)

/**
 * The child starts a session of its own, as setsid() does it.
 */
#define QEMU_FORK_SETSID (1 << 3)

/**
 * A program without a slash in its name is searched for in the parent's PATH, as execvp() does it.
 */
#define QEMU_SPAWN_SEARCH_PATH (1 << 0)

/**
 * The child starts a session of its own, as setsid() does it.
 */
#define QEMU_SPAWN_SETSID (1 << 1)

/**
 * The child joins the process group @pgid, or with 0 starts one of its own.
 */
#define QEMU_SPAWN_SET_PGID (1 << 2)

/**
 * The child has the file mode creation mask @umask.
 */
#define QEMU_SPAWN_SET_UMASK (1 << 3)

/**
 * The child runs as the user @uid: its real, effective and saved user ids. Its ambient capabilities are dropped, and
 * without QEMU_SPAWN_SET_GROUPS or QEMU_SPAWN_KEEP_GROUPS its supplementary groups, where the parent may do that. A
 * child that changes its user, its group or its groups gets a copy of the parent's memory, which costs more the larger
 * that is.
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
 * The child's stdin is a pipe; qemu_process_take_fd() returns the end to write.
 */
#define QEMU_SPAWN_PIPE_STDIN (1 << 12)

/**
 * The child's stdout is a pipe; qemu_process_take_fd() returns the end to read.
 */
#define QEMU_SPAWN_PIPE_STDOUT (1 << 13)

/**
 * The child's stderr is a pipe; qemu_process_take_fd() returns the end to read.
 */
#define QEMU_SPAWN_PIPE_STDERR (1 << 14)

/**
 * The child's stderr goes to the same place as its stdout, also if that is one of @files.
 */
#define QEMU_SPAWN_MERGE_STDERR (1 << 15)

/**
 * Fail if no child can share the parent's memory, instead of copying it. A child that changes its user never shares
 * it, so with SET_UID, SET_GID or SET_GROUPS this always fails with ENOTSUP.
 */
#define QEMU_SPAWN_NO_FORK_FALLBACK (1 << 16)

/**
 * Neither the child nor what it executes gains privileges from set-user-ID programs: PR_SET_NO_NEW_PRIVS.
 */
#define QEMU_SPAWN_NO_NEW_PRIVS (1 << 17)

/**
 * A program without a slash in its name is searched for in the PATH of the child's environment. Without one there it is
 * execvp()'s default.
 */
#define QEMU_SPAWN_SEARCH_CHILD_PATH (1 << 18)

/**
 * With QEMU_SPAWN_SET_UID: the child keeps the parent's supplementary groups.
 */
#define QEMU_SPAWN_KEEP_GROUPS (1 << 19)

/**
 * The child's process group becomes the foreground group of the controlling terminal. Without QEMU_SPAWN_SET_PGID the
 * child starts a group of its own. Without a terminal this fails with ENXIO.
 */
#define QEMU_SPAWN_FOREGROUND (1 << 20)

/**
 * The child has the niceness @nice.
 */
#define QEMU_SPAWN_SET_NICE (1 << 21)

/**
 * The child is scheduled as an ordinary program, whatever the parent is: SCHED_OTHER, on all processors. Where the
 * parent may change them, the niceness is 0, unless QEMU_SPAWN_SET_NICE says another, and oom_score_adj is 0. That one
 * stays where the call has a limit of time. Linux only.
 */
#define QEMU_SPAWN_CLEAN_SCHED (1 << 22)

/**
 * The child is made in the cgroup @cgroup_fd. Linux only.
 */
#define QEMU_SPAWN_INTO_CGROUP (1 << 23)

/**
 * The child lives no longer than its handle: qemu_process_free() kills and reaps it, and waits for that for a second at
 * most. Any other end of this process kills it, too: it has the death signal SIGKILL, so @death_signal must be 0. Only
 * Linux has death signals; elsewhere this fails with ENOSYS.
 */
#define QEMU_SPAWN_KILL_ON_FREE (1 << 24)

/**
 * Nobody has to reap the child, ever: the kernel reaps it (Linux 7.1), or init, whose child it then is. The handle works
 * as for any other child, but it tells how the child ended only where the system does (Linux 6.15). Not for
 * qemu_spawn_sync() or a run.
 */
#define QEMU_SPAWN_DETACHED (1 << 25)

/**
 * The peak is known: @peak_kib.
 */
#define QEMU_PROCESS_USAGE_PEAK (1 << 0)

/**
 * The times are known: @user_us and @system_us.
 */
#define QEMU_PROCESS_USAGE_TIMES (1 << 1)

/**
 * A status other than 0 is a failure: EIO, and *@errp has the status and the last line of the program's stderr.
 */
#define QEMU_RUN_CHECK (1 << 0)

/**
 * Too much output is no failure: the beginning is kept, and the program goes on.
 */
#define QEMU_RUN_CUT (1 << 1)

/**
 * Too much output is no failure: the end is kept, and the program goes on.
 */
#define QEMU_RUN_KEEP_TAIL (1 << 2)

/**
 * The sink gets whole lines, with their newlines, one in a call. A last line without a newline comes at the end.
 */
#define QEMU_RUN_LINES (1 << 3)

/**
 * Stops all that the program has started, too. It does not work yet: EINVAL.
 */
#define QEMU_RUN_STOP_TREE (1 << 4)

/**
 * The program is stopped by SIGKILL, without SIGTERM before.
 */
#define QEMU_RUN_KILL (1 << 5)

/**
 * The program's stdin is the caller's.
 */
#define QEMU_RUN_INHERIT_STDIN (1 << 6)

/**
 * The program's stdout is the caller's, and is not captured.
 */
#define QEMU_RUN_INHERIT_STDOUT (1 << 7)

/**
 * The program's stderr is the caller's, and is not captured.
 */
#define QEMU_RUN_INHERIT_STDERR (1 << 8)

/**
 * The run is cancelled when @cancel_fd is readable.
 */
#define QEMU_RUN_CANCEL_FD (1 << 9)

/**
 * More came from stdout than was kept.
 */
#define QEMU_RUN_RESULT_OUT_CUT (1 << 0)

/**
 * More came from stderr than was kept.
 */
#define QEMU_RUN_RESULT_ERR_CUT (1 << 1)

/**
 * When the run ended, another process still held the program's stdout or stderr.
 */
#define QEMU_RUN_RESULT_PIPE_HELD (1 << 2)

/**
 * The program has not read all of its input.
 */
#define QEMU_RUN_RESULT_INPUT_LEFT (1 << 3)

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
 * The steps of a spawn. The numbers are not the order in which the steps run: the manual has a table of that.
 */
typedef enum QemuSpawnStep {
  /**
   * No step failed.
   */
  QEMU_SPAWN_STEP_NONE,
  /**
   * The options make no sense.
   */
  QEMU_SPAWN_STEP_ARGUMENTS,
  /**
   * Making the pipes.
   */
  QEMU_SPAWN_STEP_PIPE,
  /**
   * Making the process.
   */
  QEMU_SPAWN_STEP_FORK,
  /**
   * Setting its signals.
   */
  QEMU_SPAWN_STEP_SIGNALS,
  /**
   * Starting its session.
   */
  QEMU_SPAWN_STEP_SESSION,
  /**
   * Setting its process group.
   */
  QEMU_SPAWN_STEP_GROUP,
  /**
   * Setting up its descriptors.
   */
  QEMU_SPAWN_STEP_FDS,
  /**
   * Changing its working directory.
   */
  QEMU_SPAWN_STEP_CWD,
  /**
   * Setting its limits.
   */
  QEMU_SPAWN_STEP_RLIMIT,
  /**
   * Setting its user, groups and privileges.
   */
  QEMU_SPAWN_STEP_CREDENTIALS,
  /**
   * Setting its death signal.
   */
  QEMU_SPAWN_STEP_DEATH_SIGNAL,
  /**
   * Executing the program.
   */
  QEMU_SPAWN_STEP_EXEC,
  /**
   * Opening its files.
   */
  QEMU_SPAWN_STEP_FILES,
  /**
   * Entering its cgroup.
   */
  QEMU_SPAWN_STEP_CGROUP,
  /**
   * Setting its niceness, scheduling policy and processors.
   */
  QEMU_SPAWN_STEP_SCHED,
  /**
   * Bringing it to the foreground of its terminal.
   */
  QEMU_SPAWN_STEP_TERMINAL,
} QemuSpawnStep;

/**
 * The way in which a child ended.
 */
typedef enum QemuProcessEnd {
  /**
   * It has not ended. A status that is all zeroes says this.
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
   * It ended, but other code has reaped it, and the system has kept no copy of its status (Linux 6.15 does).
   */
  QEMU_PROCESS_UNKNOWN,
} QemuProcessEnd;

/**
 * The way in which a run ended.
 */
typedef enum QemuRunEnd {
  /**
   * The program was not started.
   */
  QEMU_RUN_END_NOT_STARTED = 0,
  /**
   * The program ended by itself, by exit or by a signal: the status tells.
   */
  QEMU_RUN_END_EXITED,
  /**
   * Its time was up, and it was stopped.
   */
  QEMU_RUN_END_TIMED_OUT,
  /**
   * It wrote too much, or there was no memory for what it wrote, and it was stopped.
   */
  QEMU_RUN_END_LIMIT,
  /**
   * The run was cancelled, and the program was stopped.
   */
  QEMU_RUN_END_CANCELLED,
  /**
   * The sink returned false, and the program was stopped.
   */
  QEMU_RUN_END_STOPPED,
} QemuRunEnd;

/**
 * The state of the child's signals, before @ignored and @defaulted.
 */
typedef enum QemuSpawnSignals {
  /**
   * Every signal, libc's own two as well, has its default disposition, and none is blocked, as after qemu_fork().
   */
  QEMU_SPAWN_SIGNALS_DEFAULT,
  /**
   * As plain fork() and exec leave them: the mask is the calling thread's, and ignored signals stay ignored.
   */
  QEMU_SPAWN_SIGNALS_INHERIT,
} QemuSpawnSignals;

/**
 * Options of qemu_fork_full() and qemu_fork_call(). Zero is the default of every member but @size, so begin with
 *
 *   QemuForkOptions options = { .size = sizeof(options) };
 */
typedef struct QemuForkOptions {
  /**
   * sizeof(QemuForkOptions). It tells which members the program knows: later versions add members at the end.
   */
  size_t size;
  /**
   * QEMU_FORK_* constants, combined with |.
   */
  uint64_t flags;
  /**
   * A signal that the child gets when the calling thread ends, and with it at the latest the process; 0: none. Linux
   * only.
   */
  int death_signal;
} QemuForkOptions;

/**
 * A descriptor of the child: its @target is a copy of the parent's @source. Sources and targets may overlap in any
 * way. On Windows a target is 0, 1 or 2.
 */
typedef struct QemuSpawnFd {
  /**
   * The parent's descriptor, QEMU_SPAWN_FD_NULL or QEMU_SPAWN_FD_CLOSED. Any other negative number, such as the
   * result of an open() that failed, is an error: EBADF.
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
   * The resource: RLIMIT_NOFILE, for example.
   */
  int resource;
  /**
   * The soft limit, which the kernel enforces.
   */
  uint64_t soft;
  /**
   * The hard limit, to which the child may raise the soft one.
   */
  uint64_t hard;
} QemuSpawnRlimit;

/**
 * A file that the child opens, as a shell redirects: it has the child's user, working directory and umask.
 */
typedef struct QemuSpawnFile {
  /**
   * The child's descriptor.
   */
  int target;
  /**
   * The path. A relative one is looked up in the child's working directory.
   */
  const char *path;
  /**
   * The flags of open(): O_WRONLY | O_CREAT | O_APPEND, for example. O_NOCTTY is added, and O_CLOEXEC is ignored.
   */
  int flags;
  /**
   * The mode of a file that is created.
   */
  QemuMode mode;
} QemuSpawnFile;

/**
 * Options of qemu_spawn(). Zero is the default of every member but @size, so begin with
 *
 *   QemuSpawnOptions options = { .size = sizeof(options) };
 *
 * The library changes nothing in it and keeps no pointer to it: all may be freed when the call has returned.
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
   * Variables to set after @env_unset, "NAME=value", ended by NULL; or NULL. Of several for one name the last
   * counts.
   */
  const char *const *env_set;
  /**
   * Variables to remove, "NAME", ended by NULL; or NULL.
   */
  const char *const *env_unset;
  /**
   * Descriptors of the child. Others from 3 on are closed when the program is executed. 0, 1 and 2 are by default
   * the parent's, even if they have FD_CLOEXEC there.
   */
  const struct QemuSpawnFd *fds;
  /**
   * The number of entries in @fds.
   */
  size_t n_fds;
  /**
   * The state of the child's signals, before @ignored and @defaulted.
   */
  QemuSpawnSignals signals;
  /**
   * Signals that the child ignores, ended by 0; or NULL. SIGKILL, SIGSTOP, 32 and 33 have no effect.
   */
  const int *ignored;
  /**
   * Signals to set to their default disposition, ended by 0; or NULL. @ignored overrides it.
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
   * A signal that the child gets when this process ends, however it ends; 0: none. Linux only. The kernel sends it
   * when the thread that made the child ends. So if the caller is not the main thread, a helper thread of the
   * library makes the child, and ends with it.
   */
  int death_signal;
  /**
   * Where to store the step that failed, QEMU_SPAWN_STEP_NONE on success; or NULL.
   */
  enum QemuSpawnStep *failed_step;
  /**
   * Files that the child opens, in this order, after @fds are set up.
   */
  const struct QemuSpawnFile *files;
  /**
   * The number of entries in @files.
   */
  size_t n_files;
  /**
   * The niceness, -20 to 19, with QEMU_SPAWN_SET_NICE, whatever the parent's is.
   */
  int nice;
  /**
   * The directory of a cgroup of version 2, with QEMU_SPAWN_INTO_CGROUP.
   */
  QemuFd cgroup_fd;
} QemuSpawnOptions;

/**
 * How a child ended.
 */
typedef struct QemuProcessStatus {
  /**
   * The way in which it ended. It tells which of the other members have a meaning.
   */
  enum QemuProcessEnd end;
  /**
   * Its exit status, 0 to 255, if it exited; otherwise 0. On Windows it has 32 bits, and is the code of an exception
   * that ended it, too.
   */
  int exit_code;
  /**
   * The signal that ended it, if a signal did; otherwise 0. On Windows 0 is an exception, and SIGKILL this library.
   */
  int term_signal;
  /**
   * Whether the signal left a core dump.
   */
  bool core_dumped;
} QemuProcessStatus;

/**
 * What a child has used, as the kernel counts: together with all the children that it has waited for. What is not
 * known is 0.
 */
typedef struct QemuProcessUsage {
  /**
   * QEMU_PROCESS_USAGE_* constants, combined with |.
   */
  uint64_t flags;
  /**
   * Time in user mode, in microseconds.
   */
  uint64_t user_us;
  /**
   * Time in the kernel, in microseconds.
   */
  uint64_t system_us;
  /**
   * Time from the spawn until its end was noticed, in microseconds. It is always known.
   */
  uint64_t wall_us;
  /**
   * The most memory that it, or one of those children, had at once, in KiB. The kernel counts what the parent had at
   * the spawn as the child's, so only what is more than that is known.
   */
  uint64_t peak_kib;
} QemuProcessUsage;

/**
 * Takes output of the program. @data has @len bytes, any bytes, and no NUL after them; it is valid during the call.
 * @child_fd is 1 for stdout and 2 for stderr. The result false stops the program.
 */
typedef bool (*QemuRunSink)(void *opaque, int child_fd, const char *data, size_t len);

/**
 * Options of a run. Zero is the default of every member but @size, so begin with
 *
 *   QemuRunOptions options = { .size = sizeof(options) };
 */
typedef struct QemuRunOptions {
  /**
   * sizeof(QemuRunOptions). It tells which members the program knows: later versions add members at the end.
   */
  size_t size;
  /**
   * QEMU_RUN_* constants, combined with |.
   */
  uint64_t flags;
  /**
   * What the program reads from its stdin; NULL: its stdin is /dev/null.
   */
  const void *input;
  /**
   * The number of bytes in @input; 0: an empty pipe.
   */
  size_t input_len;
  /**
   * How many bytes of stdout are kept at the most; 0: 16 MiB; SIZE_MAX: no limit. More is a failure, unless a flag
   * says what is kept. With a sink, how many may come; 0: any number. With LINES, the length of a line: a longer one
   * is given to the sink in parts.
   */
  size_t stdout_limit;
  /**
   * The same for stderr.
   */
  size_t stderr_limit;
  /**
   * How long all of it may take, in milliseconds, from the call on; 0 and negative: for ever.
   */
  int64_t timeout_ms;
  /**
   * How long a program that is stopped may take to end by itself after SIGTERM, in milliseconds; 0: 1,000; negative:
   * for ever.
   */
  int64_t grace_ms;
  /**
   * How long the run goes on after the program's end while others hold its pipes, in milliseconds; 0: 100;
   * negative: until they let go.
   */
  int64_t linger_ms;
  /**
   * With QEMU_RUN_CANCEL_FD: the run is cancelled when this descriptor is readable or hung up. It is never read.
   */
  QemuFd cancel_fd;
  /**
   * Takes the output as it comes; NULL: it is kept.
   */
  QemuRunSink sink;
  /**
   * The sink's first argument.
   */
  void *opaque;
} QemuRunOptions;

/**
 * How a run ended. Begin with
 *
 *   QemuRunResult result = { .size = sizeof(result) };
 *
 * A call overwrites all but @size. Release it with qemu_run_result_clear().
 */
typedef struct QemuRunResult {
  /**
   * sizeof(QemuRunResult). Later versions add members at the end.
   */
  size_t size;
  /**
   * The way in which the run ended.
   */
  enum QemuRunEnd end;
  /**
   * How the program ended. QEMU_PROCESS_RUNNING: it was not started, or could not be stopped.
   */
  struct QemuProcessStatus status;
  /**
   * QEMU_RUN_RESULT_* constants, combined with |.
   */
  uint64_t flags;
  /**
   * What is kept of its stdout: @out_len bytes, any bytes, and a NUL after them. It is empty if nothing was
   * captured, and NULL only if the program was not started.
   */
  char *out;
  /**
   * The same of its stderr.
   */
  char *err;
  /**
   * The number of bytes in @out.
   */
  size_t out_len;
  /**
   * The number of bytes in @err.
   */
  size_t err_len;
  /**
   * The number of bytes that came from its stdout.
   */
  uint64_t out_total;
  /**
   * The number of bytes that came from its stderr.
   */
  uint64_t err_total;
  /**
   * What it has used.
   */
  struct QemuProcessUsage usage;
} QemuRunResult;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * qemu_fork:
 * @errp: where to put an error: NULL, &error_abort, &error_fatal, or the address of an Error pointer that is NULL
 *
 * A fork() for programs that have threads and signal handlers. All signals are blocked in the calling thread while
 * the process is being copied. The parent then gets its signal mask back, and signals that were sent meanwhile are
 * delivered: none is lost. The child sets every signal to its default disposition, and then unblocks them all: no
 * handler of the parent has run there, and none can.
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
 * -1, and there is no child; errno is fork()'s: EAGAIN (a limit on processes), ENOMEM, ENOSYS, or that of a filter
 * such as seccomp(2); and *@errp is "cannot fork child process: " and the reason, or "cannot block signals: " and the
 * reason if that failed before. The signal mask is as it was. On Windows, which has no fork, always -1, with errno
 * ENOSYS.
 */
pid_t qemu_fork(Error **errp);

/**
 * qemu_fork_full:
 * @opts: options; or NULL
 * @errp: as for qemu_fork()
 *
 * qemu_fork() with options. The child makes the changes that they ask for, in the order of session, descriptors, death
 * signal and signals, before the call returns in it, and the parent waits for that.
 *
 * Thread-safe. As fork(), not async-signal-safe. Not a cancellation point.
 *
 * Returns: in the parent the child's process id, in the child 0. errno and *@errp are then as they were. On failure -1:
 * errno is the cause, *@errp has the words, for example "cannot open '/dev/null': No such file or directory", and there
 * is no child: one in which a change has failed has been reaped. Options that make no sense are EINVAL. ECANCELED means
 * that a signal has ended the child before it had begun.
 */
pid_t qemu_fork_full(const struct QemuForkOptions *opts,
                     Error **errp);

/**
 * qemu_fork_call:
 * @fn: the function
 * @opaque: its first argument
 * @opts: as for qemu_fork_full(); or NULL
 * @timeout_ms: how long the function may take, in milliseconds; 0: no time at all; negative: for ever
 * @errp: as for qemu_fork()
 *
 * Calls a function in a forked child, and returns what it returns. The child has clean signals, unless an option says
 * otherwise. It ends when the function has returned, without atexit handlers, and without what is in stdio's buffers.
 * @fn always gets the address of an Error pointer that is NULL. In a program with threads it may call only
 * async-signal-safe functions, and set an Error only if no other thread of the program can be in malloc().
 *
 * After @timeout_ms the child is killed with SIGKILL.
 *
 * Thread-safe. As fork(), not async-signal-safe. Not a cancellation point.
 *
 * Returns: the result of @fn, with its errno. If it has set an Error, *@errp is a copy, with its text, its class and its
 * hint (up to 32 KiB of each; in host mode the text alone). -1 with ETIMEDOUT if the child had to be killed. -1 with
 * ECANCELED if the function did not return: *@errp has the signal or the exit status. -1 as for qemu_fork_full() if there
 * was no child, or with EINVAL if @fn is NULL.
 */
int qemu_fork_call(int (*fn)(void *opaque, Error **errp),
                   void *opaque,
                   const struct QemuForkOptions *opts,
                   int64_t timeout_ms,
                   Error **errp);

/**
 * qemu_spawn:
 * @argv: the arguments, ended by NULL; the first is the program to execute, unless @opts names another
 * @opts: options; or NULL
 * @errp: where to put an error: NULL, &error_abort, &error_fatal, or the address of an Error pointer that is NULL
 *
 * Starts a program. By default it has clean signals (see qemu_fork()), the parent's stdin, stdout and stderr, and no
 * other open descriptor. When the call returns, the program has been executed, or the call has failed and says why.
 * The cost does not grow with the memory or the descriptors of the parent, unless the child changes its user or
 * groups.
 *
 * The parent's mask, dispositions, descriptors, working directory and memory are left alone. pthread_atfork() handlers
 * do not run on Linux. The library has no handler for SIGCHLD, and the parent needs none.
 *
 * Thread-safe, and safe in programs with any number of threads, as long as no other thread changes the environment
 * meanwhile. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: a handle, to be freed with qemu_process_free(). On failure NULL: errno is the cause, *@errp names the step
 * and its object, for example "cannot execute '/etc/qemu-ifup': Permission denied (it is not executable)", and nothing
 * is left of the child. Options that make no sense are EINVAL, a source that is not open is EBADF. E2BIG means that
 * the options are larger than this library knows, and that the unknown part is not zero. ECANCELED means that a signal
 * ended or stopped the child before it had executed the program. ENOSYS means that the system lacks what an option needs;
 * on Windows EILSEQ means that a text is not UTF-8.
 */
QemuProcess *qemu_spawn(const char *const *argv,
                        const struct QemuSpawnOptions *opts,
                        Error **errp);

/**
 * qemu_spawn_sync:
 * @argv: as for qemu_spawn()
 * @opts: as for qemu_spawn(), but without QEMU_SPAWN_PIPE_*: no code would use the other end
 * @timeout_ms: how long the call may take, in milliseconds; 0: no time at all; negative: for ever
 * @status: where to store how the program ended; or NULL
 * @errp: as for qemu_spawn()
 *
 * Runs a program and waits for its end. After @timeout_ms it is killed with SIGKILL. The time counts from the call on,
 * also while the program is being executed: if its file system does not answer, it has not been started.
 *
 * Thread-safe as qemu_spawn(). Not async-signal-safe. Not a cancellation point.
 *
 * Returns: 0 if the program has run and ended, in whatever way: *@status tells. -1 if it could not be started, as for
 * qemu_spawn(), or with ETIMEDOUT if it had to be killed; it has been reaped then. A program that has not ended one
 * second after SIGKILL, which only the kernel can cause, is ETIMEDOUT, too: the library reaps it at a later call.
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
 * Tells the descriptor of the child. poll() and every main loop find it readable when the child has ended. On Windows it
 * is the HANDLE of the process. It belongs to the handle: do not close it.
 *
 * Thread-safe, async-signal-safe.
 *
 * If the program has closed it, as closefrom() does, the functions of the handle use the child's id instead.
 *
 * Returns: the descriptor; -1 if there is none, because the system is not Linux or is older than 5.2, because the table
 * of descriptors was full, or because the program is known to have closed it.
 */
QemuFd qemu_process_pidfd(const QemuProcess *proc);

/**
 * qemu_process_way:
 * @proc: a handle
 *
 * Tells how the child was made, for example to find out why a spawn is slow. "clone3" and "clone" share the parent's
 * memory until the program is executed, "fork" copies it. "adopted" is a child of qemu_process_adopt(). With
 * QEMU_SPAWN_DETACHED it also says who reaps the child: "clone3+autoreap", the kernel; "clone3+orphan", init;
 * "clone3+keeper", a process of the library's.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: a constant; do not free it. On Windows "create".
 */
const char *qemu_process_way(const QemuProcess *proc);

/**
 * qemu_process_take_fd:
 * @proc: a handle
 * @child_fd: 0, 1 or 2: the child's stdin, stdout or stderr
 *
 * Takes our end of a pipe that QEMU_SPAWN_PIPE_STDIN, _STDOUT or _STDERR asked for. From now on the caller owns it.
 * Ends that are not taken are closed with the handle.
 *
 * Thread-safe: only one caller gets it. Async-signal-safe.
 *
 * Returns: the descriptor, which has FD_CLOEXEC and is blocking. -1 and EBADF if there is none, or if it was taken.
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
 * Waits for the end of the child, and reaps it unless it is detached. The status is kept: later calls return it again.
 * A child that is stopped has not ended. Signal handlers run meanwhile and do not end the wait.
 *
 * If other code has reaped the child, its status is still known on Linux 6.15 and newer. Elsewhere @status then says
 * QEMU_PROCESS_UNKNOWN.
 *
 * Thread-safe: several threads may wait for one child. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: 1: it has ended; 0: the time is up; -1 and EINVAL: @proc is NULL.
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
 * Sends a signal to the child, and never to another process that has got the child's id since: the library has a
 * descriptor of the child, or makes sure that it is not reaped meanwhile. It cannot make sure of that without a
 * descriptor if the child is detached, or if the program reaps children that it did not make.
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
 * Ends the child and reaps it. The child gets SIGTERM, SIGCONT in case it is stopped, and after @grace_ms SIGKILL. On
 * Windows SIGTERM is CTRL_BREAK for a child with QEMU_SPAWN_SET_PGID that has a console, and otherwise as SIGKILL.
 *
 * Thread-safe. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: true if the child has ended, now or before. Otherwise errno and *@errp say which signal could not be sent
 * and why; or that the child has not ended one second after SIGKILL (ETIMEDOUT), which only the kernel can cause. The
 * library reaps such a child at a later call.
 */
bool qemu_process_stop(QemuProcess *proc,
                       int64_t grace_ms,
                       struct QemuProcessStatus *status,
                       Error **errp);

/**
 * qemu_process_usage:
 * @proc: a handle
 * @usage: where to store what the child has used
 * @errp: as for qemu_spawn()
 *
 * Tells what a child that has ended has used. Looks first whether it has, as qemu_process_wait() with a time of 0 does.
 *
 * Neither the times nor the peak are known if SIGCHLD is ignored, or if other code has reaped the child.
 *
 * Thread-safe. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: whether *@usage was filled in. Otherwise errno is EBUSY (the child has not ended) or EINVAL (@usage is
 * NULL), and *@errp says so.
 */
bool qemu_process_usage(QemuProcess *proc,
                        struct QemuProcessUsage *usage,
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
 * Returns: the text, to be released with free(). NULL with ENOMEM if there is no memory for it, and with EINVAL if
 * @status is NULL or does not say how a child ended.
 */
char *qemu_process_status_str(const struct QemuProcessStatus *status);

/**
 * qemu_process_status_check:
 * @status: how a child ended
 * @what: who it was, for the message; NULL is "the program"
 * @errp: as for qemu_spawn()
 *
 * Makes an error of every end but that with status 0.
 *
 * Thread-safe. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: whether the child exited with status 0. Otherwise errno is EIO, and *@errp is "@what exited with status 3"
 * or "@what was killed by signal 9 (SIGKILL)"; or ECHILD, if its status is not known; or EINVAL, if @status is NULL or
 * does not say how a child ended.
 */
bool qemu_process_status_check(const struct QemuProcessStatus *status,
                               const char *what,
                               Error **errp);

/**
 * qemu_process_adopt:
 * @pid: a child of this process that other code has started and that nobody has reaped
 * @errp: as for qemu_spawn()
 *
 * Makes a handle for such a child. From now on the handle reaps it, and the other code must not. It has no pipes. For
 * qemu_process_usage() its time begins now.
 *
 * Thread-safe. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: a handle, to be released with qemu_process_free(); qemu_process_way() says "adopted". On failure NULL,
 * errno and *@errp: EINVAL (@pid is not positive), ECHILD (it is no child of this process, or was reaped), ENOMEM. On
 * Windows ENOSYS.
 */
QemuProcess *qemu_process_adopt(pid_t pid,
                                Error **errp);

/**
 * qemu_process_detach:
 * @proc: a handle
 *
 * From now on the program reaps the child, by wait() or by ignoring SIGCHLD, and this library does not. The handle
 * works as before, and is freed as before. A qemu_process_wait() that another thread is in the middle of may still
 * reap it. For a child of QEMU_SPAWN_KILL_ON_FREE or QEMU_SPAWN_DETACHED this changes nothing.
 *
 * Thread-safe, async-signal-safe.
 */
void qemu_process_detach(QemuProcess *proc);

/**
 * qemu_process_free:
 * @proc: a handle, not to be used again; or NULL
 *
 * Frees the handle and closes its descriptors. Reaps the child if it has ended. A child that still runs goes on, and
 * the program reaps it; with QEMU_SPAWN_KILL_ON_FREE it is killed and reaped.
 *
 * Not thread-safe: no other thread may use @proc. Not async-signal-safe. Leaves errno alone.
 */
void qemu_process_free(QemuProcess *proc);

/**
 * qemu_run:
 * @argv: as for qemu_spawn()
 * @spawn: as for qemu_spawn(), but without QEMU_SPAWN_PIPE_*: the library makes the pipes; or NULL
 * @run: options of the run; or NULL
 * @result: where to store how it ended; or NULL
 * @errp: as for qemu_spawn()
 *
 * Runs a program to its end: gives it input, keeps what it writes to its stdout and stderr, and stops it when its time
 * is up. Its stdin is /dev/null without input. Any amount of input and output at once is right.
 *
 * The run ends when the program ends, and not when the last holder of its pipes has closed them. What is in the pipes
 * is read, and what comes within @linger_ms.
 *
 * A program that is stopped gets SIGTERM, SIGCONT, and after @grace_ms SIGKILL. What it writes until then is kept.
 *
 * Neither SIGPIPE nor a thread is involved. The parent's mask, dispositions and descriptors are left alone. The sink
 * is called in the calling thread.
 *
 * Thread-safe as qemu_spawn(). Not async-signal-safe. Not a cancellation point.
 *
 * Returns: true if the program has ended by itself, in whatever way: @result tells. Otherwise errno is ETIMEDOUT (its
 * time was up), ENOBUFS (it wrote too much), ENOMEM (there was no memory for what it wrote), ECANCELED (the run was
 * cancelled, or the sink returned false), with QEMU_RUN_CHECK EIO (its status is not 0) or ECHILD (its status is not
 * known), or as for qemu_spawn(): then it was not started, and @result is all zeroes but for its size. Options that
 * contradict each other are EINVAL.
 */
bool qemu_run(const char *const *argv,
              const struct QemuSpawnOptions *spawn,
              const struct QemuRunOptions *run,
              struct QemuRunResult *result,
              Error **errp);

/**
 * qemu_run_start:
 * @argv: as for qemu_run()
 * @spawn: as for qemu_run()
 * @run: as for qemu_run(). The bytes of its input must stay until the run is over; all else may be freed
 * @errp: as for qemu_spawn()
 *
 * Starts what qemu_run() does in one call, for a program that has a main loop. The main loop waits until
 * qemu_run_fd() is readable and calls qemu_run_step() then, until that returns something else than 0.
 *
 * Thread-safe as qemu_spawn(). Not async-signal-safe. Not a cancellation point.
 *
 * Returns: the run, to be freed with qemu_run_free(). On failure NULL, as for qemu_run(), and nothing is left.
 */
QemuRun *qemu_run_start(const char *const *argv,
                        const struct QemuSpawnOptions *spawn,
                        const struct QemuRunOptions *run,
                        Error **errp);

/**
 * qemu_run_fd:
 * @run: a run
 *
 * Tells the descriptor that is readable when qemu_run_step() has something to do, and from the end of the run on. It
 * belongs to the run: only wait for it.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: the descriptor. -1 and EINVAL if @run is NULL.
 */
QemuFd qemu_run_fd(const QemuRun *run);

/**
 * qemu_run_step:
 * @run: a run
 * @result: where to store how it ended, once it is over; or NULL
 * @errp: as for qemu_spawn()
 *
 * Does what can be done without waiting: reads at most 1 MiB, feeds the program, stops it when its time is up.
 *
 * Not thread-safe: one thread at a time steps a run. Not async-signal-safe. Not a cancellation point.
 *
 * Returns: 0: the run goes on. 1: it is over, as when qemu_run() returns true. -1: it is over, as when qemu_run()
 * returns false; or the call makes no sense, with EINVAL: the result's size is wrong and the run goes on, the run was
 * over before, or its sink has called this. ECHILD: this process is a fork of the one that has started the run.
 */
int qemu_run_step(QemuRun *run,
                  struct QemuRunResult *result,
                  Error **errp);

/**
 * qemu_run_cancel:
 * @run: a run that is not freed meanwhile; or NULL
 *
 * Stops the program. The next qemu_run_step() does it, and qemu_run_fd() is readable for that. A run that is over stays
 * as it is.
 *
 * Thread-safe, async-signal-safe.
 */
void qemu_run_cancel(QemuRun *run);

/**
 * qemu_run_process:
 * @run: a run
 *
 * Tells the program's handle: to wait for it, signal it, or ask for its id. Its pipes belong to the run, so
 * qemu_process_take_fd() is EBADF.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: the handle, which belongs to the run: it must not be freed or detached. NULL and EINVAL if @run is NULL.
 */
QemuProcess *qemu_run_process(QemuRun *run);

/**
 * qemu_run_free:
 * @run: a run, not to be used again; or NULL
 *
 * Frees a run. A program that still runs is killed and reaped. In a fork of the process nothing is killed.
 *
 * Not thread-safe: no other thread may use @run. Not async-signal-safe. Not a cancellation point. Leaves errno alone.
 */
void qemu_run_free(QemuRun *run);

/**
 * qemu_run_result_clear:
 * @result: a result; or NULL
 *
 * Frees what a result points to, and makes it all zeroes but for its size.
 *
 * Thread-safe. Not async-signal-safe. Leaves errno alone.
 */
void qemu_run_result_clear(struct QemuRunResult *result);

/**
 * qemu_command_str:
 * @argv: words, ended by NULL
 *
 * Says a command as one would type it into a shell: plain words as they are, others in quotes. For a log.
 *
 * Thread-safe. Not async-signal-safe.
 *
 * Returns: the text, to be released with free(); without words it is empty. NULL with ENOMEM if there is no memory for
 * it, and with EINVAL if @argv is NULL.
 */
char *qemu_command_str(const char *const *argv);

/**
 * qemu_fork_version:
 *
 * Tells the version of the library that the program runs with. In a program that is linked with the archive, this
 * symbol shows that qemu_fork() is this library's, too. With the shared library it does not: the program may have a
 * qemu_fork() of its own, which takes precedence.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: the version, such as "0.1.0", followed by " (host-error)" if the library was built to report through the
 * program's own Error API. A constant: do not free it.
 */
const char *qemu_fork_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* QEMU_FORK_H */
