/*
 * The steps are done in the order of the manual's table, which is not that of QemuSpawnStep's numbers: if two would fail,
 * the error is about the earlier one. A later step sees what the earlier ones have changed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ioctl.h>

#include "spawn.h"

#define FDS(...) .fds = (const QemuSpawnFd[]){__VA_ARGS__}, \
                 .n_fds = sizeof((const QemuSpawnFd[]){__VA_ARGS__}) / sizeof(QemuSpawnFd)

/* Asks for what cannot be done in this step. */
static void make_fail(QemuSpawnOptions *opts, QemuSpawnStep step)
{
    static const QemuSpawnFd too_high = {0, 2000000000};
    static const QemuSpawnRlimit senseless = {RLIMIT_CORE, 2, 1};
    static const QemuGid bad_group = (QemuGid)-1;
    static const QemuSpawnFile missing = {0, "/nowhere", O_RDONLY, 0};

    if (step == QEMU_SPAWN_STEP_ARGUMENTS) {
        opts->flags |= UINT64_C(1) << 40;
    } else if (step == QEMU_SPAWN_STEP_GROUP) {
        opts->flags |= QEMU_SPAWN_SET_PGID;
        opts->pgid = 1;
    } else if (step == QEMU_SPAWN_STEP_CGROUP) {
        opts->flags |= QEMU_SPAWN_INTO_CGROUP;
        opts->cgroup_fd = STDERR_FILENO;
    } else if (step == QEMU_SPAWN_STEP_FDS) {
        opts->fds = &too_high;
        opts->n_fds = 1;
    } else if (step == QEMU_SPAWN_STEP_RLIMIT) {
        opts->rlimits = &senseless;
        opts->n_rlimits = 1;
    } else if (step == QEMU_SPAWN_STEP_CREDENTIALS) {
        opts->flags |= QEMU_SPAWN_SET_GROUPS;
        opts->groups = &bad_group;
        opts->n_groups = 1;
    } else if (step == QEMU_SPAWN_STEP_CWD) {
        opts->cwd = "/nowhere";
    } else if (step == QEMU_SPAWN_STEP_FILES) {
        opts->files = &missing;
        opts->n_files = 1;
    } else if (step == QEMU_SPAWN_STEP_TERMINAL) {
        opts->flags |= QEMU_SPAWN_FOREGROUND;
    } else {
        opts->executable = "/nowhere";
    }
}

/* This process gets no terminal, if it can leave its session. */
static bool has_no_terminal(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (terminal == -1) {
        return true;
    }
    if (ioctl(terminal, TIOCNOTTY) != 0) {
        return false;
    }
    close(terminal);
    return true;
}

/* All pairs of these steps, and all of them at once. */
static void check_pairs(void)
{
    static const QemuSpawnStep steps[] = {QEMU_SPAWN_STEP_ARGUMENTS, QEMU_SPAWN_STEP_GROUP,       QEMU_SPAWN_STEP_CGROUP,
                                          QEMU_SPAWN_STEP_FDS,       QEMU_SPAWN_STEP_RLIMIT,
                                          QEMU_SPAWN_STEP_CREDENTIALS,
                                          QEMU_SPAWN_STEP_CWD,       QEMU_SPAWN_STEP_FILES,
                                          QEMU_SPAWN_STEP_TERMINAL,  QEMU_SPAWN_STEP_EXEC};
    enum { N = sizeof(steps) / sizeof(*steps) };

    for (unsigned set = 1; set < 1U << N; set++) {
        QemuSpawnOptions opts = {.size = sizeof(opts)};
        QemuProcess *process;
        int first = 0;

        while (!(set >> first & 1)) {
            first++;
        }
        if (__builtin_popcount(set) != 2 && set != (1U << N) - 1) {
            continue;
        }
        for (unsigned i = 0; i < N; i++) {
            if (set >> i & 1) {
                make_fail(&opts, steps[i]);
            }
        }
        process = spawn(ARGS(SELF, "exit", "0"), &opts);
        if (!ok(!process && told.step == steps[first], "failures 0x%02x: the error is about the first", set)) {
            printf("# step %d, wanted %d: %s\n", (int)told.step, (int)steps[first], told.message);
        }
        if (process) {
            qemu_process_free(process);
        }
    }
    ok(!child_is_left(), "no child is left");
}

/* The session comes before the descriptors. If it fails, the error is about the session. */
static void check_session(void)
{
    is_str(output_of(ARGS(SELF, "session"), OPTIONS(.flags = QEMU_SPAWN_SETSID)), "leader 1 group 0\n",
           "SETSID: a session of its own");
}

static void check_effects(void)
{
    char text[PATH_MAX], resource[16];
    int fd;

    /* The working directory holds for the program, and the umask does not hold for the descriptors. */
    make_folder();
    snprintf(text, sizeof(text), "%s\n", folder);
    is_str(output_of(ARGS(SELF, "cwd"), OPTIONS(.cwd = folder)), text, "the cwd is the program's");
    if (IS_EMULATED) {
        skip("relative names are looked up in it", "a link to this program is one to the emulator");
    } else if (symlink(SELF, in_folder("link")) == 0) {
        is_int(end_of(must_spawn(ARGS("./link", "exit", "0"), OPTIONS(.cwd = folder))), 0,
               "relative names are looked up in it");
    }
    is_str(output_of(ARGS(SELF, "umask"), OPTIONS(.flags = QEMU_SPAWN_SET_UMASK, .umask = 0137)), "137\n", "the umask");
    is_str(output_of(ARGS(SELF, "umask"), OPTIONS(.flags = QEMU_SPAWN_SET_UMASK, .umask = 0)), "000\n", "the umask 0");
    is_str(output_of(ARGS(SELF, "umask"), OPTIONS(.flags = QEMU_SPAWN_SET_UMASK, .umask = 0777)), "777\n",
           "the umask 0777");

    /* The limit of descriptors comes after the descriptors: one beyond it stays open. */
    fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    snprintf(resource, sizeof(resource), "%d", (int)RLIMIT_NOFILE);
    is_str(output_of(ARGS(SELF, "limit", resource),
                     OPTIONS(FDS({fd, 30}), .rlimits = (const QemuSpawnRlimit[]){{RLIMIT_NOFILE, 20, 25}},
                             .n_rlimits = 1)),
           "20 25\n", "the descriptors come before their limit");
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    /* Without a terminal FOREGROUND fails, and the group is not 1's. */
    if (!has_no_terminal()) {
        bail("setsid");
    }
    check_pairs();
    check_session();
    check_effects();
    return done();
}
