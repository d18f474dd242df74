/*
 * Options that make no sense. Each is reported as an error of the arguments, with its place, before anything is made.
 * This also checks the rules for the size, by which the options grow with the versions of the library.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "spawn.h"

#define INVALID(text, ...) fails(ARGS("/bin/true"), OPTIONS(__VA_ARGS__), EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, \
                                 "cannot spawn: " text)
#define FDS(...) .fds = (const QemuSpawnFd[]){__VA_ARGS__}, \
                 .n_fds = sizeof((const QemuSpawnFd[]){__VA_ARGS__}) / sizeof(QemuSpawnFd)

static void check_program(void)
{
    const QemuSpawnOptions *none = NULL;

    fails(NULL, none, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: argv is NULL");
    fails((const char *const[]){NULL}, none, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: argv is empty");
    fails(ARGS(""), none, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: argv[0] is empty");
    INVALID("executable is empty", .executable = "");
    INVALID("cwd is empty", .cwd = "");
}

static void check_flags(void)
{
    INVALID("the options have an unknown flag, 1 << 26", .flags = UINT64_C(1) << 26);
    INVALID("the options have an unknown flag, 1 << 63", .flags = UINT64_C(1) << 63);
    INVALID("NULL_STDIN excludes PIPE_STDIN", .flags = QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_PIPE_STDIN);
    INVALID("NULL_STDOUT excludes PIPE_STDOUT", .flags = QEMU_SPAWN_NULL_STDOUT | QEMU_SPAWN_PIPE_STDOUT);
    INVALID("NULL_STDERR excludes PIPE_STDERR", .flags = QEMU_SPAWN_NULL_STDERR | QEMU_SPAWN_PIPE_STDERR);
    INVALID("MERGE_STDERR excludes NULL_STDERR", .flags = QEMU_SPAWN_MERGE_STDERR | QEMU_SPAWN_NULL_STDERR);
    INVALID("MERGE_STDERR excludes PIPE_STDERR", .flags = QEMU_SPAWN_MERGE_STDERR | QEMU_SPAWN_PIPE_STDERR);
    INVALID("SETSID excludes SET_PGID", .flags = QEMU_SPAWN_SETSID | QEMU_SPAWN_SET_PGID);
    INVALID("umask is above 0777", .flags = QEMU_SPAWN_SET_UMASK, .umask = 01000);
    INVALID("pgid -1 is negative", .flags = QEMU_SPAWN_SET_PGID, .pgid = -1);
    /* To setresuid() -1 means "leave it": the child would keep the id that it was to lose. */
    INVALID("uid -1 is no user", .flags = QEMU_SPAWN_SET_UID, .uid = (QemuUid)-1);
    INVALID("gid -1 is no group", .flags = QEMU_SPAWN_SET_GID, .gid = (QemuGid)-1);
}

static void check_environment(void)
{
    INVALID("env_set[1] 'NAME' is no NAME=value", .env_set = ARGS("A=b", "NAME"));
    INVALID("env_set[0] '=value' is no NAME=value", .env_set = ARGS("=value"));
    INVALID("env_set[0] '' is no NAME=value", .env_set = ARGS(""));
    INVALID("env_unset[1] 'NAME=' is no NAME", .env_unset = ARGS("A", "NAME="));
    INVALID("env_unset[0] '' is no NAME", .env_unset = ARGS(""));
}

static void check_descriptors(void)
{
    int closed = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 500);
    char text[128];

    close(closed);
    INVALID("fds is NULL, and n_fds is not 0", .n_fds = 1);
    INVALID("fds is NULL, and n_fds is not 0", .n_fds = (size_t)-1);
    INVALID("fds[1].target, -1, is no descriptor", FDS({0, 3}, {0, -1}));
    INVALID("descriptor 3 of the child is mapped twice", FDS({0, 3}, {1, 4}, {2, 3}));
    INVALID("descriptor 3 of the child is mapped twice", FDS({0, 3}, {0, 3}));
    INVALID("descriptor 0 of the child is mapped twice", FDS({1, 0}), .flags = QEMU_SPAWN_PIPE_STDIN);
    INVALID("descriptor 1 of the child is mapped twice", FDS({1, 1}), .flags = QEMU_SPAWN_NULL_STDOUT);
    INVALID("descriptor 2 of the child is mapped twice", FDS({1, 2}), .flags = QEMU_SPAWN_PIPE_STDERR);
    INVALID("MERGE_STDERR excludes a descriptor for stderr", FDS({1, 2}), .flags = QEMU_SPAWN_MERGE_STDERR);

    /* An open() that failed, and was not looked at, must not become /dev/null. */
    for (int source = -1; source > -300; source--) {
        if (source != QEMU_SPAWN_FD_NULL && source != QEMU_SPAWN_FD_CLOSED) {
            snprintf(text, sizeof(text), "cannot spawn: fds[0].source is %d", source);
            fails(ARGS("/bin/true"), OPTIONS(FDS({source, 3})), EBADF, QEMU_SPAWN_STEP_ARGUMENTS, text);
        }
    }
    snprintf(text, sizeof(text), "cannot spawn: fds[1].source, descriptor %d, is not open", closed);
    fails(ARGS("/bin/true"), OPTIONS(FDS({0, 3}, {closed, 4})), EBADF, QEMU_SPAWN_STEP_ARGUMENTS, text);
}

static void check_lists(void)
{
    static const QemuGid group = 0;

    INVALID("groups is NULL, and n_groups is not 0", .flags = QEMU_SPAWN_SET_GROUPS, .n_groups = 1);
    INVALID("rlimits is NULL, and n_rlimits is not 0", .n_rlimits = 1);
    /* A count whose lower half is 0 must not become "no groups". */
    INVALID("n_groups is 65537, and a process has at most 65536 groups", .flags = QEMU_SPAWN_SET_GROUPS,
            .groups = &group, .n_groups = 65537);
#if SIZE_MAX > UINT32_MAX
    INVALID("n_groups is 4294967296, and a process has at most 65536 groups", .flags = QEMU_SPAWN_SET_GROUPS,
            .groups = &group, .n_groups = (size_t)1 << 32);
    INVALID("n_groups is 9223372036854775807, and a process has at most 65536 groups",
            .flags = QEMU_SPAWN_SET_GROUPS, .groups = &group, .n_groups = (size_t)-1);
#endif
}

static void check_signals(void)
{
    INVALID("signals is neither DEFAULT nor INHERIT", .signals = (QemuSpawnSignals)2);
    INVALID("signals is neither DEFAULT nor INHERIT", .signals = (QemuSpawnSignals)-1);
    INVALID("ignored[1], 65, is no signal", .ignored = (const int[]){SIGPIPE, 65, 0});
    INVALID("ignored[0], -1, is no signal", .ignored = (const int[]){-1, 0});
    INVALID("defaulted[0], 1000000, is no signal", .defaulted = (const int[]){1000000, 0});
    INVALID("death_signal -1 is no signal", .death_signal = -1);
    INVALID("death_signal 65 is no signal", .death_signal = 65);
}

static void check_sync(void)
{
    const uint64_t pipes[] = {QEMU_SPAWN_PIPE_STDIN, QEMU_SPAWN_PIPE_STDOUT, QEMU_SPAWN_PIPE_STDERR};

    for (size_t i = 0; i < 3; i++) {
        QemuSpawnStep step = QEMU_SPAWN_STEP_EXEC;
        Error *err = NULL;
        int result;

        errno = 0;
        result = qemu_spawn_sync(ARGS(SELF, "exit", "0"), OPTIONS(.flags = pipes[i], .failed_step = &step), -1, NULL,
                                 &err);
        ok(result == -1 && errno == EINVAL && step == QEMU_SPAWN_STEP_ARGUMENTS, "qemu_spawn_sync() takes no pipe");
        is_str(err ? error_get_pretty(err) : NULL, "cannot spawn: qemu_spawn_sync() takes no QEMU_SPAWN_PIPE_* flag",
               "and says so");
        if (err) {
            error_free(err);
        }
    }
}

/* Options of a later version: this version's, followed by more members. */
struct newer {
    QemuSpawnOptions known;
    char unknown[64];
};

/* The options of the first version, whose last member is failed_step. */
#define FIRST_SIZE (offsetof(QemuSpawnOptions, failed_step) + sizeof(QemuSpawnStep *))

static void check_size(void)
{
    QemuSpawnStep step = QEMU_SPAWN_STEP_EXEC;
    struct newer newer = {.known = {.size = sizeof(newer), .failed_step = &step}};
    QemuProcess *process;
    Error *err = NULL;
    char text[128];

    for (size_t size = 0; size < FIRST_SIZE; size += size == 0 ? 1 : FIRST_SIZE - 2) {
        snprintf(text, sizeof(text), "cannot spawn: the options' size is %zu, and not sizeof(QemuSpawnOptions)", size);
        /* Smaller options have no failed_step, so `told` keeps what spawn() put there. */
        fails(ARGS("/bin/true"), &(QemuSpawnOptions){.size = size}, EINVAL, (QemuSpawnStep)-1, text);
    }
    /* Bytes beyond the size are not looked at. Here they would make no sense. */
    for (size_t size = FIRST_SIZE; size <= sizeof(QemuSpawnOptions); size++) {
        QemuSpawnOptions older;

        memset(&older, 0, FIRST_SIZE);
        memset((char *)&older + FIRST_SIZE, 0xFF, sizeof(older) - FIRST_SIZE);
        memset((char *)&older + FIRST_SIZE, 0, size - FIRST_SIZE);
        older.size = size;
        process = qemu_spawn(ARGS(SELF, "exit", "3"), &older, NULL);
        if (ok(process != NULL, "a size from the first version's to today's: fine")) {
            is_int(end_of(process), 3, "the program runs");
        }
    }
    process = qemu_spawn(ARGS(SELF, "exit", "3"), &newer.known, NULL);
    if (ok(process != NULL, "a larger size, and zeroes in the unknown members: fine")) {
        is_int(end_of(process), 3, "the program runs");
    }
    newer.unknown[sizeof(newer.unknown) - 1] = 1;
    errno = 0;
    ok(!qemu_spawn(ARGS(SELF, "exit", "3"), &newer.known, &err), "an unknown member is set: it fails");
    is_int(errno, E2BIG, "with E2BIG");
    is_str(err ? error_get_pretty(err) : NULL,
           "cannot spawn: the options have members that this version of the library does not know", "and says why");
    is_int(step, QEMU_SPAWN_STEP_ARGUMENTS, "the step is QEMU_SPAWN_STEP_ARGUMENTS");
    if (err) {
        error_free(err);
    }
    is_int(offsetof(QemuSpawnOptions, size), 0, "the size is first");
}

/* What looks strange and is allowed. */
static void check_allowed(void)
{
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "4"), NULL)), 4, "no options at all");
    is_int(end_of(must_spawn(ARGS("another name", "exit", "5"), OPTIONS(.executable = SELF))), 5,
           "argv[0] need not be the program");
    is_int(end_of(must_spawn(ARGS("", "exit", "6"), OPTIONS(.executable = SELF))), 6, "and may be empty then");
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "7"),
                             OPTIONS(.flags = QEMU_SPAWN_SET_PGID | QEMU_SPAWN_SET_UMASK, .env_unset = ARGS("NONE")))),
           7, "a value may be 0");
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "8"), OPTIONS(.ignored = (const int[]){0}, .env_set = ARGS(NULL)))), 8,
           "lists may be empty");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    check_program();
    check_flags();
    check_environment();
    check_descriptors();
    check_lists();
    check_signals();
    check_sync();
    check_size();
    check_allowed();
    return done();
}
