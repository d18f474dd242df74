/*
 * The test program's own pthread_sigmask(): it calls libc's, or fails in this process. It returns its error. It changes
 * errno to something else, whether it fails or not, because POSIX allows that.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef INTERPOSE_SIGMASK_H
#define INTERPOSE_SIGMASK_H

#include <signal.h>
#include <unistd.h>

#include "interpose.h"

enum { SPOILT_ERRNO = EDOM };

static struct {
    int here; /* 0, or the error with which it fails in the process that armed it */
    pid_t armed;
    int (*next)(int, const sigset_t *, sigset_t *);
} interposed_sigmask;

__attribute__((__constructor__)) static void find_sigmask(void)
{
    find_next("pthread_sigmask", &interposed_sigmask.next, sizeof(interposed_sigmask.next));
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    int error = 0;

    if (!interposed_sigmask.next) {
        find_sigmask(); /* a constructor of another object ran first */
    }
    if (set && getpid() == interposed_sigmask.armed) {
        error = interposed_sigmask.here;
    }
    if (!error) {
        error = interposed_sigmask.next(how, set, old);
    }
    if (interposed_sigmask.armed) {
        errno = SPOILT_ERRNO;
    }
    return error;
}

/* From now on it fails in this process. 0: it works, but changes errno. */
__attribute__((__unused__)) static void sigmask_fails_here(int error)
{
    interposed_sigmask.armed = getpid();
    interposed_sigmask.here = error;
}

#endif /* INTERPOSE_SIGMASK_H */
