/*
 * The test program's own fork(): it calls libc's, or fails. Every caller gets this one, also the library.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef INTERPOSE_FORK_H
#define INTERPOSE_FORK_H

#include <unistd.h>

#include "interpose.h"
#include "mask.h"

static struct {
    int error;          /* 0: libc's fork(). Otherwise it fails with this. */
    void (*hook)(void); /* called first, unless NULL */
    int calls;          /* how often fork() was called */
    uint64_t mask;      /* the caller's signal mask, the last time */
} interposed_fork;

pid_t fork(void)
{
    static pid_t (*next)(void);

    if (!next) {
        find_next("fork", &next, sizeof(next));
    }
    interposed_fork.calls++;
    interposed_fork.mask = own_mask();
    if (interposed_fork.hook) {
        interposed_fork.hook();
    }
    if (interposed_fork.error) {
        errno = interposed_fork.error;
        return -1;
    }
    return next();
}

#endif /* INTERPOSE_FORK_H */
