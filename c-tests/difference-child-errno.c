/*
 * A deliberate difference from QEMU: its child finds EINVAL in errno although nothing failed. Here both processes find
 * errno as it was before the call, whatever pthread_sigmask() and the fork handlers do to it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include <qemu-fork.h>

#include "child.h"
#include "interpose-sigmask.h"

static void spoil(void)
{
    errno = EXDEV;
}

int main(void)
{
    static const int values[] = {0, ERANGE, EINTR, EAGAIN, 12345};
    int *in_child = shared_memory(sizeof(*in_child));

    if (pthread_atfork(spoil, spoil, spoil) != 0) {
        bail("pthread_atfork");
    }
    sigmask_fails_here(0);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        int in_parent;
        pid_t pid;

        *in_child = -1;
        errno = values[i];
        pid = qemu_fork(NULL);
        in_parent = errno;
        if (pid == 0) {
            *in_child = in_parent;
            _exit(0);
        }
        if (pid == -1) {
            bail("qemu_fork");
        }
        is_int(wait_for(pid), 0, "the child ends well");
        is_int(in_parent, values[i], "errno in the parent is what it was");
        is_int(*in_child, values[i], "errno in the child is what it was");
    }
    return done();
}
