/*
 * Functions for the tests of qemu_fork_full() and qemu_fork_call().
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FORKED_H
#define FORKED_H

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <qemu-fork.h>

#include "child.h"
#include "error-api.h"
#include "mask.h"
#include "net.h"

#define FORK_OPTIONS(...) (&(QemuForkOptions){.size = sizeof(QemuForkOptions), __VA_ARGS__})

/* The small host's Error has room for no longer text. */
enum { HOST_LIMIT = 200 };

static void ignore_it(int signum)
{
    (void)signum;
}

static bool has_handler(int signum)
{
    struct sigaction action;

    return sigaction(signum, NULL, &action) == 0 && action.sa_handler == ignore_it;
}

static void unblock_all(void)
{
    sigset_t none;

    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* Whether this process has any child, a zombie as well. */
static bool has_children(void)
{
    return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
}

static bool is_dev_null(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3) &&
           fcntl(fd, F_GETFD) == 0;
}

/* The number of open descriptors of this process. */
static int count_open(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

#endif /* FORKED_H */
