/*
 * A signal at every instruction of qemu_spawn() in the parent, and at every system call of parent and child.
 *
 * A point is an instruction of the call, known by its address and how often it was passed before, or the entry of a
 * system call. A fresh process is brought there, one signal is sent, and the process goes on untraced. What must hold
 * afterwards:
 *
 *   - a signal to the parent is handled once, in the parent;
 *   - no handler ever runs in the child, which may share the parent's memory;
 *   - a signal to the child has its default action, and one that ends it before exec makes the spawn fail;
 *   - mask, dispositions and errno of the parent are as before, and no child is left.
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

#include "spawn-each-way.h"
#include "spawn-subject.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

enum { ERRNO_BEFORE = 77, MAX_POINTS = 1 << 16 };

enum target { TO_THREAD, TO_PROCESS, TO_GROUP, TO_CHILD, TARGETS };

static const char *const target_names[TARGETS] = {"thread", "process", "group", "child"};

/* ---- The subject ---- */

struct report {
    pid_t parent;
    atomic_int handled, handled_elsewhere;
    struct signal_state before, after;
    int errno_after;
    QemuSpawnStep step;
    char text[256];
    bool spawned, zombies, finished;
    struct QemuProcessStatus end;
};

static struct report *report;

static void on_signal(int sig)
{
    (void)sig;
    atomic_fetch_add(raw_getpid() == report->parent ? &report->handled : &report->handled_elsewhere, 1);
}

__attribute__((__noreturn__)) static void be_subject(enum request request, int sig)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct rlimit no_core = {0, 0};
    QemuSpawnStep step = (QemuSpawnStep)99;
    /* So that there is a place for the step, too. */
    const struct QemuSpawnOptions *options = options_of(request, &step);
    void *err = NULL;
    QemuProcess *process;
    bool spawned;

    setpgid(0, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    report->parent = raw_getpid();
    if (sigaction(sig, &action, NULL) != 0 || !open_sources(FIRST_SOURCE)) {
        broken("preparing the subject");
    }
    write_mask(bit_of(SIGUSR2));
    read_signal_state(&report->before);
    spawn_stop_for_tracer();
    errno = ERRNO_BEFORE;
    spawn_mark(SPAWN_MARK);
    spawned = make_spawn(request, options, &process, &report->end, &err);
    spawn_mark(SPAWN_MARK_END);
    report->errno_after = errno;
    report->step = step;
    if (err) {
        snprintf(report->text, sizeof(report->text), "%s", library.error_get_pretty(err));
        library.error_free(err);
    }
    read_signal_state(&report->after);
    report->spawned = spawned;
    if (process) {
        lib.wait(process, -1, &report->end, NULL);
        lib.free(process);
    }
    report->zombies = waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD;
    report->finished = true;
    _exit(0);
}

/* ---- One experiment ---- */

struct experiment {
    enum way way;
    enum request request;
    int sig;
    enum target target;
    bool at_instruction;
    uint64_t pc; /* the instruction, and how often it was passed before */
    int passes;
    struct spawn_call call;
    bool sent, child_was_there;
};

static bool send(struct experiment *of, pid_t parent, pid_t child)
{
    of->sent = true;
    of->child_was_there = child > 0;
    switch (of->target) {
    case TO_THREAD:
        return syscall(SYS_tgkill, parent, parent, of->sig) == 0;
    case TO_PROCESS:
        return kill(parent, of->sig) == 0;
    case TO_GROUP:
        return kill(-parent, of->sig) == 0;
    default:
        return kill(child, of->sig) == 0;
    }
}

static void fault(const struct experiment *of, const char *what)
{
    char where[120];

    if (of->at_instruction) {
        snprintf(where, sizeof(where), "parent, instruction %#lx, passed %d times", (unsigned long)of->pc, of->passes);
    } else {
        snprintf(where, sizeof(where), "%s, before %s(), its occurrence %d", of->call.in_child ? "child" : "parent",
                 system_call_name(of->call.number), of->call.occurrence);
    }
    violation(what, "[%s, %s] %s to the %s, %s: %s (handled %d times in the parent, %d times elsewhere; %s, end %d, "
              "signal %d; \"%s\")", way_names[of->way], request_names[of->request], signal_name(of->sig),
              target_names[of->target], where, what, atomic_load(&report->handled),
              atomic_load(&report->handled_elsewhere), report->spawned ? "spawned" : "not spawned",
              (int)report->end.end, report->end.term_signal, report->text);
}

/* Whether the spawn failed as it must where a signal ends the child. */
static bool was_ended_early(const struct experiment *of)
{
    char signal[64];

    snprintf(signal, sizeof(signal), "process ended by signal %d ", of->sig);
    return !report->spawned && report->errno_after == ECANCELED && report->step == QEMU_SPAWN_STEP_EXEC &&
           strncmp(report->text, signal, strlen(signal)) == 0;
}

static void judge_child(const struct experiment *of)
{
    bool deadly = of->sig != SIGCHLD;
    bool killed = report->spawned && report->end.end == QEMU_PROCESS_SIGNALED && report->end.term_signal == of->sig;
    bool ran = report->spawned && report->end.end == QEMU_PROCESS_EXITED && report->end.exit_code == 0;
    /* After setsid(), or as a job, the child is no longer in the group. */
    bool leaves_group = of->request == EVERYTHING || of->request == JOB;
    bool aimed = of->target == TO_CHILD || (of->target == TO_GROUP && of->child_was_there && !leaves_group);
    bool may_be_aimed = of->target == TO_GROUP;
    bool before_exec = aimed && of->call.number != SYS_execve;

    if (was_ended_early(of) ? deadly && (aimed || may_be_aimed)
        : killed            ? deadly && (aimed || may_be_aimed) && (!before_exec || of->way == WAY_LIKE_FORK)
                            : ran && !(deadly && aimed)) {
        return;
    }
    fault(of, "the child has the wrong end");
}

static void judge(const struct experiment *of, int status)
{
    int handled = atomic_load(&report->handled);
    int want = of->target != TO_CHILD;

    if (timed_out) {
        fault(of, "it did not end");
        return;
    }
    if (status != 0 || !report->finished) {
        fault(of, "the parent did not go on");
        return;
    }
    if (atomic_load(&report->handled_elsewhere) != 0) {
        fault(of, "a handler ran in the child");
    }
    /* The end of the child sends one more. */
    if (of->sig == SIGCHLD ? handled < want : handled != want) {
        fault(of, "the parent did not handle it exactly once");
    }
    if (report->errno_after != (report->spawned ? ERRNO_BEFORE : ECANCELED) ||
        (report->step == QEMU_SPAWN_STEP_NONE) != report->spawned) {
        fault(of, "errno or the step is wrong");
    }
    if (report->after.mask != report->before.mask || differing_disposition(&report->before, &report->after, 0) != 0) {
        fault(of, "the parent's mask or a disposition has changed");
    }
    if (report->zombies) {
        fault(of, "an unknown child is left");
    }
    judge_child(of);
}

static void start(struct spawn_run *run, const struct experiment *of)
{
    *run = (struct spawn_run){0};
    memset(report, 0, sizeof(*report));
    run->parent = fork();
    if (run->parent < 0) {
        broken("fork");
    }
    if (run->parent == 0) {
        be_subject(of->request, of->sig);
    }
}

/* ---- At system calls ---- */

static int send_at(struct spawn_run *run, pid_t pid, const struct spawn_call *call, void *context)
{
    struct experiment *of = context;

    if (!same_call(call, &of->call)) {
        return 0;
    }
    if (!send(of, run->parent, call->in_child ? pid : 0)) {
        fault(of, "it cannot be sent");
    }
    return LET_GO;
}

static const int *signals(void)
{
    static int list[3];

    list[0] = SIGUSR1;
    list[1] = SIGCHLD;
    list[2] = SIGRTMAX;
    return list;
}

static void at_each_call(enum way way, enum request request)
{
    static struct spawn_calls calls;
    struct experiment of = {.way = way, .request = request, .sig = SIGUSR1};
    struct spawn_run run;

    calls.n = 0;
    start(&run, &of);
    if (!spawn_follow(&run, spawn_record, &calls)) {
        violation("follow", "[%s] the spawn cannot be followed", way_names[way]);
        return;
    }
    for (int i = 0; i < calls.n; i++) {
        for (int combination = 0; combination < 3 * TARGETS; combination++) {
            int which = calls.call[i].number + calls.call[i].occurrence + combination;
            /* The sample has all of the calls that may let a signal through. */
            bool sample = quick && calls.call[i].number != SYS_rt_sigprocmask && calls.call[i].number != SYS_execve;

            of.sig = signals()[combination % 3];
            of.target = (enum target)(combination / 3);
            of.call = calls.call[i];
            of.sent = false;
            if ((of.target == TO_CHILD && !of.call.in_child) || of.call.number == SYS_exit_group ||
                (sample && which % 16 != 0) || enough_hangs()) {
                continue;
            }
            start(&run, &of);
            if ((!spawn_follow(&run, send_at, &of) || !of.sent) && !of.call.wait) {
                fault(&of, "this call was not reached again");
            } else if (of.sent) { /* or the other process was faster this time */
                judge(&of, run.status);
                count_experiments(1);
            }
        }
    }
    note("%s, %s: %d system calls", way_names[way], request_names[request], calls.n);
}

/* ---- At instructions of the parent ---- */

struct point {
    uint64_t pc;
    int passes;
};

static struct point points[MAX_POINTS];

/* Brings the subject to the first instruction of qemu_spawn(). */
static bool go_to_call(struct spawn_run *run)
{
    int status;
    struct stop stop;

    if (wait_for(run->parent, &status) < 0 || !WIFSTOPPED(status) || !set_options(run->parent, false) ||
        !set_breakpoint(run->parent, (uint64_t)(uintptr_t)lib.spawn)) {
        return false;
    }
    watch(run->parent, NULL);
    stop = resume(run->parent, PTRACE_CONT, NULL);
    return stop.kind == STOP_TRAP;
}

static void give_up(struct spawn_run *run)
{
    kill(run->parent, SIGKILL);
    wait_for(run->parent, &run->status);
    watch(0, NULL);
}

/* Its instructions there depend on time. */
static bool is_in_vdso(uint64_t pc)
{
    uint64_t vdso = getauxval(AT_SYSINFO_EHDR);

    return vdso && pc >= vdso && pc < vdso + 8192;
}

static int find_points(enum way way, enum request request)
{
    struct experiment of = {.way = way, .request = request, .sig = SIGUSR1};
    struct spawn_run run;
    struct stop stop;
    uint64_t back;
    int n = 0;

    start(&run, &of);
    if (!go_to_call(&run)) {
        give_up(&run);
        return 0;
    }
    back = (uint64_t)ptrace(PTRACE_PEEKDATA, run.parent, (void *)get_word(run.parent, REGISTER(rsp)), NULL);
    clear_breakpoint(run.parent);
    while (n < MAX_POINTS) {
        uint64_t pc = get_word(run.parent, REGISTER(rip));
        int passes = 0;

        if (pc == back) {
            break;
        }
        for (int i = 0; i < n; i++) {
            passes += points[i].pc == pc;
        }
        /* An instruction that repeats itself is one point. */
        if (!is_in_vdso(pc) && (n == 0 || points[n - 1].pc != pc)) {
            points[n++] = (struct point){pc, passes};
        }
        do {
            stop = resume(run.parent, PTRACE_SINGLESTEP, NULL); /* a SIGCHLD of the child's end is left out */
        } while (stop.kind == STOP_SIGNAL);
        if (stop.kind != STOP_TRAP) {
            n = 0;
            break;
        }
    }
    give_up(&run);
    return n;
}

/* False where memory is copied: there the parent waits for its child at other instructions each time. */
static bool at_instruction(struct experiment *of)
{
    struct spawn_run run;
    struct stop stop = {.kind = STOP_TRAP};

    start(&run, of);
    if (!go_to_call(&run)) {
        fault(of, "the call was not reached");
        give_up(&run);
        return true;
    }
    if (of->pc != (uint64_t)(uintptr_t)lib.spawn || of->passes > 0) {
        set_breakpoint(run.parent, of->pc);
        for (int i = 0; i <= of->passes && stop.kind == STOP_TRAP; i++) {
            do {
                stop = resume(run.parent, PTRACE_CONT, &stop);
            } while (stop.kind == STOP_SIGNAL);
        }
    }
    if (stop.kind != STOP_TRAP || get_word(run.parent, REGISTER(rip)) != of->pc) {
        if (of->way < WAY_FORK) {
            fault(of, "this instruction was not reached again");
        }
        give_up(&run);
        return of->way < WAY_FORK;
    }
    count_experiments(1);
    clear_breakpoint(run.parent);
    if (!send(of, run.parent, 0)) {
        fault(of, "it cannot be sent");
    }
    ptrace(PTRACE_DETACH, run.parent, NULL, NULL);
    wait_for(run.parent, &run.status);
    watch(0, NULL);
    judge(of, run.status);
    return true;
}

static void at_each_instruction(enum way way, enum request request)
{
    int n = find_points(way, request), step = quick ? 23 : 1, missed = 0, tried = 0;

    if (n == 0) {
        violation("points", "[%s] the instructions of the call cannot be found", way_names[way]);
        return;
    }
    note("%s, %s: %d instructions of the parent", way_names[way], request_names[request], n);
    for (int i = 0; i < n; i += step) {
        /* At each instruction three of the nine combinations, in turn. */
        for (int j = 0; j < 3 && !enough_hangs(); j++) {
            struct experiment of = {
                .way = way,
                .request = request,
                .at_instruction = true,
                .pc = points[i].pc,
                .passes = points[i].passes,
                .sig = signals()[j],
                .target = (enum target)((i / step + j) % TO_CHILD),
            };

            tried++;
            missed += !at_instruction(&of);
        }
    }
    if (missed > tried / 4) {
        violation("missed", "[%s] %d of %d instructions were not reached again", way_names[way], missed, tried);
    }
}

static void try_way_in(enum way way)
{
    lib.free(lib.spawn(argv_true, NULL, NULL)); /* from here on the library knows which ways are open */
    wait_for(-1, &(int){0});
    free(malloc(100000));
    at_each_call(way, USUAL);
    at_each_call(way, INHERITED);
    at_each_call(way, EVERYTHING);
    prepare_jobs(way);
    if (has_terminal) {
        at_each_call(way, JOB);
    }
    at_each_call(way, LIMITED);
    at_each_instruction(way, USUAL);
}

int main(int argc, char **argv)
{
    begin(argc, argv);
    need_tracer();
    need_spawn();
    report = shared_memory(sizeof(*report));
    prepare_cgroup();
    try_each_way(try_way_in, false);
    remove_cgroup();
    return finish();
}

#endif
