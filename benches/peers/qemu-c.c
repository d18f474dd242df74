/*
 * What QEMU's qemu_fork() does, told in our words: sixty-four calls of libc's sigaction() in the child.
 *
 * SPDX-License-Identifier: MIT
 */
#include "qemu-c.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "../worker/worker.h"
#include "reap.h"

pid_t qemu_c_fork(void)
{
    sigset_t all, old;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = fork();
    if (pid != 0) {
        int error = errno;

        pthread_sigmask(SIG_SETMASK, &old, NULL);
        errno = error;
        return pid;
    }
    struct sigaction action = {.sa_handler = SIG_DFL};

    sigemptyset(&action.sa_mask);
    for (int i = 1; i < NSIG; i++) {
        sigaction(i, &action, NULL);
    }
    sigemptyset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return 0;
}

static bool start(struct child *child, const char *const argv[])
{
    child->pid = qemu_c_fork();
    if (child->pid == 0) {
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return child->pid > 0;
}

static const struct peer qemu[] = {{"qemu_c", start, reap, NULL}};
PEERS(qemu)
