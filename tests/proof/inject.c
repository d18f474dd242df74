/*
 * A signal at every instruction of qemu_fork().
 *
 * The call is single-stepped once, in the parent and in the child, to learn its instructions in order. Then, for each
 * instruction, each side of each system call, and the inside of the fork, a fresh process is brought exactly there, a
 * signal is sent to its thread, process or group, and it goes on by itself. What must hold afterwards:
 *
 *   - a signal to the parent is handled exactly once, in the parent, and no later than qemu_fork() returns (or, where
 *     the caller has it blocked, is pending then, and handled once it unblocks it);
 *   - no handler ever runs in the child;
 *   - a signal to the child meets its default action;
 *   - the parent's mask, dispositions and errno, and the child's, are as after an undisturbed call.
 *
 * A point is reached by a hardware breakpoint and a count of passes, or by a few steps from the nearest place that is
 * cheaper to reach: so nothing depends on time, and a loop's every round counts.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "common.h"

#include "tracer.h"

#ifndef HAVE_TRACER

int main(int argc, char **argv)
{
    begin(argc, argv);
    skip("signals are injected on x86_64 Linux only: this is another processor");
}

#else

#include <dlfcn.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "subject.h"
#include "system-call-names.h"

enum { MAX_STEPS = 1 << 17, MAX_WORKERS = 64, QUICK_POINTS = 1000 };

/* ---- What is tried ---- */

static struct setup setups[] = {
    {.name = "plain", .slot = true},
    {.name = "plain, errp NULL"},
    {.name = "signals masked by the caller", .masked = true},
    {.name = "signals ignored by the parent", .ignored = true},
    {.name = "with threads that block signals", .threads = THREADS_BLOCKED},
    {.name = "with threads that take signals", .threads = THREADS_OPEN},
    {.name = "the caller is not the main thread", .caller_is_not_main = true, .slot = true},
    {.name = "the same, signals masked", .caller_is_not_main = true, .masked = true},
    {.name = "fork fails", .fork_fails = EAGAIN, .slot = true},
    {.name = "fork fails, errp NULL", .fork_fails = EAGAIN},
    {.name = "fork fails, signals masked", .fork_fails = EAGAIN, .masked = true, .slot = true},
    {.name = "fork fails, with threads that take signals", .fork_fails = EAGAIN, .threads = THREADS_OPEN, .slot = true},
    /* The last one, because from here on the worker has a filter, which all its subjects inherit. */
    {.name = "blocking fails", .blocking_fails = EPERM, .slot = true},
};

enum { SETUPS = sizeof(setups) / sizeof(setups[0]) };

enum way { TO_THREAD, TO_PROCESS, TO_GROUP, WAYS };

static const char *const way_names[WAYS] = {"the thread", "the process", "the group"};

enum side { PARENT, CHILD };

enum kind { AT_BIRTH, AT_INSTRUCTION, AT_ENTRY, INSIDE_FORK, AT_EXIT };

struct point {
    enum side side;
    enum kind kind;
    int step;
};

struct shot {
    int signal; /* an index into shot_signals, or -1: none */
    enum way way;
};

/* ---- The instructions of a call, in order ---- */

struct step {
    uint64_t pc;
    uint64_t sp;
    int call;   /* the system call that this instruction makes, or -1 */
    int anchor; /* the step to break at: this one, or one before it */
    int passes; /* how often the anchor's breakpoint is met until it is that step */
};

struct trace {
    int n;
    int first; /* the first step that belongs to the call */
    int fork;  /* the step that forks, or -1 */
    struct step *steps;
};

static struct trace traces[2];

static struct shared {
    bool have_filters;
    atomic_int next[SETUPS];
    atomic_int points[SETUPS];
    atomic_int steps[SETUPS][2];
} *shared;

/* ---- A subject under way ---- */

struct run {
    struct setup *setup;
    pid_t pid;   /* the subject */
    pid_t tid;   /* its thread that calls qemu_fork() */
    pid_t child; /* its child, if that is traced, too */
    struct stop stop;
};

/* Starts a subject, which stops just before the call. */
static bool start(struct run *run, struct setup *setup, bool with_child)
{
    *run = (struct run){.setup = setup};
    memset(report, 0, sizeof(*report));
    run->pid = fork();
    if (run->pid < 0) {
        broken("fork");
    }
    if (run->pid == 0) {
        be_subject(setup);
    }
    watch(run->pid, NULL);
    /* The caller may be a thread whose id is not known yet. */
    do {
        run->tid = waitpid(-1, &run->stop.status, __WALL);
    } while (run->tid < 0 && errno == EINTR);
    if (!WIFSTOPPED(run->stop.status) || WSTOPSIG(run->stop.status) != SIGTRAP) {
        return false;
    }
    return set_options(run->tid, with_child);
}

/* Records the child that the parent has just made. */
static bool meet_child(struct run *run)
{
    run->child = adopt_child(run->tid);
    return run->child > 0;
}

/* Lets the parent run until it is inside the fork, and its child at its beginning. */
static bool go_to_fork(struct run *run)
{
    run->stop.kind = STOP_TRAP;
    do {
        run->stop = resume(run->tid, PTRACE_CONT, &run->stop);
    } while (run->stop.kind == STOP_SIGNAL);
    return run->stop.kind == STOP_FORK && meet_child(run);
}

/* Goes on to the next stop. A fork on the way is recorded. */
static bool go_on(struct run *run, pid_t tid, int request)
{
    run->stop = resume(tid, request, &run->stop);
    while (run->stop.kind == STOP_FORK && tid == run->tid && run->child == 0) {
        if (!meet_child(run)) {
            return false;
        }
        run->stop = resume(tid, request, NULL);
    }
    return true;
}

/* Brings a thread to a step of its trace. */
static bool go_to_step(struct run *run, pid_t tid, const struct trace *trace, int target)
{
    const struct step *step = &trace->steps[target];

    run->stop.kind = STOP_TRAP;
    if (!set_breakpoint(tid, trace->steps[step->anchor].pc)) {
        return false;
    }
    for (int pass = 0; pass < step->passes; pass++) {
        if (!go_on(run, tid, PTRACE_CONT) || run->stop.kind != STOP_TRAP) {
            return false;
        }
    }
    clear_breakpoint(tid);
    for (int at = step->anchor; at < target; at++) {
        if (!go_on(run, tid, PTRACE_SINGLESTEP) || run->stop.kind != STOP_TRAP) {
            return false;
        }
    }
    return get_word(tid, REGISTER(rip)) == step->pc && get_word(tid, REGISTER(rsp)) == step->sp;
}

/* Whether the child exists when the parent is at this point. */
static bool after_fork(const struct point *point)
{
    int fork_step = traces[PARENT].fork;

    return fork_step >= 0 &&
           (point->step > fork_step || (point->step == fork_step && point->kind >= INSIDE_FORK));
}

static bool go_to_point(struct run *run, const struct point *point)
{
    pid_t tid;

    if (point->side == CHILD && !go_to_fork(run)) {
        return false;
    }
    if (point->kind == AT_BIRTH) {
        return true;
    }
    if (point->kind == INSIDE_FORK) {
        return go_to_fork(run);
    }
    tid = point->side == CHILD ? run->child : run->tid;
    if (!go_to_step(run, tid, &traces[point->side], point->step)) {
        return false;
    }
    if (point->kind == AT_INSTRUCTION) {
        return true;
    }
    if (!go_on(run, tid, PTRACE_SYSCALL) || run->stop.kind != STOP_SYSCALL) {
        return false;
    }
    if (point->kind == AT_ENTRY) {
        return true;
    }
    return go_on(run, tid, PTRACE_SYSCALL) && run->stop.kind == STOP_SYSCALL;
}

static bool fire(const struct run *run, const struct point *point, const struct shot *shot)
{
    int sig = shot_signals[shot->signal];
    pid_t process = point->side == CHILD ? run->child : run->pid;
    pid_t thread = point->side == CHILD ? run->child : run->tid;

    switch (shot->way) {
    case TO_THREAD:
        return syscall(SYS_tgkill, process, thread, sig) == 0;
    case TO_PROCESS:
        return kill(process, sig) == 0;
    default:
        return kill(-run->pid, sig) == 0;
    }
}

/* Detaches from all threads. A signal that was on its way when a thread stopped is delivered. */
static void let_go(struct run *run, const struct point *point)
{
    long held = run->stop.kind == STOP_SIGNAL ? run->stop.signal : 0;

    if (run->child > 0) {
        ptrace(PTRACE_DETACH, run->child, NULL, (void *)(point->side == CHILD ? held : 0L));
    }
    ptrace(PTRACE_DETACH, run->tid, NULL, (void *)(point->side == PARENT ? held : 0L));
}

static int end(struct run *run)
{
    int status = 0;

    wait_for(run->pid, &status);
    watch(0, NULL);
    return status;
}

/* Removes everything of an experiment that went wrong. */
static void give_up(struct run *run)
{
    int status;

    kill(run->pid, SIGKILL);
    kill(-run->pid, SIGKILL);
    if (run->child > 0) {
        wait_for(run->child, &status);
    }
    if (run->tid > 0 && run->tid != run->pid) {
        wait_for(run->tid, &status);
    }
    end(run);
}

/* ---- The verdict on one experiment ---- */

static const char *describe_place(const struct point *point)
{
    static char text[400];
    static const char *const kinds[] = {"", "before", "at the entry of", "inside", "at the exit of"};
    const struct step *step = &traces[point->side].steps[point->step];
    Dl_info info = {0};
    int n;

    n = snprintf(text, sizeof(text), "%s, ", point->side == PARENT ? "parent" : "child");
    if (point->kind == AT_BIRTH) {
        snprintf(text + n, sizeof(text) - (size_t)n, "before its first instruction");
        return text;
    }
    n += snprintf(text + n, sizeof(text) - (size_t)n, "instruction %d of %d at ",
                  point->step - traces[point->side].first + 1, traces[point->side].n - traces[point->side].first);
    if (dladdr((void *)step->pc, &info) && info.dli_fname) {
        const char *file = strrchr(info.dli_fname, '/');

        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s+%#lx", file ? file + 1 : info.dli_fname,
                      (unsigned long)(step->pc - (uint64_t)info.dli_fbase));
        if (info.dli_sname) {
            n += snprintf(text + n, sizeof(text) - (size_t)n, " (%s+%#lx)", info.dli_sname,
                          (unsigned long)(step->pc - (uint64_t)info.dli_saddr));
        }
    } else {
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%#lx", (unsigned long)step->pc);
    }
    if (step->call >= 0) {
        snprintf(text + n, sizeof(text) - (size_t)n, ", %s %s", kinds[point->kind], system_call_name(step->call));
    }
    return text;
}

/* The experiment that is judged, for the text of a violation. */
struct experiment {
    const struct setup *setup;
    const struct point *point;
    struct shot shot;
};

__attribute__((__format__(__printf__, 2, 3))) static void fault(const struct experiment *of, const char *fmt, ...)
{
    char what[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (of->shot.signal < 0) {
        violation(fmt, "[%s] undisturbed: %s", of->setup->name, what);
    } else {
        violation(fmt, "[%s] %s, %s to %s: %s", of->setup->name, describe_place(of->point),
                  signal_name(shot_signals[of->shot.signal]), way_names[of->shot.way], what);
    }
}

static void judge_handlers(const struct experiment *of, bool hits_parent)
{
    const struct setup *setup = of->setup;

    for (int i = 0; i < SHOT_SIGNALS; i++) {
        int want = hits_parent && i == of->shot.signal && !is_ignored(setup, i);
        int handled = atomic_load(&report->handled[i]);
        int at_return = report->handled_at_return[i];
        bool pending = report->after.pending & bit_of(shot_signals[i]);
        bool only_caller = setup->threads != THREADS_OPEN || of->shot.way == TO_THREAD;
        const char *name = signal_name(shot_signals[i]);

        if (atomic_load(&report->in_child[i]) != 0) {
            fault(of, "the parent's handler of %s ran in the child", name);
        }
        if (handled != want) {
            fault(of, "%s was handled %d times instead of %d", name, handled, want);
        } else if (setup->masked && (at_return != 0 || (want && !pending))) {
            fault(of, "%s, which the caller had blocked, was %s", name,
                  at_return != 0 ? "handled before it was unblocked" : "not pending at the return");
        } else if (want && !setup->masked && only_caller && at_return != 1) {
            fault(of, "%s had not been handled when qemu_fork() returned", name);
        } else if (want && only_caller && report->handled_by[i] != report->caller) {
            fault(of, "%s was handled by another thread", name);
        }
    }
}

static void judge_parent(const struct experiment *of)
{
    const struct setup *setup = of->setup;
    int error = setup->fork_fails ? setup->fork_fails : setup->blocking_fails;
    int errno_want = error ? error : ERRNO_BEFORE;
    int sig = differing_disposition(&report->before, &report->after, 0);

    if (error ? report->result != -1 : report->result <= 0) {
        fault(of, "qemu_fork() returned %d in the parent", (int)report->result);
    }
    if (report->errno_after != errno_want) {
        fault(of, "errno in the parent is %d instead of %d", report->errno_after, errno_want);
    }
    if (report->after.mask != report->before.mask) {
        fault(of, "the parent's mask is %#lx instead of %#lx", (unsigned long)report->after.mask,
              (unsigned long)report->before.mask);
    }
    if (sig != 0) {
        fault(of, "the parent's disposition of %s has changed", signal_name(sig));
    }
    if (report->zombies) {
        fault(of, "an unknown child is left");
    }
    if (has_error_api() && setup->slot) {
        char want[160] = "";

        if (error) {
            snprintf(want, sizeof(want), "%s: %s",
                     setup->fork_fails ? "cannot fork child process" : "cannot block signals", strerror(error));
        }
        if (strcmp(report->text, want) != 0 || report->slot_filled != (error != 0)) {
            fault(of, "the error is \"%s\" instead of \"%s\"", report->text, want);
        }
    }
}

static void judge_child(const struct experiment *of, bool hit)
{
    int sig = hit ? shot_signals[of->shot.signal] : 0;
    int status = report->wait_status;
    int changed;

    if (!report->reaped) {
        fault(of, "the child could not be waited for");
        return;
    }
    if (hit && sig != SIGCHLD) {
        if (!WIFSIGNALED(status) || WTERMSIG(status) != sig) {
            fault(of, "the child has wait status %#x instead of being killed by %s", (unsigned)status,
                  signal_name(sig));
        }
    } else if (status != 0) {
        fault(of, "the child has wait status %#x instead of 0", (unsigned)status);
    } else if (!report->child.returned) {
        fault(of, "qemu_fork() did not return in the child");
    }
    if (!report->child.returned) {
        return;
    }
    changed = changed_disposition(&report->child.state, libc_signals());
    if (changed != 0) {
        fault(of, "the child's disposition of %s is not the default", signal_name(changed));
    }
    if (report->child.state.mask != 0) {
        fault(of, "the child's mask is %#lx instead of empty", (unsigned long)report->child.state.mask);
    }
    if (report->child.errno_after != ERRNO_BEFORE) {
        fault(of, "errno in the child is %d instead of %d", report->child.errno_after, ERRNO_BEFORE);
    }
}

static void judge(const struct experiment *of, int status)
{
    const struct setup *setup = of->setup;
    bool shot = of->shot.signal >= 0;
    bool at_child = shot && of->point->side == CHILD;
    bool hits_parent = shot && (!at_child || of->shot.way == TO_GROUP);
    bool hits_child = at_child || (shot && of->shot.way == TO_GROUP && after_fork(of->point));

    if (timed_out) {
        fault(of, "it did not end within %d seconds", HANG_SECONDS);
        return;
    }
    if (status != 0 || !report->finished) {
        fault(of, "the parent has wait status %#x instead of going on", (unsigned)status);
        return;
    }
    judge_handlers(of, hits_parent);
    judge_parent(of);
    if (!setup->fork_fails && !setup->blocking_fails && report->result > 0) {
        judge_child(of, hits_child);
    }
}

static void experiment(struct setup *setup, const struct point *point, struct shot shot)
{
    struct experiment of = {setup, point, shot};
    bool with_child = point->side == CHILD ||
                      (after_fork(point) && (shot.way == TO_GROUP || point->kind == INSIDE_FORK));
    struct run run;

    if (enough_hangs()) {
        return;
    }
    count_experiments(1);
    if (!start(&run, setup, with_child) || !go_to_point(&run, point) || !fire(&run, point, &shot)) {
        fault(&of, "this point was not reached again: %s", timed_out ? "it hung" : describe_stop(&run.stop));
        give_up(&run);
        return;
    }
    let_go(&run, point);
    judge(&of, end(&run));
}

/* ---- The trace ---- */

static int call_at(pid_t tid, uint64_t pc)
{
    unsigned long word;

    errno = 0;
    word = (unsigned long)ptrace(PTRACE_PEEKTEXT, tid, (void *)pc, NULL);
    if (errno != 0 || (word & 0xffff) != 0x050f) {
        return -1;
    }
    return (int)get_word(tid, REGISTER(rax));
}

/* Steps through the call and records it. The end is the instruction it returns to, on the caller's stack. */
static bool record(struct run *run, pid_t tid, struct trace *trace, uint64_t *return_pc, uint64_t *return_sp)
{
    bool seeking = *return_pc == 0;

    trace->n = 0;
    trace->first = 0;
    trace->fork = -1;
    run->stop.kind = STOP_TRAP;
    while (trace->n < MAX_STEPS) {
        struct step *step = &trace->steps[trace->n];

        step->pc = get_word(tid, REGISTER(rip));
        step->sp = get_word(tid, REGISTER(rsp));
        step->call = call_at(tid, step->pc);
        if (seeking && step->pc == (uint64_t)library.fork) {
            seeking = false;
            trace->first = trace->n;
            *return_pc = (uint64_t)ptrace(PTRACE_PEEKDATA, tid, (void *)step->sp, NULL);
            *return_sp = step->sp + 8;
        }
        trace->n++;
        if (!seeking && step->pc == *return_pc && step->sp == *return_sp) {
            return true;
        }
        do {
            run->stop = resume(tid, PTRACE_SINGLESTEP, &run->stop);
            if (run->stop.kind == STOP_FORK) {
                if (run->child != 0 || !meet_child(run)) {
                    return false;
                }
                trace->fork = trace->n - 1;
            }
        } while (run->stop.kind == STOP_FORK);
        if (run->stop.kind != STOP_TRAP) {
            return false;
        }
    }
    return false;
}

/*
 * The cheapest way to each step: wait for its own breakpoint often enough, or step on from the way to its predecessor.
 * A repeated string instruction is several steps at one address, but one pass of a breakpoint: only the first counts.
 */
static void plan_ways(struct trace *trace)
{
    enum { SLOTS = 1 << 18 };
    static struct {
        uint64_t pc;
        int count;
    } *seen;

    seen = seen ? seen : mmap(NULL, SLOTS * sizeof(*seen), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED) {
        broken("mmap");
    }
    memset(seen, 0, SLOTS * sizeof(*seen));
    for (int i = 0; i < trace->n; i++) {
        struct step *step = &trace->steps[i];
        bool repeated = i > 0 && step->pc == step[-1].pc;
        size_t slot = step->pc % SLOTS;

        while (seen[slot].pc != 0 && seen[slot].pc != step->pc) {
            slot = (slot + 1) % SLOTS;
        }
        seen[slot].pc = step->pc;
        seen[slot].count += !repeated;
        step->anchor = i;
        step->passes = seen[slot].count;
        if (i > 0 && (repeated || step[-1].passes + (i - step[-1].anchor) + 1 < step->passes)) {
            step->anchor = step[-1].anchor;
            step->passes = step[-1].passes;
        }
    }
}

/* Learns the call in this setup, in an undisturbed run, which is judged as well. */
static bool learn(struct setup *setup)
{
    struct point nowhere = {PARENT, AT_BIRTH, 0};
    struct experiment undisturbed = {setup, &nowhere, {-1, TO_THREAD}};
    uint64_t return_pc = 0, return_sp = 0;
    struct run run;

    for (int side = PARENT; side <= CHILD; side++) {
        bool ok;

        traces[side].n = 0;
        if (side == CHILD && traces[PARENT].fork < 0) {
            break;
        }
        ok = start(&run, setup, true);
        if (ok && side == CHILD) {
            ok = go_to_fork(&run);
        }
        ok = ok && record(&run, side == CHILD ? run.child : run.tid, &traces[side], &return_pc, &return_sp);
        if (!ok) {
            fault(&undisturbed, "the %s cannot be followed to the end of the call: %s",
                  side == PARENT ? "parent" : "child", timed_out ? "it hung" : describe_stop(&run.stop));
            give_up(&run);
            return false;
        }
        nowhere.side = (enum side)side;
        let_go(&run, &nowhere);
        judge(&undisturbed, end(&run));
        plan_ways(&traces[side]);
    }
    return true;
}

static int add_point(struct point *points, int n, enum side side, enum kind kind, int step)
{
    points[n] = (struct point){side, kind, step};
    return n + 1;
}

static int list_points(struct point *points)
{
    int n = 0;

    for (int side = PARENT; side <= CHILD; side++) {
        const struct trace *trace = &traces[side];

        if (side == CHILD && trace->n > 0) {
            n = add_point(points, n, CHILD, AT_BIRTH, 0);
        }
        for (int i = trace->first; i < trace->n; i++) {
            n = add_point(points, n, (enum side)side, AT_INSTRUCTION, i);
            if (trace->steps[i].call < 0 || i == trace->n - 1) {
                continue;
            }
            n = add_point(points, n, (enum side)side, AT_ENTRY, i);
            if (side == PARENT && i == trace->fork) {
                n = add_point(points, n, PARENT, INSIDE_FORK, i);
            }
            n = add_point(points, n, (enum side)side, AT_EXIT, i);
        }
    }
    return n;
}

/* ---- Everything ---- */

static void try_point(struct setup *setup, const struct point *point, int number, int points)
{
    int stride = points / QUICK_POINTS + 1;
    bool near_call = point->kind != AT_INSTRUCTION;

    for (int shot = 0; shot < SHOT_SIGNALS * WAYS; shot++) {
        /* The sample: one shot at each point, in turn, and two at system calls. */
        if (quick &&
            ((number + shot * 2) % (SHOT_SIGNALS * WAYS) > near_call || (!near_call && number % stride != 0))) {
            continue;
        }
        experiment(setup, point, (struct shot){shot % SHOT_SIGNALS, (enum way)(shot / SHOT_SIGNALS)});
    }
}

static void work(int cpu)
{
    struct point *points = mmap(NULL, 8 * MAX_STEPS * sizeof(*points), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cpu_set_t cpus;

    /* Tracer and subject never run at the same time. To switch between them is cheapest on one processor. */
    CPU_ZERO(&cpus);
    CPU_SET((size_t)cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
    report = shared_memory(sizeof(*report));
    for (int side = PARENT; side <= CHILD; side++) {
        traces[side].steps = mmap(NULL, MAX_STEPS * sizeof(struct step), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (points == MAP_FAILED || traces[0].steps == MAP_FAILED || traces[1].steps == MAP_FAILED) {
        broken("mmap");
    }
    for (int i = 0; i < SETUPS; i++) {
        int n, number, expected = 0;

        if (setups[i].blocking_fails && !shared->have_filters) {
            continue;
        }
        if (setups[i].blocking_fails && !forbid_blocking(setups[i].blocking_fails)) {
            broken("seccomp");
        }
        if (!learn(&setups[i])) {
            continue;
        }
        n = list_points(points);
        if (!atomic_compare_exchange_strong(&shared->points[i], &expected, n) && expected != n) {
            violation("points", "[%s] one run has %d points, another %d: it cannot be repeated", setups[i].name,
                      expected, n);
            continue;
        }
        for (int side = PARENT; side <= CHILD; side++) {
            atomic_store(&shared->steps[i][side], traces[side].n > 0 ? traces[side].n - traces[side].first : 0);
        }
        while ((number = atomic_fetch_add(&shared->next[i], 1)) < n) {
            try_point(&setups[i], &points[number], number, n);
        }
    }
}

static void count_fork(void)
{
    static atomic_int forks;

    atomic_fetch_add(&forks, 1);
}

int main(int argc, char **argv)
{
    cpu_set_t cpus;
    int workers = 0;
    int status;

    begin(argc, argv);
    need_tracer();
    has_error_api();
    shot_signals[0] = SIGUSR1;
    shot_signals[1] = SIGCHLD;
    shot_signals[2] = SIGRTMIN + 2;
    /* These handlers are a part of the call, so signals are sent in them, too. */
    pthread_atfork(count_fork, count_fork, count_fork);
    /* Judging calls strerror(). Its first call may allocate memory, and then malloc() would take other branches in
     * later subjects than in the run that was recorded. So it is called here, before that. */
    strerror(EAGAIN);
    shared = shared_memory(sizeof(*shared));
    shared->have_filters = have_filters();
    if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) {
        broken("sched_getaffinity");
    }
    for (int cpu = 0; cpu < CPU_SETSIZE && workers < MAX_WORKERS; cpu++) {
        if (CPU_ISSET((size_t)cpu, &cpus)) {
            pid_t pid = fork();

            if (pid < 0) {
                broken("fork");
            }
            if (pid == 0) {
                work(cpu);
                _exit(0);
            }
            workers++;
        }
    }
    while (workers > 0 && wait_for(-1, &status) > 0) {
        workers--;
        if (status != 0) {
            errno = 0;
            broken("a worker died");
        }
    }
    for (int i = 0; i < SETUPS; i++) {
        note("%s: %d instructions in the parent, %d in the child, %d points", setups[i].name,
             atomic_load(&shared->steps[i][PARENT]), atomic_load(&shared->steps[i][CHILD]),
             atomic_load(&shared->points[i]));
    }
    return finish();
}

#endif
