/*
 * The sizes, offsets and numbers of version 0.1, with which programs were compiled, on every platform. They never
 * change. Members are only added at the end of QemuSpawnOptions (docs/guide/versioning.md).
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>

#include "tap.h"

/* The width of the system's types differs between platforms. So does the alignment of 64 bits, which is 4 on i686. */
struct First {
    size_t size;
    uint64_t flags;
    const char *strings[2];
    const char *const *lists[3];
    const QemuSpawnFd *fds;
    size_t n_fds;
    int signals;
    const int *signal_lists[2];
    pid_t pgid;
    QemuMode umask;
    QemuUid uid;
    QemuGid gid;
    const QemuGid *groups;
    size_t n_groups;
    const QemuSpawnRlimit *rlimits;
    size_t n_rlimits;
    int death_signal;
    int *failed_step;
};

/* The members of later versions: after those of the first version, and never in its padding. */
struct Newest {
    struct First first;
    const QemuSpawnFile *files;
    size_t n_files;
    int nice;
    QemuFd cgroup_fd;
};

struct FirstRun {
    size_t size;
    uint64_t flags;
    const void *input;
    size_t lengths[3];
    int64_t times[3];
    QemuFd cancel_fd;
    bool (*sink)(void *opaque, int child_fd, const char *data, size_t len);
    void *opaque;
};

struct FirstFork {
    size_t size;
    uint64_t flags;
    int death_signal;
};

/* It ends with a structure that does not grow. */
struct FirstResult {
    size_t size;
    int end;
    QemuProcessStatus status;
    uint64_t flags;
    char *texts[2];
    size_t lengths[2];
    uint64_t totals[2];
    uint64_t usage[5];
};

#define SAME_FORK(member) \
    is_int(offsetof(QemuForkOptions, member), offsetof(struct FirstFork, member), "QemuForkOptions." #member)
#define SAME_RUN(member, first) \
    is_int(offsetof(QemuRunOptions, member), offsetof(struct FirstRun, first), "QemuRunOptions." #member)
#define SAME_RESULT(member, first) \
    is_int(offsetof(QemuRunResult, member), offsetof(struct FirstResult, first), "QemuRunResult." #member)
#define SAME(member, first) \
    is_int(offsetof(QemuSpawnOptions, member), offsetof(struct First, first), "QemuSpawnOptions." #member)
#define NEWER(member) \
    is_int(offsetof(QemuSpawnOptions, member), offsetof(struct Newest, member), "QemuSpawnOptions." #member)
#define STATUS(member, offset) is_int(offsetof(QemuProcessStatus, member), offset, "QemuProcessStatus." #member)
#define USAGE(member, offset) is_int(offsetof(QemuProcessUsage, member), offset, "QemuProcessUsage." #member)
#define NUMBER(name, value) is_int(name, value, #name)

static void check_options(void)
{
    SAME(size, size);
    SAME(flags, flags);
    SAME(executable, strings[0]);
    SAME(cwd, strings[1]);
    SAME(envp, lists[0]);
    SAME(env_set, lists[1]);
    SAME(env_unset, lists[2]);
    SAME(fds, fds);
    SAME(n_fds, n_fds);
    SAME(signals, signals);
    SAME(ignored, signal_lists[0]);
    SAME(defaulted, signal_lists[1]);
    SAME(pgid, pgid);
    SAME(umask, umask);
    SAME(uid, uid);
    SAME(gid, gid);
    SAME(groups, groups);
    SAME(n_groups, n_groups);
    SAME(rlimits, rlimits);
    SAME(n_rlimits, n_rlimits);
    SAME(death_signal, death_signal);
    SAME(failed_step, failed_step);
    NEWER(files);
    NEWER(n_files);
    NEWER(nice);
    NEWER(cgroup_fd);
    is_int(sizeof(QemuSpawnOptions), sizeof(struct Newest), "QemuSpawnOptions");
}

static void check_fork(void)
{
    SAME_FORK(size);
    SAME_FORK(flags);
    SAME_FORK(death_signal);
    is_int(sizeof(QemuForkOptions), sizeof(struct FirstFork), "QemuForkOptions");
}

static void check_run(void)
{
    SAME_RUN(size, size);
    SAME_RUN(flags, flags);
    SAME_RUN(input, input);
    SAME_RUN(input_len, lengths[0]);
    SAME_RUN(stdout_limit, lengths[1]);
    SAME_RUN(stderr_limit, lengths[2]);
    SAME_RUN(timeout_ms, times[0]);
    SAME_RUN(grace_ms, times[1]);
    SAME_RUN(linger_ms, times[2]);
    SAME_RUN(cancel_fd, cancel_fd);
    SAME_RUN(sink, sink);
    SAME_RUN(opaque, opaque);
    is_int(sizeof(QemuRunOptions), sizeof(struct FirstRun), "QemuRunOptions");
    SAME_RESULT(size, size);
    SAME_RESULT(end, end);
    SAME_RESULT(status, status);
    SAME_RESULT(flags, flags);
    SAME_RESULT(out, texts[0]);
    SAME_RESULT(err, texts[1]);
    SAME_RESULT(out_len, lengths[0]);
    SAME_RESULT(err_len, lengths[1]);
    SAME_RESULT(out_total, totals[0]);
    SAME_RESULT(err_total, totals[1]);
    SAME_RESULT(usage, usage);
    is_int(sizeof(QemuRunResult), sizeof(struct FirstResult), "QemuRunResult");
}

static void check_others(void)
{
    is_int(sizeof(QemuProcessStatus), 16, "QemuProcessStatus");
    STATUS(end, 0);
    STATUS(exit_code, 4);
    STATUS(term_signal, 8);
    STATUS(core_dumped, 12);
    is_int(sizeof(QemuProcessUsage), 40, "QemuProcessUsage");
    USAGE(flags, 0);
    USAGE(user_us, 8);
    USAGE(system_us, 16);
    USAGE(wall_us, 24);
    USAGE(peak_kib, 32);
    is_int(sizeof(QemuSpawnFd), 8, "QemuSpawnFd");
    is_int(offsetof(QemuSpawnFd, target), 4, "QemuSpawnFd.target");
    is_int(offsetof(QemuSpawnFile, target), 0, "QemuSpawnFile.target");
    is_int(offsetof(QemuSpawnFile, path), sizeof(char *), "QemuSpawnFile.path");
    is_int(offsetof(QemuSpawnFile, flags), 2 * sizeof(char *), "QemuSpawnFile.flags");
    is_int(offsetof(QemuSpawnFile, mode), 2 * sizeof(char *) + 4, "QemuSpawnFile.mode");
    is_int(sizeof(QemuSpawnFile), 2 * sizeof(char *) + 8, "QemuSpawnFile");
    is_int(offsetof(QemuSpawnRlimit, resource), 0, "QemuSpawnRlimit.resource");
    is_int(sizeof(QemuSpawnRlimit), offsetof(QemuSpawnRlimit, soft) + 16, "QemuSpawnRlimit");
    is_int(offsetof(QemuSpawnRlimit, hard), offsetof(QemuSpawnRlimit, soft) + 8, "QemuSpawnRlimit.hard");
}

static void check_numbers(void)
{
    NUMBER(QEMU_FORK_KEEP_SIGNALS, 0x1);
    NUMBER(QEMU_FORK_CLOSE_FDS, 0x2);
    NUMBER(QEMU_FORK_NULL_STDIO, 0x4);
    NUMBER(QEMU_FORK_SETSID, 0x8);
    NUMBER(QEMU_PROCESS_USAGE_PEAK, 1 << 0);
    NUMBER(QEMU_PROCESS_USAGE_TIMES, 1 << 1);
    NUMBER(QEMU_SPAWN_SEARCH_PATH, 0x1);
    NUMBER(QEMU_SPAWN_SETSID, 0x2);
    NUMBER(QEMU_SPAWN_SET_PGID, 0x4);
    NUMBER(QEMU_SPAWN_SET_UMASK, 0x8);
    NUMBER(QEMU_SPAWN_SET_UID, 0x10);
    NUMBER(QEMU_SPAWN_SET_GID, 0x20);
    NUMBER(QEMU_SPAWN_SET_GROUPS, 0x40);
    NUMBER(QEMU_SPAWN_CLEAR_ENV, 0x80);
    NUMBER(QEMU_SPAWN_LEAVE_FDS, 0x100);
    NUMBER(QEMU_SPAWN_NULL_STDIN, 0x200);
    NUMBER(QEMU_SPAWN_NULL_STDOUT, 0x400);
    NUMBER(QEMU_SPAWN_NULL_STDERR, 0x800);
    NUMBER(QEMU_SPAWN_PIPE_STDIN, 0x1000);
    NUMBER(QEMU_SPAWN_PIPE_STDOUT, 0x2000);
    NUMBER(QEMU_SPAWN_PIPE_STDERR, 0x4000);
    NUMBER(QEMU_SPAWN_MERGE_STDERR, 0x8000);
    NUMBER(QEMU_SPAWN_NO_FORK_FALLBACK, 0x10000);
    NUMBER(QEMU_SPAWN_NO_NEW_PRIVS, 0x20000);
    NUMBER(QEMU_SPAWN_SEARCH_CHILD_PATH, 0x40000);
    NUMBER(QEMU_SPAWN_KEEP_GROUPS, 0x80000);
    NUMBER(QEMU_SPAWN_FOREGROUND, 0x100000);
    NUMBER(QEMU_SPAWN_SET_NICE, 0x200000);
    NUMBER(QEMU_SPAWN_CLEAN_SCHED, 0x400000);
    NUMBER(QEMU_SPAWN_INTO_CGROUP, 0x800000);
    NUMBER(QEMU_SPAWN_KILL_ON_FREE, 0x1000000);
    NUMBER(QEMU_SPAWN_DETACHED, 0x2000000);
    NUMBER(QEMU_SPAWN_FD_NULL, -100);
    NUMBER(QEMU_SPAWN_FD_CLOSED, -101);
    NUMBER(QEMU_PROCESS_RUNNING, 0);
    NUMBER(QEMU_PROCESS_EXITED, 1);
    NUMBER(QEMU_PROCESS_SIGNALED, 2);
    NUMBER(QEMU_PROCESS_UNKNOWN, 3);
    NUMBER(QEMU_RUN_CHECK, 0x1);
    NUMBER(QEMU_RUN_CUT, 0x2);
    NUMBER(QEMU_RUN_KEEP_TAIL, 0x4);
    NUMBER(QEMU_RUN_LINES, 0x8);
    NUMBER(QEMU_RUN_STOP_TREE, 0x10);
    NUMBER(QEMU_RUN_KILL, 0x20);
    NUMBER(QEMU_RUN_INHERIT_STDIN, 0x40);
    NUMBER(QEMU_RUN_INHERIT_STDOUT, 0x80);
    NUMBER(QEMU_RUN_INHERIT_STDERR, 0x100);
    NUMBER(QEMU_RUN_CANCEL_FD, 0x200);
    NUMBER(QEMU_RUN_END_NOT_STARTED, 0);
    NUMBER(QEMU_RUN_END_EXITED, 1);
    NUMBER(QEMU_RUN_END_TIMED_OUT, 2);
    NUMBER(QEMU_RUN_END_LIMIT, 3);
    NUMBER(QEMU_RUN_END_CANCELLED, 4);
    NUMBER(QEMU_RUN_END_STOPPED, 5);
    NUMBER(QEMU_RUN_RESULT_OUT_CUT, 0x1);
    NUMBER(QEMU_RUN_RESULT_ERR_CUT, 0x2);
    NUMBER(QEMU_RUN_RESULT_PIPE_HELD, 0x4);
    NUMBER(QEMU_RUN_RESULT_INPUT_LEFT, 0x8);
    NUMBER(QEMU_SPAWN_SIGNALS_DEFAULT, 0);
    NUMBER(QEMU_SPAWN_SIGNALS_INHERIT, 1);
    NUMBER(QEMU_SPAWN_STEP_NONE, 0);
    NUMBER(QEMU_SPAWN_STEP_ARGUMENTS, 1);
    NUMBER(QEMU_SPAWN_STEP_PIPE, 2);
    NUMBER(QEMU_SPAWN_STEP_FORK, 3);
    NUMBER(QEMU_SPAWN_STEP_SIGNALS, 4);
    NUMBER(QEMU_SPAWN_STEP_SESSION, 5);
    NUMBER(QEMU_SPAWN_STEP_GROUP, 6);
    NUMBER(QEMU_SPAWN_STEP_FDS, 7);
    NUMBER(QEMU_SPAWN_STEP_CWD, 8);
    NUMBER(QEMU_SPAWN_STEP_RLIMIT, 9);
    NUMBER(QEMU_SPAWN_STEP_CREDENTIALS, 10);
    NUMBER(QEMU_SPAWN_STEP_DEATH_SIGNAL, 11);
    NUMBER(QEMU_SPAWN_STEP_EXEC, 12);
    NUMBER(QEMU_SPAWN_STEP_FILES, 13);
    NUMBER(QEMU_SPAWN_STEP_CGROUP, 14);
    NUMBER(QEMU_SPAWN_STEP_SCHED, 15);
    NUMBER(QEMU_SPAWN_STEP_TERMINAL, 16);
}

int main(void)
{
    check_options();
    check_fork();
    check_run();
    check_others();
    check_numbers();
    return done();
}
