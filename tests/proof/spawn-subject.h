/*
 * Common code of the parts for qemu_spawn(): the library's functions, some ways to call it, and a tracer that follows
 * one spawn, parent and children, from system call to system call.
 *
 * The subject is a process forked from the harness. It asks to be traced, stops, and marks the begin and the end of the
 * call by a system call that does nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SPAWN_SUBJECT_H
#define PROOF_SPAWN_SUBJECT_H

#include "tracer.h"

#include "spawn-everything.h"
#include "spawn-job.h"
#include "spawn-library.h"
#include "spawn-ways.h"
#include "system-call-names.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef TIME_PASSES
/*
 * Replaces libc's, for the library too. Time stands still, so the library always waits for a failed child, however long
 * the tracer takes. With a real clock, a child that is too slow would be reaped later, which is no fault.
 */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time = (struct timespec){0};
    return 0;
}
#endif

/* ---- The options of a spawn ---- */

enum request { USUAL, INHERITED, PIPES, EVERYTHING, JOB, LIMITED, REQUESTS };

static const char *const request_names[REQUESTS] = {"default options", "inherited signals", "pipes", "everything set",
                                                    "a job", "a limit of time"};

enum { FIRST_SOURCE = 20 };

static inline const struct QemuSpawnOptions *options_of(enum request request, QemuSpawnStep *step)
{
    static struct QemuSpawnOptions options;

    options = (struct QemuSpawnOptions){.size = sizeof(options), .failed_step = step};
    if (request == INHERITED) {
        options.signals = QEMU_SPAWN_SIGNALS_INHERIT;
    } else if (request == PIPES) {
        options.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT;
    } else if (request == EVERYTHING) {
        set_everything(&options, FIRST_SOURCE);
        if (geteuid() == 0) {
            set_groups(&options);
        }
    } else if (request == JOB) {
        set_job(&options, cgroup_of_jobs.own);
    }
    return &options;
}

/* Makes the call that is looked at: qemu_spawn(), or with a limit of time qemu_spawn_sync(), which also waits for the
 * program. Returns whether it was started. Then there is a handle, or its end in @status. */
static inline bool make_spawn(enum request request, const struct QemuSpawnOptions *options, QemuProcess **process,
                              struct QemuProcessStatus *status, void **err)
{
    *process = NULL;
    if (request == LIMITED) {
        return lib.sync(argv_true, options, 1000000, status, (Error **)err) == 0;
    }
    *process = lib.spawn(request == JOB ? argv_name : argv_true, options, (Error **)err);
    return *process;
}

static const char *const step_names[] = {
    "none", "arguments", "pipe", "fork", "signals", "session", "group", "fds", "cwd", "rlimit", "credentials",
    "death signal", "exec", "files", "cgroup", "sched", "terminal",
};

static inline const char *step_name(QemuSpawnStep step)
{
    size_t number = (size_t)step;

    return number < sizeof(step_names) / sizeof(step_names[0]) ? step_names[number] : "not written";
}

/* ---- Following a spawn ---- */

enum { SPAWN_MARK = 0x70721111, SPAWN_MARK_END = 0x70722222, SPAWN_CHILDREN = 64, SPAWN_NUMBERS = 1024 };

static inline void spawn_mark(int what)
{
    int saved = errno;

    syscall(SYS_fcntl, -1, F_GETFD, what);
    errno = saved;
}

/*
 * The calls by which a process waits for another one or looks how far it is. Their number depends on which process is
 * quicker, so a call that was made in one run may be missing in the next.
 */
enum wait_kind { NO_WAIT, LOOK_FOR_EXEC, LOOK_AGAIN, LOOK_FOR_STOP, LOOK_FOR_END, OTHER_WAIT, WAIT_KINDS };

struct spawn_call {
    bool in_child;
    int number;
    enum wait_kind wait;
    int occurrence; /* among the calls of this number and kind, on this side */
    uint64_t arguments[4];
};

static inline enum wait_kind wait_kind_of(int number, const uint64_t *arguments)
{
    switch (number) {
    case SYS_waitid:
        return arguments[3] & __WCLONE             ? LOOK_FOR_EXEC
               : arguments[3] & WSTOPPED           ? LOOK_FOR_STOP
               : (arguments[3] & (uint64_t)__WALL) ? LOOK_FOR_END
                                                   : LOOK_AGAIN;
    case SYS_poll:
    case SYS_ppoll:
    case SYS_futex:
    case SYS_clock_nanosleep:
    case SYS_getppid:
        return OTHER_WAIT;
    default:
        return NO_WAIT;
    }
}

static inline bool same_call(const struct spawn_call *one, const struct spawn_call *other)
{
    return one->in_child == other->in_child && one->number == other->number && one->wait == other->wait &&
           one->occurrence == other->occurrence;
}

struct spawn_run {
    pid_t parent;
    bool inside; /* the parent is in the call of qemu_spawn() */
    int failing; /* the errno that the parent's call is to get, while it is being made */
    struct {
        pid_t pid;
        int failing;
    } child[SPAWN_CHILDREN];
    int children;
    int seen[2][WAIT_KINDS][SPAWN_NUMBERS];
    int status; /* how the parent ended */
    bool let_go;
};

/* What to do at the entry of a call: an errno makes it fail without being made, 0 does nothing. */
enum { LET_GO = -1 };
typedef int at_call(struct spawn_run *run, pid_t pid, const struct spawn_call *call, void *context);

/* The calls of an undisturbed run, in order. */
struct spawn_calls {
    int n;
    struct spawn_call call[1024];
};

/* Records a call in the struct spawn_calls of the context. */
static inline int spawn_record(struct spawn_run *run, pid_t pid, const struct spawn_call *call, void *context)
{
    struct spawn_calls *calls = context;

    (void)run;
    (void)pid;
    if (calls->n < (int)(sizeof(calls->call) / sizeof(calls->call[0]))) {
        calls->call[calls->n++] = *call;
    }
    return 0;
}

/* The same for the calls of the parent alone. */
static inline int spawn_record_parent(struct spawn_run *run, pid_t pid, const struct spawn_call *call, void *context)
{
    return call->in_child ? 0 : spawn_record(run, pid, call, context);
}

/* In the subject, before the call. */
static inline void spawn_stop_for_tracer(void)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        broken("PTRACE_TRACEME");
    }
    raise(SIGSTOP);
}

/* The entry of a child in the list. A new one is added, so this is called before the parent goes on. */
static inline int spawn_child(struct spawn_run *run, pid_t pid)
{
    for (int i = 0; i < run->children; i++) {
        if (run->child[i].pid == pid) {
            return i;
        }
    }
    if (run->children == SPAWN_CHILDREN) {
        broken("too many children of one spawn");
    }
    run->child[run->children].pid = pid;
    run->child[run->children].failing = 0;
    return run->children++;
}

static inline int *spawn_failing(struct spawn_run *run, pid_t pid)
{
    return pid == run->parent ? &run->failing : &run->child[spawn_child(run, pid)].failing;
}

/* Returns what `at` answers for this call. */
static inline int spawn_entry(struct spawn_run *run, pid_t pid, uint64_t number, const uint64_t *arguments, at_call *at,
                              void *context)
{
    struct spawn_call call = {.in_child = pid != run->parent, .number = (int)number};

    if (call.number == SYS_fcntl && (int)arguments[0] == -1) {
        if (!call.in_child) {
            run->inside = (int)arguments[2] == SPAWN_MARK;
        }
        return 0;
    }
    if (!run->inside || call.number >= SPAWN_NUMBERS || call.number < 0 || call.number == SYS_rt_sigreturn) {
        return 0;
    }
    for (int i = 0; i < 4; i++) {
        call.arguments[i] = arguments[i];
    }
    call.wait = wait_kind_of(call.number, arguments);
    call.occurrence = run->seen[call.in_child][call.wait][call.number]++;
    return at(run, pid, &call, context);
}

static inline void spawn_syscall_stop(struct spawn_run *run, pid_t pid, at_call *at, void *context)
{
    struct __ptrace_syscall_info info;
    int *failing = spawn_failing(run, pid);

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0) {
        return; /* killed */
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        int answer = spawn_entry(run, pid, info.entry.nr, (const uint64_t *)info.entry.args, at, context);

        if (answer == LET_GO) {
            run->let_go = true;
        } else if (answer != 0) {
            *failing = answer;
            set_word(pid, REGISTER(orig_rax), (uint64_t)-1);
        }
    } else if (*failing) {
        set_word(pid, REGISTER(rax), (uint64_t)-(int64_t)*failing);
        *failing = 0;
    }
}

/* Follows the subject to its end. False: it did not reach the point from which it can be followed. */
static inline bool spawn_follow(struct spawn_run *run, at_call *at, void *context)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int status;
    pid_t pid;

    if (wait_for(run->parent, &status) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, run->parent, NULL, (void *)options) != 0) {
        run->status = status;
        return false;
    }
    watch(run->parent, NULL);
    ptrace(PTRACE_SYSCALL, run->parent, NULL, NULL);
    while ((pid = wait_for(-1, &status)) > 0) {
        unsigned long child;
        long signal = 0;

        if (!WIFSTOPPED(status)) {
            if (pid == run->parent) {
                run->status = status;
                break;
            }
            continue;
        }
        if (status >> 16 == PTRACE_EVENT_EXEC && pid != run->parent) {
            ptrace(PTRACE_DETACH, pid, NULL, NULL); /* the system calls of the executed program do not matter */
            continue;
        }
        if (pid == run->parent && status >> 16 != 0 && ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) == 0) {
            spawn_child(run, (pid_t)child);
        }
        if (WSTOPSIG(status) == SYSCALL_STOP) {
            spawn_syscall_stop(run, pid, at, context);
        } else if (WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP) {
            signal = WSTOPSIG(status);
        }
        ptrace(run->let_go ? PTRACE_DETACH : PTRACE_SYSCALL, pid, NULL, (void *)signal);
    }
    watch(0, NULL);
    return true;
}

#endif /* PROOF_SPAWN_SUBJECT_H */
