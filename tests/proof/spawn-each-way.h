/*
 * Runs a process for each way to make a spawn's child. The process closes the better ways and makes the experiments. So
 * one filter is enough for everything that it forks.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SPAWN_EACH_WAY_H
#define PROOF_SPAWN_EACH_WAY_H

#include "common.h"
#include "spawn-ways.h"

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
            if (watched) {
                setpgid(0, 0);
            }
            if (!force_way((enum way)way)) {
                _exit(EXIT_SKIP);
            }
            try((enum way)way);
            _exit(0);
        }
        if (watched) {
            setpgid(pid, pid);
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

#endif /* PROOF_SPAWN_EACH_WAY_H */
