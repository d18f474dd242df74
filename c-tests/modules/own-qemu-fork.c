/* A shared library that has a qemu_fork() of its own, which does not fork: preload-victim.c is linked with it. */
#include <qemu-fork.h>

pid_t qemu_fork(Error **errp)
{
    (void)errp;
    return -2;
}
