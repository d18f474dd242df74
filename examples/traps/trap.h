/*
 * What the programs of this folder share. Each does one thing twice: with the functions of the system, where the trap
 * must show, and with this library, where it must not. The exit status is 0 only if both are so, and 77 if this system
 * cannot show the trap.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TRAP_H
#define TRAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

/* One of two ways to make a child. */
typedef pid_t Fork(Error **errp);

__attribute__((__unused__)) static pid_t plain_fork(Error **errp)
{
    pid_t pid = fork();

    if (pid < 0) {
        error_setg_errno(errp, errno, "cannot fork child process");
    }
    return pid;
}

/* The wait status of this child. */
__attribute__((__unused__)) static int wait_status(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

__attribute__((__unused__, __noreturn__)) static void cannot_show(const char *why)
{
    printf("skipped: %s\n", why);
    exit(77);
}

/* Prints the result, and ends the program. */
static int outcome(bool trapped, bool safe)
{
    printf("%s, %s\n", trapped ? "the trap is there" : "THE TRAP DID NOT SNAP",
           safe ? "and closed here" : "AND IS NOT CLOSED HERE");
    return trapped && safe ? 0 : 1;
}

#endif /* TRAP_H */
