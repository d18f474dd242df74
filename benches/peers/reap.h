/*
 * waitpid() for a child, with the result in the form that peers use.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_REAP_H
#define BENCH_REAP_H

#include <sys/wait.h>

#include "../worker/worker.h"

static inline int reap(struct child *child)
{
    int status;

    return waitpid(child->pid, &status, 0) == child->pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif /* BENCH_REAP_H */
