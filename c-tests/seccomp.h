/*
 * System calls that fail because a seccomp filter says so, in the calling thread and in what it forks. A filter cannot
 * be taken away again: install it in a process made for that.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SECCOMP_H
#define SECCOMP_H

#include <stddef.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "child.h"
#include "no-leak-check.h"
#include "stuck.h"

static bool fail_calls(int error, const long *numbers, size_t n)
{
    struct sock_filter code[16];
    struct sock_fprog program = {0, code};

    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < n; i++) {
        code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
        code[program.len++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA));
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* No new process and no new thread: everything fails with `error`. */
__attribute__((__unused__)) static void seccomp_fail_fork(int error)
{
    static const long numbers[] = {
        SYS_clone,
#ifdef SYS_clone3
        SYS_clone3,
#endif
#ifdef SYS_fork
        SYS_fork,
#endif
#ifdef SYS_vfork
        SYS_vfork,
#endif
    };

    if (!fail_calls(error, numbers, sizeof(numbers) / sizeof(*numbers))) {
        _exit(97);
    }
}

/* No change to the signal mask. */
__attribute__((__unused__)) static void seccomp_fail_sigmask(int error)
{
    static const long number = SYS_rt_sigprocmask;

    if (!fail_calls(error, &number, 1)) {
        _exit(97);
    }
}

/* Ends the test as skipped where there is no seccomp: some containers, and processors that are emulated. */
__attribute__((__unused__)) static void need_seccomp(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        /* Whoever reads what the test says must not wait for this process. */
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        seccomp_fail_fork(EXDEV);
        _exit(fork() == -1 && errno == EXDEV ? 0 : 97);
    }
    if (!ends(pid, &status)) {
        skip_all("the kernel does not let a process go that installs a seccomp filter");
    }
    if (status != 0) {
        skip_all("a seccomp filter cannot be installed here, or has no effect");
    }
}

#endif /* SECCOMP_H */
