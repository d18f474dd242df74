/*
 * The usual remedy loses signals.
 *
 * Ignoring a signal around fork(), so that its handler cannot run in the child, loses those that are sent meanwhile.
 * Here one is sent at just that moment.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <signal.h>

#include "trap.h"

static volatile sig_atomic_t handled;

static void on_sigusr1(int signum)
{
    (void)signum;
    handled = handled + 1;
}

static pid_t fork_with_signal_ignored(Error **errp)
{
    pid_t pid;

    signal(SIGUSR1, SIG_IGN);
    pid = plain_fork(errp);
    signal(SIGUSR1, pid == 0 ? SIG_DFL : on_sigusr1);
    return pid;
}

/* fork() calls this in the parent, before there is a child. */
static void signal_arrives(void)
{
    kill(getpid(), SIGUSR1);
}

static int signals_handled(Fork *make_child)
{
    pid_t pid;

    handled = 0;
    pid = make_child(&error_fatal);
    if (pid == 0) {
        _exit(handled);
    }
    printf("sent: 1, handled in the parent: %d, in the child: %d\n", (int)handled, WEXITSTATUS(wait_status(pid)));
    return handled;
}

int main(void)
{
    bool trapped, safe;

    signal(SIGUSR1, on_sigusr1);
    pthread_atfork(signal_arrives, NULL, NULL);
    trapped = signals_handled(fork_with_signal_ignored) == 0;
    safe = signals_handled(qemu_fork) == 1;
    return outcome(trapped, safe);
}
