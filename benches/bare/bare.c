/*
 * The system calls that are necessary to keep the promises, and nothing else. They show which goals can be reached on
 * the machine.
 *
 * SPDX-License-Identifier: MIT
 */
#include "bare.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

enum { SET_BYTES = 8, LAST_SIGNAL = 64 };

static const uint64_t every = ~(uint64_t)0;

static void set_mask(const uint64_t *mask, uint64_t *old)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, old, SET_BYTES);
}

/* All dispositions but those that cannot be changed and, for a child of fork(), libc's own; then the mask. */
static void clean_signals(bool of_libc)
{
    unsigned long action[5] = {0};
    uint64_t none = 0;

    for (int i = 1; i <= LAST_SIGNAL; i++) {
        if (i != SIGKILL && i != SIGSTOP && (of_libc || (i != 32 && i != 33))) {
            syscall(SYS_rt_sigaction, i, action, NULL, SET_BYTES);
        }
    }
    set_mask(&none, NULL);
}

pid_t bare_fork(void)
{
    uint64_t old;
    pid_t pid;

    set_mask(&every, &old);
    pid = fork();
    if (pid == 0) {
        clean_signals(false);
    } else {
        set_mask(&old, NULL);
    }
    return pid;
}

static int become(void *argv)
{
    syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_UNSHARE);
    clean_signals(true);
    execve(((char **)argv)[0], (char **)argv, environ);
    _exit(127);
}

pid_t bare_spawn(const char *const argv[], int *pidfd)
{
    enum { FLAGS = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD };
    char stack[8192] __attribute__((__aligned__(16)));
    uint64_t old;
    pid_t pid;

    set_mask(&every, &old);
    pid = clone(become, stack + sizeof(stack), FLAGS, (void *)argv, pidfd);
    set_mask(&old, NULL);
    return pid;
}

int bare_wait(int pidfd)
{
    siginfo_t info;
    long result = syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd, &info, WEXITED | __WALL, NULL);

    close(pidfd);
    return result == 0 && info.si_code == CLD_EXITED ? info.si_status : -1;
}
