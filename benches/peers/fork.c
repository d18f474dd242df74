/*
 * fork() and vfork() with an exec: the usual way, and the floor.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <unistd.h>

#include "../worker/worker.h"
#include "read.h"
#include "reap.h"

static bool fork_start(struct child *child, const char *const argv[])
{
    child->pid = fork();
    if (child->pid == 0) {
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return child->pid > 0;
}

static size_t fork_capture(const char *const argv[], char *buffer, size_t size)
{
    struct child child;
    size_t length;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return 0;
    }
    child.pid = fork();
    if (child.pid == 0) {
        dup2(ends[1], 1);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    length = read_to_end(ends[0], buffer, size);
    return child.pid > 0 && reap(&child) == 0 ? length : 0;
}

static bool vfork_start(struct child *child, const char *const argv[])
{
    child->pid = vfork();
    if (child->pid == 0) {
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return child->pid > 0;
}

static const struct peer forks[] = {
    {"fork", fork_start, reap, fork_capture},
    {"vfork", vfork_start, reap, NULL},
};
PEERS(forks)
