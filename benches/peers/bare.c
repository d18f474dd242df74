/*
 * QEMU's way with an exec, and the bare system calls.
 *
 * SPDX-License-Identifier: MIT
 */
#include <unistd.h>

#include "../bare/bare.h"
#include "../worker/worker.h"
#include "reap.h"

static bool qemu_start(struct child *child, const char *const argv[])
{
    child->pid = qemu_c_fork();
    if (child->pid == 0) {
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return child->pid > 0;
}

static bool bare_start(struct child *child, const char *const argv[])
{
    int pidfd = -1;

    child->pid = bare_spawn(argv, &pidfd);
    child->handle = (void *)(intptr_t)pidfd;
    return child->pid > 0 && pidfd >= 0;
}

static int bare_finish(struct child *child)
{
    return bare_wait((int)(intptr_t)child->handle);
}

static const struct peer peers[] = {
    {"qemu_c", qemu_start, reap, NULL},
    {"bare", bare_start, bare_finish, NULL},
};
PEERS(peers)
