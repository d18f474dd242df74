/*
 * Common code of the two programs that print system calls: marks, the memory of a traced process, and its stops.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_CALL_TRACER_H
#define PROOF_CALL_TRACER_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SKIP = 77 };

/* Makes a system call that has no effect, for the tracer to see. */
static inline void mark(int what)
{
    int saved = errno;

    syscall(SYS_fcntl, -1, F_GETFD, what);
    errno = saved;
}

/* Whether this call is a mark, and which one. */
static inline bool is_mark(const struct __ptrace_syscall_info *info, int *what)
{
    *what = (int)info->entry.args[2];
    return info->entry.nr == SYS_fcntl && (int)info->entry.args[0] == -1;
}

static inline bool read_memory(pid_t pid, uint64_t address, void *buffer, size_t size)
{
    struct iovec here = {buffer, size};
    struct iovec there = {(void *)(uintptr_t)address, size};

    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* The system call that a stopped process enters or leaves. */
static inline struct __ptrace_syscall_info read_call(pid_t pid)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0) {
        printf("SKIP: this kernel has no PTRACE_GET_SYSCALL_INFO (Linux 5.3): %s\n", strerror(errno));
        exit(EXIT_SKIP);
    }
    return info;
}

/* Begins to trace a process that has stopped itself, and what it forks. False: that is not possible here. */
static inline bool begin_tracing(pid_t pid, int status, long more_options)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                         PTRACE_O_EXITKILL | more_options;

    if (!WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options) != 0) {
        printf("SKIP: processes cannot be traced here (ptrace is not permitted)\n");
        kill(pid, SIGKILL);
        return false;
    }
    return true;
}

/* The process that a stopped one has just made, or 0. */
static inline pid_t made_process(pid_t pid, int status)
{
    unsigned long message = 0;

    return status >> 16 != 0 && ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0 ? (pid_t)message : 0;
}

static inline bool is_at_call(int status)
{
    return WSTOPSIG(status) == (SIGTRAP | 0x80);
}

/* Lets a stopped process run to its next system call. A signal on its way is delivered. */
static inline void go_to_next_call(pid_t pid, int status)
{
    bool is_ours = is_at_call(status) || WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP;

    ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)(is_ours ? 0 : WSTOPSIG(status)));
}

/* Blocks two signals. The mask is neither empty nor full, so a test can see that it is restored. */
static inline void set_a_mask(int (*set_mask)(int how, const sigset_t *set, sigset_t *old))
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGRTMAX);
    set_mask(SIG_SETMASK, &mask, NULL);
}

#endif /* PROOF_CALL_TRACER_H */
