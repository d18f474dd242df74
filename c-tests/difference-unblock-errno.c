/*
 * A deliberate difference from QEMU: if the child cannot unblock its signals, QEMU always says "Invalid argument",
 * which its loop over the signals has left in errno. The child of qemu_fork() reports the kernel's error.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>

#include "child.h"
#include "seccomp.h"

static void fork_one(void *arg)
{
    pid_t pid;

    sigmask_fails_in_child(*(int *)arg);
    errno = EINVAL;
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(77);
    }
    exit(pid > 0 && wait_for(pid) == 0x100 ? 0 : 1);
}

int main(void)
{
    int errors[] = {EPERM, ENOSYS, EAGAIN, EINVAL, 4095};

    need_seccomp();
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        struct ending ending = run_child(fork_one, &errors[i]);
        char line[256];

        snprintf(line, sizeof(line), "cannot unblock signals: %s\n", strerror(errors[i]));
        exits_with(&ending, 0, "the child ends with status 1, and the parent");
        is_str(ending.text, line, "the child says what the kernel answered");
    }
    return done();
}
