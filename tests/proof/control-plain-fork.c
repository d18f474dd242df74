/*
 * The control in which every dynamic part must find a fault: qemu_fork() is plain fork().
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
