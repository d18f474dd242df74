/*
 * The child's user, groups, privileges, limits, session and process group. If a child that shares the memory changes
 * its user, the kernel may make the parent undumpable and untraceable. This must not happen.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"

#define IDS "ids"

static void no_new_privs(void)
{
    const char *text = output_of(ARGS(SELF, IDS), OPTIONS(.flags = QEMU_SPAWN_NO_NEW_PRIVS));

    ok(strstr(text, "no_new_privs 1\n") != NULL, "NO_NEW_PRIVS");
    is_int(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0, "the parent may still gain some");
    ok(strstr(output_of(ARGS(SELF, IDS), NULL), "no_new_privs 0\n") != NULL, "and other children");
}

static void limits(void)
{
    char number[16];
    struct rlimit before, after;
    const QemuSpawnRlimit list[] = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 100, 200}, {RLIMIT_NOFILE, 90, 150}};

    getrlimit(RLIMIT_NOFILE, &before);
    snprintf(number, sizeof(number), "%d", (int)RLIMIT_NOFILE);
    is_str(output_of(ARGS(SELF, "limit", number), OPTIONS(.rlimits = list, .n_rlimits = 3)), "90 150\n",
           "limits, one after the other");
    snprintf(number, sizeof(number), "%d", (int)RLIMIT_CORE);
    is_str(output_of(ARGS(SELF, "limit", number), OPTIONS(.rlimits = list, .n_rlimits = 2)), "0 0\n", "each of them");
    getrlimit(RLIMIT_NOFILE, &after);
    ok(before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max, "the parent's are what they were");
}

/* All ones is no limit, on 32-bit processors as well. */
static void unlimited(void)
{
    char number[16], expected[64];
    struct rlimit own;
    QemuSpawnRlimit list[] = {{RLIMIT_CPU, UINT64_MAX, UINT64_MAX}};

    getrlimit(RLIMIT_CPU, &own);
    if (own.rlim_max != RLIM_INFINITY) {
        skip("no limit", "this process has one already");
        return;
    }
    snprintf(number, sizeof(number), "%d", (int)RLIMIT_CPU);
    snprintf(expected, sizeof(expected), "%llu %llu\n", (unsigned long long)RLIM_INFINITY,
             (unsigned long long)RLIM_INFINITY);
    is_str(output_of(ARGS(SELF, "limit", number), OPTIONS(.rlimits = list, .n_rlimits = 1)), expected, "no limit");
}

static void groups_of_processes(void)
{
    QemuProcess *first = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_SET_PGID | QEMU_SPAWN_PIPE_STDIN));
    pid_t pid = qemu_process_pid(first);
    char text[64];

    is_int(getpgid(pid), pid, "pgid 0: a process group of its own");
    snprintf(text, sizeof(text), "leader 0 group %d\n", (int)pid);
    is_str(output_of(ARGS(SELF, "session"), OPTIONS(.flags = QEMU_SPAWN_SET_PGID, .pgid = pid)), text,
           "or that of another");
    snprintf(text, sizeof(text), "leader 0 group %d\n", (int)getpgrp());
    is_str(output_of(ARGS(SELF, "session"), NULL), text, "by default the parent's");
    close(qemu_process_take_fd(first, 0));
    is_int(end_of(first), 0, "the first ends");
    is_str(output_of(ARGS(SELF, "session"), OPTIONS(.flags = QEMU_SPAWN_SETSID)), "leader 1 group 0\n", "a session");
    ok(getpgrp() != pid, "the parent's group is what it was");
}

/* SET_UID alone must not leave the new user the groups of the old one. */
static void supplementary_groups(void)
{
    const gid_t some[] = {7, 9, 3};

    if (setgroups(3, some) != 0) {
        bail("setgroups");
    }
    is_str(output_of(ARGS(SELF, IDS), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = NOBODY)),
           "uid 65534 65534 65534\ngid 0 0 0\ngroups\nno_new_privs 0\n", "a user alone has no groups");
    is_str(output_of(ARGS(SELF, IDS), OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_KEEP_GROUPS, .uid = NOBODY)),
           "uid 65534 65534 65534\ngid 0 0 0\ngroups 3 7 9\nno_new_privs 0\n", "unless they are to stay");
    is_str(output_of(ARGS(SELF, IDS), OPTIONS(.flags = QEMU_SPAWN_SET_GID, .gid = 107)),
           "uid 0 0 0\ngid 107 107 107\ngroups 3 7 9\nno_new_privs 0\n", "a group alone leaves them");
    /* Who may change neither keeps them. */
    if (syscall(SYS_setresuid, -1, 1234, -1) != 0) {
        bail("setresuid");
    }
    is_str(output_of(ARGS(SELF, IDS), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = 1234)),
           "uid 1234 1234 1234\ngid 0 0 0\ngroups 3 7 9\nno_new_privs 0\n", "without the right to drop them they stay");
    if (syscall(SYS_setresuid, -1, 0, -1) != 0 || setgroups(0, NULL) != 0) {
        bail("setresuid");
    }
}

/* In a process of its own with one thread, because the ids are changed. */
static void users(void)
{
    const QemuGid some[] = {7, 9, 3};
    int dumpable = prctl(PR_GET_DUMPABLE);
    char text[1024];

    is_str(output_of(ARGS(SELF, IDS), OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID | QEMU_SPAWN_SET_GROUPS,
                                              .uid = NOBODY, .gid = 107, .groups = some, .n_groups = 3)),
           "uid 65534 65534 65534\ngid 107 107 107\ngroups 3 7 9\nno_new_privs 0\n", "user, group and groups");
    is_int(prctl(PR_GET_DUMPABLE), dumpable, "the parent is as dumpable as it was");
    is_str(output_of(ARGS(SELF, IDS), OPTIONS(.flags = QEMU_SPAWN_SET_GID | QEMU_SPAWN_SET_GROUPS, .gid = 107)),
           "uid 0 0 0\ngid 107 107 107\ngroups\nno_new_privs 0\n", "a group alone, and no others");
    is_int(prctl(PR_GET_DUMPABLE), dumpable, "the parent is as dumpable as it was");
    is_str(output_of(ARGS(SELF, IDS),
                     OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_NO_NEW_PRIVS | QEMU_SPAWN_SET_GROUPS,
                                              .uid = 1234)),
           "uid 1234 1234 1234\ngid 0 0 0\ngroups\nno_new_privs 1\n", "a user alone, who gains no privileges");
    snprintf(text, sizeof(text), "%s", output_of(ARGS(SELF, IDS), NULL));
    is_str(output_of(ARGS(SELF, IDS), OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT)), text,
           "without the flags: the parent's");

    /* A step that fails after the user was changed: the parent's memory is what it was. */
    fails(ARGS("/nowhere"), OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID, .uid = NOBODY, .gid = NOBODY),
          ENOENT,
          QEMU_SPAWN_STEP_EXEC, "cannot execute '/nowhere': %");
    is_int(prctl(PR_GET_DUMPABLE), dumpable, "after a failure it is as dumpable as it was, too");
    prctl(PR_SET_DUMPABLE, 0);
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = NOBODY))), 0,
           "a parent that may not be dumped");
    is_int(prctl(PR_GET_DUMPABLE), 0, "stays so");
    prctl(PR_SET_DUMPABLE, 1);
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = NOBODY))), 0,
           "one that may");
    is_int(prctl(PR_GET_DUMPABLE), 1, "stays so");
    prctl(PR_SET_DUMPABLE, dumpable);
    ok(getuid() == 0 && geteuid() == 0 && getgid() == 0, "the parent's ids are what they were");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    no_new_privs();
    limits();
    unlimited();
    groups_of_processes();
    if (geteuid() == 0 && setgroups(0, NULL) == 0) {
        make_folder();
        copy_library();
        users();
        supplementary_groups();
    } else {
        skip("user, group and groups", "only root can change them: run the tests as root");
    }
    return done();
}
