/*
 * The spawn with everything set: all options that can stand together, and a job of a shell, which has those that cannot
 * stand with SETSID. The parts of the proof share them, and tests/names.rs looks here for each option of the header.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SPAWN_EVERYTHING_H
#define PROOF_SPAWN_EVERYTHING_H

#include "qemu-fork.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

/* How many descriptors are open, and after the first of them the number that a file gets. */
enum { SOURCES = 3, FILE_PLACE = 5 };

/* Opens the descriptors @first and up that the child is to get. */
static inline bool open_sources(int first)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = first; fd < first + SOURCES; fd++) {
        if (null < 0 || dup3(null, fd, O_CLOEXEC) < 0) {
            return false;
        }
    }
    return close(null) == 0;
}

/* What every user may set. Descriptors @first and up, SOURCES of them, are open. */
static inline void set_everything(struct QemuSpawnOptions *options, int first)
{
    static const int ignored[] = {SIGPIPE, 0};
    static const struct QemuSpawnRlimit limits[] = {{RLIMIT_CORE, 0, 0}};
    static struct QemuSpawnFd fds[5];
    static struct QemuSpawnFile files[1];

    /* Two that change places, one that stays, /dev/null, and one that the child does not have. */
    fds[0] = (struct QemuSpawnFd){first, first + 1};
    fds[1] = (struct QemuSpawnFd){first + 1, first};
    fds[2] = (struct QemuSpawnFd){first + 2, first + 2};
    fds[3] = (struct QemuSpawnFd){QEMU_SPAWN_FD_NULL, first + 3};
    fds[4] = (struct QemuSpawnFd){QEMU_SPAWN_FD_CLOSED, first + 4};
    files[0] = (struct QemuSpawnFile){first + FILE_PLACE, "/dev/null", O_RDWR, 0};
    options->flags |= QEMU_SPAWN_SETSID | QEMU_SPAWN_SET_UMASK | QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID |
                      QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_MERGE_STDERR | QEMU_SPAWN_NO_NEW_PRIVS |
                      QEMU_SPAWN_SET_NICE | QEMU_SPAWN_CLEAN_SCHED;
    options->ignored = ignored;
    options->fds = fds;
    options->n_fds = sizeof(fds) / sizeof(fds[0]);
    options->cwd = "/";
    options->umask = 022;
    options->rlimits = limits;
    options->n_rlimits = sizeof(limits) / sizeof(limits[0]);
    options->files = files;
    options->n_files = sizeof(files) / sizeof(files[0]);
    options->nice = 19;
    options->uid = getuid();
    options->gid = getgid();
}

/* What only root may set. */
static inline void set_groups(struct QemuSpawnOptions *options)
{
    static gid_t group;

    group = getgid();
    options->flags |= QEMU_SPAWN_SET_GROUPS;
    options->groups = &group;
    options->n_groups = 1;
}

/* A job, whose program's name has no slash. The session has a terminal. @cgroup is the folder of a cgroup, or -1. */
static inline void set_job(struct QemuSpawnOptions *options, int cgroup)
{
    static const char *const environment[] = {"PATH=/bin", NULL};

    options->flags |= QEMU_SPAWN_FOREGROUND | QEMU_SPAWN_SEARCH_CHILD_PATH;
    options->envp = environment;
    if (cgroup >= 0) {
        options->flags |= QEMU_SPAWN_INTO_CGROUP;
        options->cgroup_fd = cgroup;
    }
}

#endif /* PROOF_SPAWN_EVERYTHING_H */
