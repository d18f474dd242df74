/*
 * The program's own fork(), which a library that it opens finds before libc's. It marks for a tracer where libc's
 * fork() begins and ends. So the tracer can tell libc's calls there, such as blocking signals, from the library's.
 *
 * A mark is a system call that does nothing. The child's first is the end.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_LIBC_FORK_H
#define PROOF_LIBC_FORK_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIBC_FORK_BEGINS = 0x70723333, LIBC_FORK_ENDS };

static pid_t (*libc_fork)(void);

/* This is not left to the first call, because dlsym() may allocate memory. */
__attribute__((__constructor__)) static void find_libc_fork(void)
{
    libc_fork = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
}

static inline void mark_libc_fork(int what)
{
    int saved = errno;

    syscall(SYS_fcntl, -1, F_GETFD, what);
    errno = saved;
}

static inline pid_t marked_fork(void)
{
    pid_t pid;

    mark_libc_fork(LIBC_FORK_BEGINS);
    pid = libc_fork();
    mark_libc_fork(LIBC_FORK_ENDS);
    return pid;
}

#endif /* PROOF_LIBC_FORK_H */
