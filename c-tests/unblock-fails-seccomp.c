/*
 * The child cannot unblock its signals because a seccomp filter, installed by a fork handler, forbids it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include "seccomp.h"
#include "unblock-fails.h"

static int filter_error;

static void filter_child(void)
{
    seccomp_fail_sigmask(filter_error);
}

static void arrange(int error)
{
    filter_error = error;
    if (pthread_atfork(NULL, NULL, filter_child) != 0) {
        bail("pthread_atfork");
    }
}

int main(void)
{
    need_seccomp();
    check_unblocking("seccomp", arrange, EPERM);
    check_unblocking("seccomp", arrange, ENOSYS);
    return done();
}
