/*
 * The sizes, offsets and constants that bindings without a C compiler write down for themselves, as the header has
 * them. Each such binding has a program that prints what it believes, a line for each structure and each constant that
 * it knows; scripts/check-languages.py compares.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <qemu-fork.h>

#define FD(member) printf(" " #member "=%zu", offsetof(QemuSpawnFd, member))
#define FILE_(member) printf(" " #member "=%zu", offsetof(QemuSpawnFile, member))
#define OPTION(member) printf(" " #member "=%zu", offsetof(QemuSpawnOptions, member))
#define STATUS(member) printf(" " #member "=%zu", offsetof(QemuProcessStatus, member))
#define USAGE(member) printf(" " #member "=%zu", offsetof(QemuProcessUsage, member))
#define RUN(member) printf(" " #member "=%zu", offsetof(QemuRunOptions, member))
#define RESULT(member) printf(" " #member "=%zu", offsetof(QemuRunResult, member))
#define CONSTANT(name) printf(#name " %d\n", name)

int main(void)
{
    printf("QemuSpawnFd %zu", sizeof(QemuSpawnFd));
    FD(source);
    FD(target);
    printf("\n");
    printf("QemuSpawnFile %zu", sizeof(QemuSpawnFile));
    FILE_(target);
    FILE_(path);
    FILE_(flags);
    FILE_(mode);
    printf("\n");
    printf("QemuSpawnOptions %zu", sizeof(QemuSpawnOptions));
    OPTION(size);
    OPTION(flags);
    OPTION(executable);
    OPTION(cwd);
    OPTION(envp);
    OPTION(env_set);
    OPTION(env_unset);
    OPTION(fds);
    OPTION(n_fds);
    OPTION(signals);
    OPTION(ignored);
    OPTION(defaulted);
    OPTION(pgid);
    OPTION(umask);
    OPTION(uid);
    OPTION(gid);
    OPTION(groups);
    OPTION(n_groups);
    OPTION(rlimits);
    OPTION(n_rlimits);
    OPTION(death_signal);
    OPTION(failed_step);
    OPTION(files);
    OPTION(n_files);
    OPTION(nice);
    OPTION(cgroup_fd);
    printf("\n");
    printf("QemuProcessStatus %zu", sizeof(QemuProcessStatus));
    STATUS(end);
    STATUS(exit_code);
    STATUS(term_signal);
    STATUS(core_dumped);
    printf("\n");
    printf("QemuProcessUsage %zu", sizeof(QemuProcessUsage));
    USAGE(flags);
    USAGE(user_us);
    USAGE(system_us);
    USAGE(wall_us);
    USAGE(peak_kib);
    printf("\n");
    printf("QemuRunOptions %zu", sizeof(QemuRunOptions));
    RUN(size);
    RUN(flags);
    RUN(input);
    RUN(input_len);
    RUN(stdout_limit);
    RUN(stderr_limit);
    RUN(timeout_ms);
    RUN(grace_ms);
    RUN(linger_ms);
    RUN(cancel_fd);
    RUN(sink);
    RUN(opaque);
    printf("\n");
    printf("QemuRunResult %zu", sizeof(QemuRunResult));
    RESULT(size);
    RESULT(end);
    RESULT(status);
    RESULT(flags);
    RESULT(out);
    RESULT(err);
    RESULT(out_len);
    RESULT(err_len);
    RESULT(out_total);
    RESULT(err_total);
    RESULT(usage);
    printf("\n");
    CONSTANT(QEMU_SPAWN_FD_NULL);
    CONSTANT(QEMU_SPAWN_FD_CLOSED);
    CONSTANT(QEMU_SPAWN_SEARCH_PATH);
    CONSTANT(QEMU_SPAWN_SETSID);
    CONSTANT(QEMU_SPAWN_SET_PGID);
    CONSTANT(QEMU_SPAWN_SET_UMASK);
    CONSTANT(QEMU_SPAWN_SET_UID);
    CONSTANT(QEMU_SPAWN_SET_GID);
    CONSTANT(QEMU_SPAWN_SET_GROUPS);
    CONSTANT(QEMU_SPAWN_CLEAR_ENV);
    CONSTANT(QEMU_SPAWN_LEAVE_FDS);
    CONSTANT(QEMU_SPAWN_NULL_STDIN);
    CONSTANT(QEMU_SPAWN_NULL_STDOUT);
    CONSTANT(QEMU_SPAWN_NULL_STDERR);
    CONSTANT(QEMU_SPAWN_PIPE_STDIN);
    CONSTANT(QEMU_SPAWN_PIPE_STDOUT);
    CONSTANT(QEMU_SPAWN_PIPE_STDERR);
    CONSTANT(QEMU_SPAWN_MERGE_STDERR);
    CONSTANT(QEMU_SPAWN_NO_FORK_FALLBACK);
    CONSTANT(QEMU_SPAWN_NO_NEW_PRIVS);
    CONSTANT(QEMU_SPAWN_SEARCH_CHILD_PATH);
    CONSTANT(QEMU_SPAWN_KEEP_GROUPS);
    CONSTANT(QEMU_SPAWN_FOREGROUND);
    CONSTANT(QEMU_SPAWN_SET_NICE);
    CONSTANT(QEMU_SPAWN_CLEAN_SCHED);
    CONSTANT(QEMU_SPAWN_INTO_CGROUP);
    CONSTANT(QEMU_SPAWN_STEP_NONE);
    CONSTANT(QEMU_SPAWN_STEP_ARGUMENTS);
    CONSTANT(QEMU_SPAWN_STEP_PIPE);
    CONSTANT(QEMU_SPAWN_STEP_FORK);
    CONSTANT(QEMU_SPAWN_STEP_SIGNALS);
    CONSTANT(QEMU_SPAWN_STEP_SESSION);
    CONSTANT(QEMU_SPAWN_STEP_GROUP);
    CONSTANT(QEMU_SPAWN_STEP_FDS);
    CONSTANT(QEMU_SPAWN_STEP_CWD);
    CONSTANT(QEMU_SPAWN_STEP_RLIMIT);
    CONSTANT(QEMU_SPAWN_STEP_CREDENTIALS);
    CONSTANT(QEMU_SPAWN_STEP_DEATH_SIGNAL);
    CONSTANT(QEMU_SPAWN_STEP_EXEC);
    CONSTANT(QEMU_SPAWN_STEP_FILES);
    CONSTANT(QEMU_SPAWN_STEP_CGROUP);
    CONSTANT(QEMU_SPAWN_STEP_SCHED);
    CONSTANT(QEMU_SPAWN_STEP_TERMINAL);
    CONSTANT(QEMU_PROCESS_USAGE_PEAK);
    CONSTANT(QEMU_PROCESS_USAGE_TIMES);
    CONSTANT(QEMU_RUN_CHECK);
    CONSTANT(QEMU_RUN_CUT);
    CONSTANT(QEMU_RUN_KEEP_TAIL);
    CONSTANT(QEMU_RUN_LINES);
    CONSTANT(QEMU_RUN_STOP_TREE);
    CONSTANT(QEMU_RUN_KILL);
    CONSTANT(QEMU_RUN_INHERIT_STDIN);
    CONSTANT(QEMU_RUN_INHERIT_STDOUT);
    CONSTANT(QEMU_RUN_INHERIT_STDERR);
    CONSTANT(QEMU_RUN_CANCEL_FD);
    CONSTANT(QEMU_RUN_RESULT_OUT_CUT);
    CONSTANT(QEMU_RUN_RESULT_ERR_CUT);
    CONSTANT(QEMU_RUN_RESULT_PIPE_HELD);
    CONSTANT(QEMU_RUN_RESULT_INPUT_LEFT);
    CONSTANT(QEMU_PROCESS_RUNNING);
    CONSTANT(QEMU_PROCESS_EXITED);
    CONSTANT(QEMU_PROCESS_SIGNALED);
    CONSTANT(QEMU_PROCESS_UNKNOWN);
    CONSTANT(QEMU_RUN_END_NOT_STARTED);
    CONSTANT(QEMU_RUN_END_EXITED);
    CONSTANT(QEMU_RUN_END_TIMED_OUT);
    CONSTANT(QEMU_RUN_END_LIMIT);
    CONSTANT(QEMU_RUN_END_CANCELLED);
    CONSTANT(QEMU_RUN_END_STOPPED);
    return 0;
}
