/*
 * Functions for a tracer: stops of a traced thread, registers, breakpoints, system calls.
 *
 * A subject is a process forked from the harness itself, so both have the same code at the same addresses. It asks to
 * be traced, and executes a breakpoint instruction just before it calls qemu_fork(). All later breakpoints are in the
 * debug registers, so its code is never changed, and a child that it forks inherits none.
 *
 * Tracing has one effect: when the kernel forces SIGTRAP on a thread, it unblocks SIGTRAP and sets it to its default.
 * So no experiment uses SIGTRAP.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_TRACER_H
#define PROOF_TRACER_H

#include "common.h"

#if defined(__x86_64__) && defined(__linux__)
#define HAVE_TRACER 1

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYSCALL_STOP = SIGTRAP | 0x80 };

/* What a traced thread last did. */
enum stop_kind {
    STOP_TRAP,    /* a breakpoint or a step */
    STOP_SYSCALL, /* the entry or exit of a system call */
    STOP_FORK,    /* inside a fork that has just made a child */
    STOP_SIGNAL,  /* a signal is about to be delivered */
    STOP_ENDED,   /* it has ended: `status` is the wait status */
};

struct stop {
    enum stop_kind kind;
    int signal;
    int status;
};

static inline const char *describe_stop(const struct stop *stop)
{
    static char text[80];

    switch (stop->kind) {
    case STOP_ENDED:
        if (WIFEXITED(stop->status)) {
            snprintf(text, sizeof(text), "it exited with status %d", WEXITSTATUS(stop->status));
        } else {
            snprintf(text, sizeof(text), "it was killed by %s", signal_name(WTERMSIG(stop->status)));
        }
        return text;
    case STOP_SIGNAL:
        snprintf(text, sizeof(text), "it stopped for %s", signal_name(stop->signal));
        return text;
    case STOP_FORK:
        return "it forked";
    case STOP_SYSCALL:
        return "it made a system call";
    default:
        return "it stopped elsewhere";
    }
}

static inline const char *errno_name(int error)
{
    return error == 0 ? "0" : strerrorname_np(error) ? strerrorname_np(error) : "an errno without a name";
}

static inline struct stop next_stop(pid_t tid)
{
    struct stop stop = {.kind = STOP_ENDED};

    if (wait_for(tid, &stop.status) < 0 || !WIFSTOPPED(stop.status)) {
        return stop;
    }
    stop.signal = WSTOPSIG(stop.status);
    if (stop.signal == SYSCALL_STOP) {
        stop.kind = STOP_SYSCALL;
    } else if (stop.status >> 16 == PTRACE_EVENT_FORK || stop.status >> 16 == PTRACE_EVENT_VFORK ||
               stop.status >> 16 == PTRACE_EVENT_CLONE) {
        stop.kind = STOP_FORK;
    } else if (stop.signal == SIGTRAP) {
        stop.kind = STOP_TRAP;
    } else {
        stop.kind = STOP_SIGNAL;
    }
    return stop;
}

/* Lets the thread run as @request says, and waits for its next stop. A signal on its way is delivered. */
static inline struct stop resume(pid_t tid, int request, const struct stop *from)
{
    long signal = from && from->kind == STOP_SIGNAL ? from->signal : 0;

    if (ptrace(request, tid, NULL, (void *)signal) != 0) {
        struct stop gone = {.kind = STOP_ENDED};

        wait_for(tid, &gone.status);
        return gone;
    }
    return next_stop(tid);
}

static inline uint64_t get_word(pid_t tid, size_t offset)
{
    return (uint64_t)ptrace(PTRACE_PEEKUSER, tid, (void *)offset, NULL);
}

static inline bool set_word(pid_t tid, size_t offset, uint64_t value)
{
    return ptrace(PTRACE_POKEUSER, tid, (void *)offset, (void *)value) == 0;
}

#define REGISTER(name) offsetof(struct user, regs.name)

static inline bool set_breakpoint(pid_t tid, uint64_t pc)
{
    return set_word(tid, offsetof(struct user, u_debugreg[0]), pc) &&
           set_word(tid, offsetof(struct user, u_debugreg[7]), 1);
}

static inline void clear_breakpoint(pid_t tid)
{
    set_word(tid, offsetof(struct user, u_debugreg[7]), 0);
}

/* The child that a thread in STOP_FORK has just made, once it has stopped before its first instruction. */
static inline pid_t adopt_child(pid_t tid)
{
    unsigned long message = 0;
    int status;

    if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) != 0 || wait_for((pid_t)message, &status) < 0 ||
        !WIFSTOPPED(status)) {
        return -1;
    }
    return (pid_t)message;
}

static inline bool set_options(pid_t tid, bool with_children)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;

    if (with_children) {
        options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
    }
    return ptrace(PTRACE_SETOPTIONS, tid, NULL, (void *)options) == 0;
}

/* In the subject: from here on the tracer sees every instruction. */
#define ENTER_TRACED_CALL() __asm__ volatile("int3" ::: "memory")

/* Whether processes can be traced here, and have debug registers; otherwise the part is skipped. */
static inline void need_tracer(void)
{
    struct stop stop;
    pid_t pid = fork();

    if (pid < 0) {
        broken("fork");
    }
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(1);
        }
        ENTER_TRACED_CALL();
        _exit(0);
    }
    stop = next_stop(pid);
    if (stop.kind != STOP_TRAP) {
        if (stop.kind != STOP_ENDED) {
            kill(pid, SIGKILL);
        }
        skip("processes cannot be traced here (ptrace is not permitted)");
    }
    if (!set_breakpoint(pid, (uint64_t)library.fork)) {
        int error = errno;

        kill(pid, SIGKILL);
        wait_for(pid, &stop.status);
        skip("there are no hardware breakpoints here: %s", strerror(error));
    }
    kill(pid, SIGKILL);
    wait_for(pid, &stop.status);
}

#endif /* x86_64 */

#endif /* PROOF_TRACER_H */
