/*
 * Runs a process for each way to make a spawn's child. The process closes the better ways and makes the experiments. So
 * one filter is enough for everything that it forks. It leads a session, which may have a terminal.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SPAWN_EACH_WAY_H
#define PROOF_SPAWN_EACH_WAY_H

#include "common.h"
#include "spawn-job.h"
#include "spawn-ways.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void try_way(enum way way);

/* @watched: processes that hang are noticed and killed by their group; otherwise @try must do that. */
static inline void try_each_way(try_way *try, bool watched)
{
    for (int way = 0; way < WAYS; way++) {
        int status;
        pid_t pid = fork();

        if (pid < 0) {
            broken("fork");
        }
        if (pid == 0) {
            /* Also a group of its own. What is sent to the harness's group, such as ^C, does not come here any more. */
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            if (setsid() < 0) {
                broken("setsid");
            }
            if (!force_way((enum way)way)) {
                _exit(EXIT_SKIP);
            }
            try((enum way)way);
            _exit(0);
        }
        if (watched) {
            watch(pid, NULL);
        }
        wait_for(pid, &status);
        watch(0, NULL);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) {
            say_skip("no seccomp filter can be installed here, so clone() and fork() are not tried");
            return;
        }
        if (status != 0) {
            violation("harness", "[%s] the harness ended with wait status %#x", way_names[way], (unsigned)status);
        }
    }
}

static bool has_terminal;

/* Makes what a job needs. The terminal is the session's, so each way has its own. */
static inline void prepare_jobs(enum way way)
{
    static struct terminal terminal;

    has_terminal = open_terminal(&terminal);
    if (!has_terminal && way == WAY_CLONE3) {
        say_skip("this system has no pseudoterminals, so no job is started");
    }
}

/* The same for all ways, once before them. */
static inline void prepare_cgroup(void)
{
    const char *why = make_cgroup();

    if (why) {
        say_skip(why);
    }
}

#endif /* PROOF_SPAWN_EACH_WAY_H */
