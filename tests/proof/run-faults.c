/*
 * Each system call of a run failed in turn, and a signal at each of them and at a sample of the instructions, for
 * qemu_run() and for a run in a main loop.
 *
 * The calls are found by following an undisturbed run. Then each is made to fail, with each of several errnos, in a
 * fresh process; or a signal is sent before it, or after some number of instructions. The run either succeeds with the
 * whole output, or fails with an errno and a text. Half an answer is never a success. Mask, dispositions, descriptors,
 * threads and memory are as before, and no child is left. A signal is handled once, and changes nothing.
 *
 * The calls of the child are the matter of the part spawn-faults.
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
    skip("system calls are made to fail on x86_64 Linux only: this is another processor");
}

#else

/* A run waits for limits of time, so here time must pass. */
#define TIME_PASSES

#include "spawn-each-way.h"
#include "spawn-subject.h"

#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>

enum { MUCH = 150000, LEASH_FD = 9, LEAST_EXPERIMENTS = 200 };

static const int errnos[] = {EPERM, EINTR, EAGAIN, ENOMEM, EMFILE, EINVAL, ENOSYS, EBADF};

enum { ERRNOS = sizeof(errnos) / sizeof(errnos[0]) };

enum form { ONE_CALL, MAIN_LOOP, FORMS };

static const char *const form_names[FORMS] = {"one call", "main loop"};

/* What is run: little and much input and output; with a limit of time; cancelled before it begins. */
enum scene { LITTLE, LARGE, TIMED, CANCELLED, SCENES };

static const char *const scene_names[SCENES] = {"little output", "much output", "a limit of time", "cancelled"};

static struct {
    bool (*run)(const char *const *argv, const QemuSpawnOptions *spawn, const QemuRunOptions *run,
                QemuRunResult *result, Error **errp);
    QemuRun *(*start)(const char *const *argv, const QemuSpawnOptions *spawn, const QemuRunOptions *run, Error **errp);
    QemuFd (*fd)(const QemuRun *run);
    int (*step)(QemuRun *run, QemuRunResult *result, Error **errp);
    void (*free)(QemuRun *run);
    void (*clear)(QemuRunResult *result);
} run_lib;

static void need_run(void)
{
    run_lib.run = dlsym(library.handle, "qemu_run");
    run_lib.start = dlsym(library.handle, "qemu_run_start");
    run_lib.fd = dlsym(library.handle, "qemu_run_fd");
    run_lib.step = dlsym(library.handle, "qemu_run_step");
    run_lib.free = dlsym(library.handle, "qemu_run_free");
    run_lib.clear = dlsym(library.handle, "qemu_run_result_clear");
    if (!run_lib.run || !run_lib.start || !run_lib.fd || !run_lib.step || !run_lib.free || !run_lib.clear) {
        skip("%s does not export qemu_run", library.path);
    }
}

/* ---- The subject ---- */

struct state {
    struct signal_state signals;
    int descriptors, threads;
    size_t memory;
};

struct report {
    struct state before, after;
    pid_t parent;
    atomic_int handled, handled_elsewhere;
    bool done, whole, cleared, zombies, finished;
    int errno_after;
    QemuRunEnd end;
    struct QemuProcessStatus status;
    uint64_t flags;
    char text[256];
};

static struct report *report;

static void on_signal(int sig)
{
    (void)sig;
    atomic_fetch_add(raw_getpid() == report->parent ? &report->handled : &report->handled_elsewhere, 1);
}

static int count_threads(void)
{
    DIR *listing = opendir("/proc/self/task");
    int n = 0;

    while (listing && readdir(listing)) {
        n++;
    }
    if (listing) {
        closedir(listing);
    }
    return n;
}

static void look(struct state *state)
{
    read_signal_state(&state->signals);
    state->signals.pending = 0;
    state->threads = count_threads();
    state->descriptors = count_descriptors();
    state->memory = mallinfo2().uordblks;
}

static char input[MUCH];
static int cancel_pipe[2], leash[2];

static bool make_run(enum form form, enum scene scene, QemuRunResult *result, Error **errp)
{
    static const char *const copies[] = {"/bin/sh", "-c", "cat; echo end >&2", NULL};
    static const char *const waits[] = {"/bin/cat", NULL};
    const QemuSpawnFd fds[] = {{.source = leash[0], .target = 0}};
    QemuSpawnOptions spawn = {.size = sizeof(spawn)};
    QemuRunOptions options = {.size = sizeof(options), .flags = QEMU_RUN_CHECK};
    struct pollfd one = {.events = POLLIN};
    QemuRun *run;
    int step = 0;

    if (scene == CANCELLED) {
        spawn.fds = fds;
        spawn.n_fds = 1;
        options.flags |= QEMU_RUN_CANCEL_FD;
        options.cancel_fd = cancel_pipe[0];
        options.grace_ms = 1000;
    } else {
        options.input = input;
        options.input_len = scene == LARGE ? MUCH : 6;
        options.timeout_ms = scene == TIMED ? 1000000 : 0;
    }
    if (form == ONE_CALL) {
        return run_lib.run(scene == CANCELLED ? waits : copies, &spawn, &options, result, errp);
    }
    run = run_lib.start(scene == CANCELLED ? waits : copies, &spawn, &options, errp);
    if (!run) {
        return false;
    }
    one.fd = run_lib.fd(run);
    while (step == 0) {
        poll(&one, 1, -1); /* this, too, may be made to fail: then a step has nothing to do */
        step = run_lib.step(run, result, errp);
    }
    {
        int error = errno;

        run_lib.free(run);
        errno = error;
    }
    return step == 1;
}

static bool is_whole(enum scene scene, const QemuRunResult *result)
{
    size_t size = scene == LARGE ? MUCH : 6;

    return result->out_len == size && result->out_total == size && memcmp(result->out, input, size) == 0 &&
           result->out[size] == '\0' && result->err_len == 4 && strcmp(result->err, "end\n") == 0;
}

static bool is_cleared(const QemuRunResult *result)
{
    const QemuRunResult cleared = {.size = sizeof(cleared)};

    return memcmp(result, &cleared, sizeof(cleared)) == 0;
}

static void set_up(int sig)
{
    struct sigaction handler = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    setpgid(0, 0);
    report->parent = raw_getpid();
    sigaction(sig ? sig : SIGUSR1, &handler, NULL);
    write_mask(bit_of(SIGUSR2) | bit_of(SIGTERM));
    for (size_t i = 0; i < sizeof(input); i++) {
        input[i] = (char)(i % 251);
    }
    if (pipe2(cancel_pipe, O_CLOEXEC) != 0 || pipe2(leash, O_CLOEXEC) != 0 || write(cancel_pipe[1], "c", 1) != 1) {
        broken("preparing the subject");
    }
}

__attribute__((__noreturn__)) static void be_subject(enum form form, enum scene scene, int sig, bool with_slot)
{
    QemuRunResult result = {.size = sizeof(result)};
    void *err = NULL;

    set_up(sig);
    /* Memory and descriptors that are made only once have been made. */
    make_run(form, LITTLE, &result, NULL);
    run_lib.clear(&result);
    look(&report->before);
    spawn_stop_for_tracer();
    spawn_mark(SPAWN_MARK);
    report->done = make_run(form, scene, &result, with_slot ? (Error **)&err : NULL);
    report->errno_after = errno;
    spawn_mark(SPAWN_MARK_END);
    read_signal_state(&report->after.signals);
    report->end = result.end;
    report->status = result.status;
    report->flags = result.flags;
    report->whole = result.out && is_whole(scene, &result);
    report->cleared = is_cleared(&result);
    if (err) {
        snprintf(report->text, sizeof(report->text), "%s", library.error_get_pretty(err));
        library.error_free(err);
    }
    run_lib.clear(&result);
    {
        /* One that could not be killed ends when it finds the end of its input. */
        int ends[2] = {leash[0], leash[1]};

        close(ends[1]);
        leash[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    call_later(false);
    {
        struct signal_state signals = report->after.signals;

        look(&report->after);
        report->after.signals = signals;
        report->after.signals.pending = 0;
    }
    report->zombies = waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD;
    report->finished = true;
    _exit(0);
}

/* ---- The verdict ---- */

struct experiment {
    enum way way;
    enum form form;
    enum scene scene;
    struct spawn_call call;
    int error; /* it fails with this */
    int sig;   /* or this signal is sent before it */
    bool with_slot, reached;
};

__attribute__((__format__(__printf__, 2, 3))) static void fault(const struct experiment *of, const char *fmt, ...)
{
    char what[500];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    violation(fmt, "[%s, %s, %s] %s(%#lx, %#lx), its occurrence %d, %s %s: %s (%s, errno %s, end %d, status %d %d %d, "
              "flags %lx, \"%s\")",
              way_names[of->way], form_names[of->form], scene_names[of->scene], system_call_name(of->call.number),
              (unsigned long)of->call.arguments[0], (unsigned long)of->call.arguments[1], of->call.occurrence,
              of->sig ? "gets" : "fails with", of->sig ? signal_name(of->sig) : errno_name(of->error), what,
              report->done ? "done" : "failed", errno_name(report->errno_after), (int)report->end,
              (int)report->status.end, report->status.exit_code, report->status.term_signal,
              (unsigned long)report->flags, report->text);
}

static bool fails_at(const struct experiment *of, int number)
{
    return of->error && of->call.number == number;
}

static void judge_state(const struct experiment *of)
{
    const struct state *before = &report->before, *after = &report->after;
    int sig = differing_disposition(&before->signals, &after->signals, 0);

    /* The library is not responsible for what such a failed call leaves. */
    if (after->signals.mask != before->signals.mask && !fails_at(of, SYS_rt_sigprocmask)) {
        fault(of, "the mask is %#lx", (unsigned long)after->signals.mask);
    }
    if (sig != 0) {
        fault(of, "the disposition of %s has changed", signal_name(sig));
    }
    /* If a call says that the child's descriptor is not open, its number may be another file's, and is not closed. */
    if (after->descriptors != before->descriptors && !(fails_at(of, SYS_waitid) && of->error == EBADF)) {
        fault(of, "there are %d descriptors instead of %d", after->descriptors, before->descriptors);
    }
    if (after->threads != before->threads) {
        fault(of, "there are other threads");
    }
    if (after->memory != before->memory) {
        fault(of, "%ld bytes of memory are lost", (long)(after->memory - before->memory));
    }
    if (report->zombies && !fails_at(of, SYS_waitid)) {
        fault(of, "there is a child that nobody knows of");
    }
}

static void judge_success(const struct experiment *of)
{
    if (of->scene == CANCELLED) {
        fault(of, "a run that was cancelled succeeded");
    } else if (!report->whole) {
        fault(of, "half an answer is a success");
    } else if (report->end != QEMU_RUN_END_EXITED || report->status.end != QEMU_PROCESS_EXITED ||
               report->status.exit_code != 0) {
        fault(of, "the end is not the program's");
    } else if (report->flags != 0) {
        fault(of, "the flags are wrong");
    }
}

static void judge_failure(const struct experiment *of)
{
    bool was_cancelled = of->scene == CANCELLED && report->errno_after == ECANCELED;
    /* If the status cannot be asked for, it is unknown. */
    bool is_unknown = fails_at(of, SYS_waitid) && report->end == QEMU_RUN_END_EXITED &&
                      report->errno_after == ECHILD && report->status.end == QEMU_PROCESS_UNKNOWN;
    int got = report->errno_after;

    if (of->with_slot != (report->text[0] != '\0')) {
        fault(of, "an error is %s", report->text[0] ? "set" : "not set");
    }
    if (of->sig && !was_cancelled) {
        fault(of, "a signal made it fail");
        return;
    }
    /* A number that cannot be checked counts as closed. */
    if (!was_cancelled && !is_unknown && got != of->error && !(fails_at(of, SYS_fcntl) && got == EBADF)) {
        fault(of, "the errno is another one");
    }
    if (report->end == QEMU_RUN_END_NOT_STARTED && !report->cleared) {
        fault(of, "it was not started, and there is a result");
    }
    if (report->end == QEMU_RUN_END_EXITED && !is_unknown) {
        fault(of, "the program ended by itself, with status 0");
    }
}

static void judge(const struct experiment *of, int status)
{
    int handled = atomic_load(&report->handled);

    if (timed_out) {
        fault(of, "it did not end within %d seconds", HANG_SECONDS);
        return;
    }
    if (status != 0 || !report->finished) {
        fault(of, "the wait status is %#x: the caller did not go on", (unsigned)status);
        return;
    }
    if (atomic_load(&report->handled_elsewhere) != 0 || handled != (of->sig != 0)) {
        fault(of, "the signal was handled %d times", handled);
    }
    if (report->done) {
        judge_success(of);
    } else {
        judge_failure(of);
    }
    judge_state(of);
}

/* ---- One experiment ---- */

static int at(struct spawn_run *run, pid_t pid, const struct spawn_call *call, void *context)
{
    struct experiment *of = context;

    (void)pid;
    if (of->reached || (!of->error && !of->sig) || !same_call(call, &of->call)) {
        return 0;
    }
    of->reached = true;
    if (of->sig) {
        return syscall(SYS_tgkill, run->parent, run->parent, of->sig) == 0 ? LET_GO : 0;
    }
    return of->error;
}

static bool follow(const struct experiment *of, struct spawn_run *run, at_call *what, void *context)
{
    *run = (struct spawn_run){0};
    memset(report, 0, sizeof(*report));
    run->parent = fork();
    if (run->parent < 0) {
        broken("fork");
    }
    if (run->parent == 0) {
        be_subject(of->form, of->scene, of->sig, of->with_slot);
    }
    return spawn_follow(run, what, context);
}

static long reached;

static void experiment(struct experiment *of)
{
    struct spawn_run run;

    if (enough_hangs()) {
        return;
    }
    of->reached = false;
    if (!follow(of, &run, at, of)) {
        fault(of, "it cannot be followed");
        return;
    }
    /* The number of reads and waits depends on which process is quicker. */
    if (of->reached) {
        reached++;
        count_experiments(1);
        judge(of, run.status);
    }
}

/* ---- All of them ---- */

/*
 * Calls that cannot fail according to their manual. Also close(), because then the program would wait for the end of
 * its input.
 */
static bool cannot_fail(const struct spawn_call *call)
{
    switch (call->number) {
    case SYS_close:
    case SYS_getpid:
    case SYS_gettid:
    case SYS_getppid:
    case SYS_futex:
    case SYS_exit_group:
        return true;
    default:
        return false;
    }
}

static bool is_repeated(const struct spawn_call *call)
{
    switch (call->number) {
    case SYS_poll:
    case SYS_ppoll:
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_ctl:
    case SYS_read:
    case SYS_write:
    case SYS_ioctl:
    case SYS_waitid:
    case SYS_timerfd_settime:
        return true;
    default:
        return call->wait != NO_WAIT;
    }
}

static void try_all(enum way way, enum form form, enum scene scene)
{
    static struct spawn_calls calls;
    struct experiment of = {.way = way, .form = form, .scene = scene, .with_slot = true};
    struct spawn_run run;
    enum { FEW = 4 };

    calls.n = 0;
    if (!follow(&of, &run, spawn_record_parent, &calls)) {
        violation("follow", "[%s, %s] the run cannot be followed to its end", way_names[way], form_names[form]);
        return;
    }
    judge(&of, run.status); /* without a failure */
    note("%s, %s, %s: %d system calls", way_names[way], form_names[form], scene_names[scene], calls.n);
    for (int i = 0; i < calls.n; i++) {
        int which = calls.call[i].number + calls.call[i].occurrence;

        of.call = calls.call[i];
        if (is_repeated(&of.call) && of.call.occurrence >= FEW) {
            continue;
        }
        for (int e = 0; e < ERRNOS && !cannot_fail(&of.call); e++) {
            if (quick ? (which + e + (int)form) % 4 != 0 : way != WAY_CLONE3 && (which + e) % 4 != 0) {
                continue;
            }
            of.sig = 0;
            of.error = errnos[e];
            of.with_slot = (which + e) % 5 != 0;
            experiment(&of);
        }
        of.error = 0;
        of.with_slot = true;
        of.sig = which % 2 ? SIGUSR1 : SIGRTMAX;
        if (!quick || (which + (int)scene) % 3 == 0) {
            experiment(&of);
        }
        of.sig = 0;
    }
}

/* ---- A signal at an instruction ---- */

/* Brings the subject to the begin of the call. */
static bool go_to_call(struct spawn_run *run)
{
    int status;

    if (wait_for(run->parent, &status) < 0 || !WIFSTOPPED(status) || !set_options(run->parent, false)) {
        return false;
    }
    watch(run->parent, NULL);
    for (;;) {
        struct stop stop = resume(run->parent, PTRACE_SYSCALL, NULL);

        if (stop.kind != STOP_SYSCALL) {
            return false;
        }
        if (get_word(run->parent, REGISTER(orig_rax)) == SYS_fcntl &&
            (int)get_word(run->parent, REGISTER(rdi)) == -1 &&
            (int)get_word(run->parent, REGISTER(rdx)) == SPAWN_MARK) {
            return resume(run->parent, PTRACE_SYSCALL, NULL).kind == STOP_SYSCALL;
        }
    }
}

static bool is_at_end_of_call(pid_t pid)
{
    enum { SYSCALL_CODE = 0x050F };
    uint64_t pc = get_word(pid, REGISTER(rip));

    return (ptrace(PTRACE_PEEKDATA, pid, (void *)pc, NULL) & 0xFFFF) == SYSCALL_CODE &&
           get_word(pid, REGISTER(rax)) == SYS_fcntl && (int)get_word(pid, REGISTER(rdi)) == -1 &&
           (int)get_word(pid, REGISTER(rdx)) == SPAWN_MARK_END;
}

/* Lets the subject make so many steps, or as many as there are to the end of its call. Returns how many. */
static long make_steps(pid_t pid, long most, bool to_end)
{
    struct stop stop = {.kind = STOP_TRAP};
    long n = 0;

    while (n < most && !(to_end && is_at_end_of_call(pid))) {
        stop = resume(pid, PTRACE_SINGLESTEP, &stop);
        if (stop.kind == STOP_ENDED) {
            break;
        }
        n++;
    }
    return stop.kind == STOP_ENDED ? -1 : n;
}

static void give_up(struct spawn_run *run)
{
    kill(run->parent, SIGKILL);
    wait_for(run->parent, &run->status);
    watch(0, NULL);
}

/* Sends the signal after so many steps. Returns how many steps the call has, if @steps is negative. */
static long at_instruction(struct experiment *of, long steps)
{
    const long all = 1 << 22;
    struct spawn_run run = {0};
    long made = -1;

    memset(report, 0, sizeof(*report));
    run.parent = fork();
    if (run.parent < 0) {
        broken("fork");
    }
    if (run.parent == 0) {
        be_subject(of->form, of->scene, of->sig, true);
    }
    if (go_to_call(&run)) {
        made = make_steps(run.parent, steps < 0 ? all : steps, steps < 0);
    }
    if (steps < 0 || made < 0) {
        give_up(&run);
        return made;
    }
    of->call = (struct spawn_call){.number = -1, .occurrence = (int)steps};
    if (syscall(SYS_tgkill, run.parent, run.parent, of->sig) != 0) {
        fault(of, "it cannot be sent");
    }
    ptrace(PTRACE_DETACH, run.parent, NULL, NULL);
    wait_for(run.parent, &run.status);
    watch(0, NULL);
    count_experiments(1);
    judge(of, run.status);
    return made;
}

/* All instructions would take hours, so it is a sample. It depends on no chance. */
static void at_instructions(enum way way, enum form form, enum scene scene)
{
    struct experiment of = {.way = way, .form = form, .scene = scene, .with_slot = true, .sig = SIGUSR1};
    const int samples = quick ? 25 : 200;
    long all = at_instruction(&of, -1);

    if (all < 0) {
        violation("follow", "[%s, %s] the instructions of the run cannot be followed", way_names[way],
                  form_names[form]);
        return;
    }
    note("%s, %s, %s: %ld instructions", way_names[way], form_names[form], scene_names[scene], all);
    for (int i = 0; i < samples && !enough_hangs(); i++) {
        of.sig = i % 2 ? SIGUSR1 : SIGRTMAX;
        at_instruction(&of, all * i / samples + i % 7);
    }
}

static void on_way(enum way way)
{
    /* The others, and what the child does, are the matter of the part spawn-faults. */
    if (way != WAY_CLONE3 && way != WAY_LIKE_FORK) {
        return;
    }
    for (int form = 0; form < FORMS; form++) {
        for (int scene = 0; scene < SCENES; scene++) {
            if (way != WAY_CLONE3 && (quick || scene == LARGE)) {
                continue;
            }
            try_all(way, (enum form)form, (enum scene)scene);
        }
        if (way == WAY_CLONE3) {
            at_instructions(way, (enum form)form, LITTLE);
        }
    }
    if (way == WAY_CLONE3 && reached < LEAST_EXPERIMENTS && !enough_hangs()) {
        violation("few", "only %ld calls were reached", reached);
    }
}

int main(int argc, char **argv)
{
    begin(argc, argv);
    need_spawn();
    need_run();
    need_tracer();
    report = shared_memory(sizeof(*report));
    try_each_way(on_way, false);
    return finish();
}

#endif
