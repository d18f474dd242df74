/*
 * A forked child of the test, which meets its parent: both know then how far the other one is.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MEETING_H
#define MEETING_H

#include "handle.h"

static int go[2], ready[2];

/* The forked child must not wait for what its own copy of a pipe's end holds open. */
static pid_t fork_with(void (*body)(void))
{
    pid_t pid;

    if (pipe2(go, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        alarm(net_seconds());
        close(go[1]);
        close(ready[0]);
        body();
        _exit(0);
    }
    close(go[0]);
    close(ready[1]);
    return pid;
}

/* Lets the forked child go on, and waits for it; its status. */
static int let_go(pid_t pid)
{
    int status;

    close(go[1]);
    status = wait_for(pid);
    close(ready[0]);
    return status;
}

/* In the forked child: reports that it is ready, and waits for its parent. */
static void meet(void)
{
    put_byte(ready[1], 'r');
    (void)get_byte(go[0]);
}

#endif /* MEETING_H */
