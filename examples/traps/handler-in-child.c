/*
 * The parent's handler runs in the child.
 *
 * SIGTERM wakes this program's main loop by a byte in a pipe, as in every program with a main loop. The child has the
 * handler and the pipe, too.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>

#include "trap.h"

static int wakeup[2];

static void on_sigterm(int signum)
{
    ssize_t n = write(wakeup[1], "", 1);

    (void)n, (void)signum;
}

/* Makes a child and ends it by SIGTERM before it executes a program. Returns whether the parent's main loop ends. */
static bool parent_is_told_to_quit(Fork *make_child)
{
    int gate[2], status;
    char byte;
    pid_t pid;

    if (pipe2(gate, O_CLOEXEC) != 0) {
        abort();
    }
    pid = make_child(&error_fatal);
    if (pid == 0) {
        close(gate[1]);
        while (read(gate[0], &byte, 1) < 0) { /* here it would get ready for exec */
        }
        _exit(0);
    }
    kill(pid, SIGTERM);
    close(gate[0]);
    close(gate[1]);
    status = wait_status(pid);
    printf("the child %s", WIFSIGNALED(status) ? "died of SIGTERM" : "ran the parent's handler and lived");
    if (read(wakeup[0], &byte, 1) == 1) {
        printf(", and the parent quits\n");
        return true;
    }
    printf("\n");
    return false;
}

int main(void)
{
    bool trapped, safe;

    if (pipe2(wakeup, O_CLOEXEC | O_NONBLOCK) != 0) {
        abort();
    }
    signal(SIGTERM, on_sigterm);
    trapped = parent_is_told_to_quit(plain_fork);
    safe = !parent_is_told_to_quit(qemu_fork);
    return outcome(trapped, safe);
}
