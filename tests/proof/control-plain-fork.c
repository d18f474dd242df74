/*
 * The control that every dynamic part must find wanting: qemu_fork() as plain fork().
 *
 * SPDX-License-Identifier: MIT
 */
#include <unistd.h>

pid_t qemu_fork(void **errp);

pid_t qemu_fork(void **errp)
{
    (void)errp;
    return fork();
}
