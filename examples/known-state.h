/*
 * The state that a program starts in which is to show what its children inherit
 *
 * Whoever started it may have left signals blocked or ignored, and descriptors open: make's own posix_spawn(), of
 * glibc, has it ignore signals 32 and 33. Without this, that would be told of whatever function is looked at.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXAMPLES_KNOWN_STATE_H
#define EXAMPLES_KNOWN_STATE_H

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No signal is blocked, each has its default action, and stdin, stdout and stderr are the only descriptors. To be called
 * before there is a thread, or a handler. */
static inline void begin_in_known_state(void)
{
    /* The kernel's struct, whose size and order differ; all zeroes on each. */
    static const long default_action[16] = {0};
    sigset_t none;

    for (long sig = 1; sig <= 64; sig++) {
        syscall(SYS_rt_sigaction, sig, default_action, NULL, 8L); /* libc's function would refuse its own two */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = 3; fd < 1024; fd++) {
        close(fd);
    }
}

#endif
