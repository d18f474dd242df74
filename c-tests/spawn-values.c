/*
 * A value without its flag is refused: a caller that sets a user and forgets the flag would otherwise get a child of its
 * own user, in silence. So is what the options of a child cannot mean.
 *
 * SPDX-License-Identifier: MIT
 */
#include "spawn.h"

#define INVALID(text, ...) fails(ARGS("/bin/true"), OPTIONS(__VA_ARGS__), EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, \
                                 "cannot spawn: " text)
#define FDS(...) .fds = (const QemuSpawnFd[]){__VA_ARGS__}, \
                 .n_fds = sizeof((const QemuSpawnFd[]){__VA_ARGS__}) / sizeof(QemuSpawnFd)
#define FILES(...) .files = (const QemuSpawnFile[]){__VA_ARGS__}, \
                   .n_files = sizeof((const QemuSpawnFile[]){__VA_ARGS__}) / sizeof(QemuSpawnFile)

static void without_flags(void)
{
    static const QemuGid group = 5;

    INVALID("pgid is set, and the flag SET_PGID is not", .pgid = -5);
    INVALID("umask is set, and the flag SET_UMASK is not", .umask = 022);
    INVALID("uid is set, and the flag SET_UID is not", .uid = 1000);
    INVALID("gid is set, and the flag SET_GID is not", .gid = 1000);
    INVALID("groups or n_groups is set, and the flag SET_GROUPS is not", .groups = &group);
    INVALID("groups or n_groups is set, and the flag SET_GROUPS is not", .groups = &group, .n_groups = 1);
    INVALID("groups or n_groups is set, and the flag SET_GROUPS is not", .n_groups = 1);
    INVALID("nice is set, and the flag SET_NICE is not", .nice = 5);
    INVALID("cgroup_fd is set, and the flag INTO_CGROUP is not", .cgroup_fd = -1);
    INVALID("uid is set, and the flag SET_UID is not", .flags = QEMU_SPAWN_SET_GID, .gid = 1, .uid = 1000);
}

static void contradictions(void)
{
    INVALID("SETSID excludes FOREGROUND", .flags = QEMU_SPAWN_SETSID | QEMU_SPAWN_FOREGROUND);
    INVALID("SEARCH_PATH excludes SEARCH_CHILD_PATH", .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_SEARCH_CHILD_PATH);
    INVALID("SET_GROUPS excludes KEEP_GROUPS",
            .flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GROUPS | QEMU_SPAWN_KEEP_GROUPS);
    INVALID("KEEP_GROUPS needs SET_UID", .flags = QEMU_SPAWN_KEEP_GROUPS);
    INVALID("KEEP_GROUPS needs SET_UID", .flags = QEMU_SPAWN_KEEP_GROUPS | QEMU_SPAWN_SET_GID);
}

static void numbers(void)
{
    INVALID("nice is -21, and not -20 to 19", .flags = QEMU_SPAWN_SET_NICE, .nice = -21);
    INVALID("nice is 20, and not -20 to 19", .flags = QEMU_SPAWN_SET_NICE, .nice = 20);
    INVALID("nice is -2147483648, and not -20 to 19", .flags = QEMU_SPAWN_SET_NICE, .nice = INT_MIN);
    fails(ARGS("/bin/true"), OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP, .cgroup_fd = -1), EBADF,
          QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: cgroup_fd is -1");
    fails(ARGS("/bin/true"), OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP, .cgroup_fd = 987), EBADF,
          QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: cgroup_fd, descriptor 987, is not open");
}

static void files(void)
{
    INVALID("files is NULL, and n_files is not 0", .n_files = 1);
    INVALID("files is NULL, and n_files is not 0", .n_files = (size_t)-1);
    INVALID("files[1].path is NULL", FILES({0, "/dev/null", O_RDONLY, 0}, {1, NULL, O_WRONLY, 0}));
    INVALID("files[0].target, -1, is no descriptor", FILES({-1, "/dev/null", O_RDONLY, 0}));
    INVALID("descriptor 5 of the child is mapped twice",
            FILES({5, "/dev/null", O_RDONLY, 0}, {4, "/dev/null", O_RDONLY, 0}, {5, "/dev/zero", O_RDONLY, 0}));
    INVALID("descriptor 5 of the child is mapped twice", FDS({0, 5}), FILES({5, "/dev/null", O_RDONLY, 0}));
    INVALID("descriptor 5 of the child is mapped twice", FDS({QEMU_SPAWN_FD_CLOSED, 5}),
            FILES({5, "/dev/null", O_RDONLY, 0}));
    INVALID("descriptor 5 of the child is mapped twice", FDS({QEMU_SPAWN_FD_CLOSED, 5}, {0, 5}));
    INVALID("descriptor 0 of the child is mapped twice", .flags = QEMU_SPAWN_NULL_STDIN,
            FILES({0, "/dev/zero", O_RDONLY, 0}));
    INVALID("descriptor 1 of the child is mapped twice", .flags = QEMU_SPAWN_PIPE_STDOUT,
            FDS({QEMU_SPAWN_FD_CLOSED, 1}));
    INVALID("MERGE_STDERR excludes a descriptor for stderr", .flags = QEMU_SPAWN_MERGE_STDERR,
            FILES({2, "/dev/null", O_WRONLY, 0}));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    without_flags();
    contradictions();
    numbers();
    files();
    return done();
}
