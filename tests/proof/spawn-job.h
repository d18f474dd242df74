/*
 * What a job needs that the spawns of the proof start: a session with a terminal, for FOREGROUND, and a cgroup, for
 * INTO_CGROUP. A machine may lack either.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SPAWN_JOB_H
#define PROOF_SPAWN_JOB_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct terminal {
    int master, slave;
};

/* Gives the session that the calling process leads a terminal. */
static inline bool open_terminal(struct terminal *terminal)
{
    const char *name;

    terminal->slave = -1;
    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->master < 0) {
        return false;
    }
    if (grantpt(terminal->master) == 0 && unlockpt(terminal->master) == 0 && (name = ptsname(terminal->master))) {
        terminal->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    return terminal->slave >= 0 && ioctl(terminal->slave, TIOCSCTTY, 0) == 0;
}

/* After a job that has ended. The session gives the terminal up first, or its leader would get SIGHUP. */
static inline void close_terminal(const struct terminal *terminal)
{
    ioctl(terminal->slave, TIOCNOTTY);
    close(terminal->slave);
    close(terminal->master);
}

static struct {
    int all, own; /* the folders of the root and of the cgroup that is made below it */
    char name[32];
} cgroup_of_jobs = {-1, -1, ""};

/* Makes a cgroup for jobs. The file system is mounted nowhere. Returns why there is none, or NULL. */
static inline const char *make_cgroup(void)
{
#if defined(SYS_fsopen) && defined(SYS_fsconfig) && defined(SYS_fsmount)
    enum { CREATE = 6 }; /* FSCONFIG_CMD_CREATE */
    int system = (int)syscall(SYS_fsopen, "cgroup2", 1);

    if (system >= 0 && syscall(SYS_fsconfig, system, CREATE, NULL, NULL, 0) == 0) {
        cgroup_of_jobs.all = (int)syscall(SYS_fsmount, system, 1, 0);
    }
    if (system >= 0) {
        close(system);
    }
#endif
    if (cgroup_of_jobs.all < 0) {
        return "no cgroup2 can be mounted here";
    }
    snprintf(cgroup_of_jobs.name, sizeof(cgroup_of_jobs.name), "qemu-fork-proof-%d", (int)getpid());
    if (mkdirat(cgroup_of_jobs.all, cgroup_of_jobs.name, 0755) != 0) {
        return "the cgroup2 of this machine may not be written to";
    }
    cgroup_of_jobs.own = openat(cgroup_of_jobs.all, cgroup_of_jobs.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return cgroup_of_jobs.own < 0 ? "the cgroup that was made cannot be opened" : NULL;
}

/* When its processes have ended. */
static inline void remove_cgroup(void)
{
    if (cgroup_of_jobs.name[0] != '\0') {
        unlinkat(cgroup_of_jobs.all, cgroup_of_jobs.name, AT_REMOVEDIR);
    }
}

#endif /* PROOF_SPAWN_JOB_H */
