/*
 * Counts the instructions and the system calls of starting one child: numbers that are the same in every run.
 *
 * usage: counts WORKER ARGUMENT...
 *
 * The worker is traced. Between its marks it goes one instruction at a time, and so do the children that it makes,
 * until they execute a program. Prints "counts" and four numbers: instructions in user mode and system calls, of the
 * parent, and of the child. Exits with 77 if that is not possible.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "marks.h"

#if defined(__x86_64__) && defined(__linux__)
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL };

struct count {
    unsigned long instructions, system_calls;
};

__attribute__((__noreturn__)) static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void go(enum __ptrace_request how, pid_t tid, int signal)
{
    if (ptrace(how, tid, NULL, (long)signal) < 0 && errno != ESRCH) {
        die("ptrace");
    }
}

/* The number of the system call that the thread is about to make, or -1. */
static long next_system_call(pid_t tid)
{
    struct user_regs_struct registers;
    long code;

    if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) < 0) {
        return -1;
    }
    errno = 0;
    code = ptrace(PTRACE_PEEKTEXT, tid, (void *)registers.rip, NULL);
    return errno == 0 && (code & 0xffff) == 0x050f ? (long)registers.rax : -1;
}

/* Runs it up to the first mark, at which it then stands. */
static void run_to_the_start(pid_t worker)
{
    struct user_regs_struct registers;
    int status;

    for (;;) {
        int signal = 0;
        pid_t tid;

        tid = waitpid(-1, &status, __WALL);
        if (tid < 0 || (tid == worker && !WIFSTOPPED(status))) {
            die("the worker");
        }
        if (!WIFSTOPPED(status)) {
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) < 0) {
                die("PTRACE_GETREGS");
            }
            if (registers.orig_rax == MARK_START) {
                return;
            }
        } else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP) {
            signal = WSTOPSIG(status);
        }
        go(PTRACE_SYSCALL, tid, signal);
    }
}

/* One instruction after the other, in each process, up to the last mark. */
static void step_to_the_end(pid_t worker, struct count *parent, struct count *child)
{
    bool counting = false; /* the stop at the first mark is followed by that at its end */

    go(PTRACE_SINGLESTEP, worker, 0);
    for (;;) {
        int status, signal;
        pid_t tid = waitpid(-1, &status, __WALL);
        struct count *count = tid == worker ? parent : child;
        long call;

        if (tid < 0) {
            die("waitpid");
        }
        if (!WIFSTOPPED(status)) {
            if (tid == worker) {
                die("the worker");
            }
            continue;
        }
        if (status >> 16 == PTRACE_EVENT_EXEC) {
            go(PTRACE_DETACH, tid, 0);
            continue;
        }
        if (status >> 16 != 0 || WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            go(PTRACE_SINGLESTEP, tid, 0);
            continue;
        }
        signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        call = next_system_call(tid);
        if (call == MARK_REAPED) {
            go(PTRACE_DETACH, worker, 0);
            return;
        }
        if (counting || tid != worker) {
            count->instructions++;
            count->system_calls += call >= 0 && call != MARK_RETURNED;
        }
        counting = true;
        go(PTRACE_SINGLESTEP, tid, signal);
    }
}

int main(int argc, char **argv)
{
    struct count parent = {0, 0}, child = {0, 0};
    pid_t worker;
    int status;

    if (argc < 2) {
        fprintf(stderr, "usage: counts WORKER ARGUMENT...\n");
        return 2;
    }
    worker = fork();
    if (worker == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) {
            perror("PTRACE_TRACEME");
            _exit(77);
        }
        raise(SIGSTOP);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (worker < 0 || waitpid(worker, &status, 0) != worker) {
        die("fork");
    }
    if (WIFEXITED(status)) {
        return WEXITSTATUS(status);
    }
    if (ptrace(PTRACE_SETOPTIONS, worker, NULL, (long)OPTIONS) < 0) {
        die("PTRACE_SETOPTIONS");
    }
    go(PTRACE_SYSCALL, worker, 0);
    run_to_the_start(worker);
    step_to_the_end(worker, &parent, &child);
    printf("counts %lu %lu %lu %lu\n", parent.instructions, parent.system_calls, child.instructions,
           child.system_calls);
    return 0;
}
#else
int main(void)
{
    fprintf(stderr, "counts: there is no code for this processor yet\n");
    return 77;
}
#endif
