/*
 * Makes system calls fail by a seccomp filter, in the calling thread and in what it forks. A filter cannot be removed:
 * install it in a process of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SECCOMP_H
#define SECCOMP_H

#include <stddef.h>

#include <pthread.h>

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

static int sigmask_error_in_child;

static void fail_sigmask_in_child(void)
{
    seccomp_fail_sigmask(sigmask_error_in_child);
}

/* From now on the processes that this one forks cannot change their mask, once fork() has returned there. */
__attribute__((__unused__)) static void sigmask_fails_in_child(int error)
{
    sigmask_error_in_child = error;
    if (pthread_atfork(NULL, NULL, fail_sigmask_in_child) != 0) {
        bail("pthread_atfork");
    }
}

/* Why there is no seccomp, if there is none: in some containers, and where the processor is emulated. */
static const char *why_no_seccomp(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        /* A reader of the test's output must not wait for this process. */
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        seccomp_fail_fork(EXDEV);
        _exit(fork() == -1 && errno == EXDEV ? 0 : 97);
    }
    if (!ends(pid, &status)) {
        return "the kernel does not let a process go that installs a seccomp filter";
    }
    return status == 0 ? NULL : "a seccomp filter cannot be installed here, or has no effect";
}

/* Skips the test if there is no seccomp. */
__attribute__((__unused__)) static void need_seccomp(void)
{
    const char *why = why_no_seccomp();

    if (why) {
        skip_all(why);
    }
}

#endif /* SECCOMP_H */
