/*
 * Our own code with the steps of QEMU's qemu_fork(): sixty-four calls of libc's sigaction() in the child.
 *
 * SPDX-License-Identifier: MIT
 */
#include "bare.h"

#include <errno.h>
#include <unistd.h>

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
