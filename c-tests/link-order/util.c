/*
 * What the program has of its own. WITHOUT_FORK: after qemu_fork() has been removed from it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <unistd.h>

#include "host.h"

bool own_has_run;

bool is_even(int number)
{
    return number % 2 == 0;
}

#ifndef WITHOUT_FORK
pid_t qemu_fork(Error **errp)
{
    pid_t pid = fork();

    own_has_run = true;
    if (pid < 0) {
        error_setg_errno_internal(errp, __FILE__, __LINE__, __func__, errno, "no child");
    }
    return pid;
}
#endif
