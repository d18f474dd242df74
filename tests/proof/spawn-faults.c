/*
 * The failure of every system call of qemu_spawn(), in the parent and in its children, on each way in.
 *
 * The calls are found by following an undisturbed spawn, and not from the source. Then each is made to fail, with each
 * of several errnos, in a fresh process: the tracer keeps the call from being made and sets its result to the error.
 * Result, errno, step, text, mask, dispositions, descriptors, working directory, umask, memory and children are
 * compared with the contract for that call.
 *
 * A process for each way closes the better ones and forks all subjects of that way, so one filter is enough. The first
 * spawn of a process, which finds out what is open, is tried as well.
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

#include "spawn-each-way.h"
#include "spawn-subject.h"

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* With a limit of time clone3() and a trial are tried first, each with a mask of its own. */
enum { LET_IN_AFTER_TRIES = 5 };
enum { ERRNO_BEFORE = 77 };

static const int errnos[] = {EPERM, EINTR, EAGAIN, ENOMEM, EMFILE, EACCES, EFAULT, EINVAL, ENOSYS, EBADF, 4095};

enum { ERRNOS = sizeof(errnos) / sizeof(errnos[0]) };

/* ---- The subject ---- */

struct state {
    struct signal_state signals;
    int descriptors;
    mode_t umask;
    char folder[64];
    size_t memory;
};

struct report {
    struct state before, after;
    bool spawned, ended_well, has_pidfd, slot_filled, zombies, finished;
    int errno_after;
    QemuSpawnStep step;
    char text[256];
};

static struct report *report;

static void on_signal(int sig)
{
    (void)sig;
}

static void look(struct state *state)
{
    read_signal_state(&state->signals);
    state->descriptors = count_descriptors();
    state->umask = umask(0);
    umask(state->umask);
    memset(state->folder, 0, sizeof(state->folder));
    if (!getcwd(state->folder, sizeof(state->folder))) {
        broken("getcwd");
    }
    state->memory = mallinfo2().uordblks;
}

static void set_up(void)
{
    struct sigaction handler = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct rlimit few = {64, 64}; /* where the list of open descriptors cannot be read, each number is tried */

    setrlimit(RLIMIT_NOFILE, &few);
    setpgid(0, 0);
    sigaction(SIGUSR1, &handler, NULL);
    sigaction(SIGRTMAX, &handler, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    write_mask(bit_of(SIGUSR2) | bit_of(SIGTERM) | bit_of(SIGALRM));
    if (!open_sources(FIRST_SOURCE) || chdir("/usr") != 0) {
        broken("preparing the subject");
    }
}

__attribute__((__noreturn__)) static void be_subject(enum request request, bool with_slot)
{
    struct QemuProcessStatus status = {0};
    QemuSpawnStep step = (QemuSpawnStep)99;
    const struct QemuSpawnOptions *options = options_of(request, &step);
    void *err = NULL;
    QemuProcess *process;
    bool spawned;

    set_up();
    look(&report->before);
    spawn_stop_for_tracer();
    errno = ERRNO_BEFORE;
    spawn_mark(SPAWN_MARK);
    spawned = make_spawn(request, options, &process, &status, with_slot ? &err : NULL);
    spawn_mark(SPAWN_MARK_END);
    report->errno_after = errno;
    report->spawned = spawned;
    report->step = step;
    report->slot_filled = err != NULL;
    if (err) {
        snprintf(report->text, sizeof(report->text), "%s", library.error_get_pretty(err));
        library.error_free(err);
    }
    read_signal_state(&report->after.signals); /* before another call changes it */
    if (process) {
        report->has_pidfd = lib.pidfd(process) >= 0;
        report->ended_well = lib.wait(process, -1, &status, NULL) == 1 && status.end == QEMU_PROCESS_EXITED &&
                             status.exit_code == 0;
        lib.free(process);
    } else {
        report->ended_well = status.end == QEMU_PROCESS_EXITED && status.exit_code == 0;
    }
    call_later(request == LIMITED);
    look(&report->after);
    report->zombies = waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD;
    report->finished = true;
    _exit(0);
}

/* ---- The required consequence of a failure ---- */

struct experiment {
    enum way way;
    enum request request;
    bool first; /* the first spawn of its process */
    bool with_slot;
    struct spawn_call call;
    int error;
    int copies; /* how many calls make a child that copies the memory */
    bool reached;
};

/* The library is not responsible for what such a failed call leaves. */
struct expectation {
    bool fails;
    QemuSpawnStep step;
    int error;
    bool mask_stays, descriptors_stay, zombie_stays, end_is_lost;
    bool libc_signals_stay; /* blocked, with the rest of the mask */
};

static bool is_closed(int error)
{
    return error == ENOSYS || error == EPERM || error == EINVAL;
}

static struct expectation failing(QemuSpawnStep step, int error)
{
    return (struct expectation){.fails = true, .step = step, .error = error};
}

static bool copies_memory(const struct experiment *of)
{
    return of->way >= WAY_FORK || of->request == EVERYTHING;
}

/* The call that libc's fork() makes is the last way. */
static bool is_last_way(const struct experiment *of)
{
    return of->call.number == SYS_clone && (of->call.arguments[0] & 0xFF) == SIGCHLD;
}

static struct expectation expected_of_clone(const struct experiment *of)
{
    bool trial = of->call.number == SYS_clone && of->call.arguments[0] & CLONE_VFORK && of->call.occurrence == 0 &&
                 (of->first || of->way > WAY_CLONE);

    /* If the trial whether memory is shared fails, another way is taken. The errno does not matter. */
    if (trial) {
        return (struct expectation){0};
    }
    /* A child that is not made in its cgroup enters it. */
    if (of->request == JOB && of->call.number == SYS_clone3 && cgroup_of_jobs.own >= 0) {
        return (struct expectation){0};
    }
    /* A closed way is replaced by the next. Without room for a pidfd the spawn works without one. */
    if (of->error == EMFILE || (is_closed(of->error) && !is_last_way(of))) {
        return (struct expectation){0};
    }
    return failing(QEMU_SPAWN_STEP_FORK, of->error);
}

static struct expectation expected_of_parent(const struct experiment *of)
{
    struct expectation goes_on = {0};

    switch (of->call.number) {
    case SYS_clone:
    case SYS_clone3:
        return expected_of_clone(of);
    case SYS_rt_sigprocmask:
        if (of->call.arguments[2] != 0) {
            return failing(QEMU_SPAWN_STEP_SIGNALS, of->error);
        }
        /* Where memory is copied, libc's own signals are unblocked before the mask is restored. */
        goes_on.mask_stays = !copies_memory(of) || of->call.occurrence > 1;
        if (of->request == LIMITED) {
            /* The mask is put back after each try, and each saves the one that it finds. */
            goes_on.mask_stays = !copies_memory(of) || of->call.occurrence != LET_IN_AFTER_TRIES;
            goes_on.libc_signals_stay = of->call.occurrence < LET_IN_AFTER_TRIES;
        }
        return goes_on;
    case SYS_pipe2:
        /* The caller's pipes are made first. A child with a copy of the memory gets its pipe after blocking. */
        return failing(of->request == PIPES && of->call.occurrence < 2 ? QEMU_SPAWN_STEP_PIPE : QEMU_SPAWN_STEP_FORK,
                       of->error);
    case SYS_mmap:
        /* The mapping for the report. Other mappings are not needed. A closed way is replaced by the next. */
        if (of->call.occurrence >= of->copies) {
            return goes_on;
        }
        return is_closed(of->error) && !(of->way == WAY_LIKE_FORK && of->call.occurrence == of->copies - 1)
                   ? goes_on
                   : failing(QEMU_SPAWN_STEP_FORK, of->error);
    case SYS_fcntl:
        return of->call.arguments[0] <= STDERR_FILENO ? goes_on : failing(QEMU_SPAWN_STEP_ARGUMENTS, EBADF);
    case SYS_close:
        goes_on.descriptors_stay = true;
        return goes_on;
    case SYS_waitid:
        /* A failed look is repeated later. A failed call that was to reap the child is not repeated. */
        goes_on.zombie_stays =
            of->call.wait == LOOK_FOR_END && (of->error != EINTR || !(of->call.arguments[3] & WNOWAIT));
        /* The program seems to have closed the descriptor, and its number to be another file's by now. */
        goes_on.descriptors_stay = of->call.wait == LOOK_FOR_END && of->error == EBADF;
        goes_on.end_is_lost = of->request == LIMITED && of->call.wait == LOOK_FOR_END;
        return goes_on;
    default:
        return goes_on;
    }
}

static struct expectation expected_of_child(const struct experiment *of)
{
    struct expectation goes_on = {0};

    switch (of->call.number) {
    case SYS_setsid:
        return failing(QEMU_SPAWN_STEP_SESSION, of->error);
    case SYS_setpgid:
        return failing(QEMU_SPAWN_STEP_GROUP, of->error);
    case SYS_getpgid:
    case SYS_ioctl:
        return failing(QEMU_SPAWN_STEP_TERMINAL, of->error);
    case SYS_write: /* "0" to a cgroup's list of processes; or to oom_score_adj, which stays where it may not be changed */
        return of->request == JOB ? failing(QEMU_SPAWN_STEP_CGROUP, of->error) : goes_on;
    case SYS_openat:
        if (of->request == JOB && (int)of->call.arguments[0] != AT_FDCWD) {
            return failing(QEMU_SPAWN_STEP_CGROUP, of->error);
        }
        if (of->request == JOB && of->call.arguments[2] & O_NOCTTY) {
            return failing(QEMU_SPAWN_STEP_TERMINAL, of->error);
        }
        /* Without the list of open descriptors each number is tried. If the table is full, a target is closed first. */
        if (of->call.arguments[2] & O_DIRECTORY || of->error == EMFILE) {
            return goes_on;
        }
        if (of->call.arguments[2] == (O_WRONLY | O_CLOEXEC)) {
            return goes_on; /* oom_score_adj stays where it may not be changed */
        }
        return failing(of->call.arguments[2] & O_NOCTTY ? QEMU_SPAWN_STEP_FILES : QEMU_SPAWN_STEP_FDS, of->error);
    case SYS_sched_setaffinity:
    case SYS_sched_setscheduler:
    case SYS_setpriority:
        return failing(QEMU_SPAWN_STEP_SCHED, of->error);
    case SYS_dup3:
        return failing(of->call.arguments[1] == FIRST_SOURCE + FILE_PLACE ? QEMU_SPAWN_STEP_FILES : QEMU_SPAWN_STEP_FDS,
                       of->error);
    case SYS_getdents64:
        return failing(QEMU_SPAWN_STEP_FDS, of->error);
    case SYS_fcntl:
        if (of->call.arguments[1] == F_GETFD) {
            return goes_on; /* as if it were not open */
        }
        if (of->call.arguments[1] == F_SETFD && of->call.arguments[2] == FD_CLOEXEC) {
            return goes_on; /* the same */
        }
        return failing(QEMU_SPAWN_STEP_FDS, of->call.arguments[1] == F_DUPFD_CLOEXEC && of->error == EINVAL ? EMFILE
                                                                                                          : of->error);
    case SYS_close_range:
        /* Needed where the table of descriptors is shared. A child with its own table marks them by fcntl() instead. */
        return of->call.arguments[2] & CLOSE_RANGE_UNSHARE && !is_closed(of->error)
                   ? failing(QEMU_SPAWN_STEP_FDS, of->error)
                   : goes_on;
    case SYS_chdir:
        return failing(QEMU_SPAWN_STEP_CWD, of->error);
    case SYS_prlimit64:
        return failing(QEMU_SPAWN_STEP_RLIMIT, of->error);
    case SYS_prctl:
        if (of->call.arguments[0] == PR_CAP_AMBIENT && of->error == EINVAL) {
            return goes_on; /* a kernel without them */
        }
        return failing(QEMU_SPAWN_STEP_CREDENTIALS, of->error);
    case SYS_setgroups:
    case SYS_setresgid:
    case SYS_setresuid:
        return failing(QEMU_SPAWN_STEP_CREDENTIALS, of->error);
    case SYS_rt_sigaction:
    case SYS_rt_sigprocmask:
        return failing(QEMU_SPAWN_STEP_SIGNALS, of->error);
    case SYS_execve:
        return failing(QEMU_SPAWN_STEP_EXEC, of->error);
    default:
        return goes_on;
    }
}

/* ---- The verdict ---- */

__attribute__((__format__(__printf__, 2, 3))) static void fault(const struct experiment *of, const char *fmt, ...)
{
    char what[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    violation(fmt, "[%s%s, %s] %s, %s(%#lx, %#lx, %#lx, %#lx), its occurrence %d, fails with %s: %s",
              way_names[of->way],
              of->first ? ", the first" : "", request_names[of->request], of->call.in_child ? "child" : "parent",
              system_call_name(of->call.number), (unsigned long)of->call.arguments[0],
              (unsigned long)of->call.arguments[1], (unsigned long)of->call.arguments[2],
              (unsigned long)of->call.arguments[3], of->call.occurrence, errno_name(of->error), what);
}

static void judge_state(const struct experiment *of, const struct expectation *want)
{
    const struct state *before = &report->before, *after = &report->after;
    uint64_t let_in = copies_memory(of) && !want->libc_signals_stay ? libc_signals() : 0;
    uint64_t blocked = ~(bit_of(SIGKILL) | bit_of(SIGSTOP) | let_in);
    int sig = differing_disposition(&before->signals, &after->signals, 0);

    if (after->signals.mask != (want->mask_stays ? blocked : before->signals.mask)) {
        fault(of, "the parent's mask is %#lx", (unsigned long)after->signals.mask);
    }
    if (sig != 0) {
        fault(of, "the parent's disposition of %s has changed", signal_name(sig));
    }
    if (!want->descriptors_stay && after->descriptors != before->descriptors) {
        fault(of, "the parent has %d descriptors instead of %d", after->descriptors, before->descriptors);
    }
    if (after->umask != before->umask || strcmp(after->folder, before->folder) != 0) {
        fault(of, "the parent's umask is %o and it is in %s", (unsigned)after->umask, after->folder);
    }
    if (after->memory != before->memory) {
        fault(of, "%ld bytes of memory are lost", (long)(after->memory - before->memory));
    }
    if (!want->zombie_stays && report->zombies) {
        fault(of, "an unknown child is left");
    }
}

static void judge(const struct experiment *of, int status)
{
    struct expectation want = {0};

    if (of->error) {
        want = of->call.in_child ? expected_of_child(of) : expected_of_parent(of);
    }
    if (timed_out) {
        fault(of, "it did not end within %d seconds", HANG_SECONDS);
        return;
    }
    if (status != 0 || !report->finished) {
        fault(of, "the wait status is %#x: the caller did not go on", (unsigned)status);
        return;
    }
    if (report->spawned != !want.fails) {
        fault(of, "it %s; %s, step %s, \"%s\"", report->spawned ? "succeeded" : "failed",
              errno_name(report->errno_after), step_name(report->step), report->text);
        return;
    }
    if (report->step != (want.fails ? want.step : QEMU_SPAWN_STEP_NONE)) {
        fault(of, "the step is %s instead of %s", step_name(report->step), step_name(want.step));
    }
    if (report->errno_after != (want.fails ? want.error : ERRNO_BEFORE)) {
        fault(of, "errno is %s instead of %s", errno_name(report->errno_after),
              errno_name(want.fails ? want.error : ERRNO_BEFORE));
    }
    if (report->slot_filled != (want.fails && of->with_slot)) {
        fault(of, "an error is %s", report->slot_filled ? "set" : "not set");
    } else if (report->slot_filled && want.step != QEMU_SPAWN_STEP_ARGUMENTS &&
               (strncmp(report->text, "cannot ", 7) != 0 || !strstr(report->text, strerror(want.error)))) {
        fault(of, "the error is \"%s\"", report->text);
    }
    if (report->spawned && !report->ended_well && !want.end_is_lost) {
        fault(of, "the program did not end with status 0");
    }
    judge_state(of, &want);
}

/* ---- One experiment ---- */

static int fail_at(struct spawn_run *run, pid_t pid, const struct spawn_call *call, void *context)
{
    struct experiment *of = context;

    (void)run;
    (void)pid;
    if (of->error == 0 || !same_call(call, &of->call)) {
        return 0;
    }
    /* If the child was quicker this time, this call reaps it, and the one of the first run only looked. */
    of->call = *call;
    of->reached = true;
    return of->error;
}

static bool follow(const struct experiment *of, struct spawn_run *run, at_call *at, void *context)
{
    *run = (struct spawn_run){0};
    memset(report, 0, sizeof(*report));
    run->parent = fork();
    if (run->parent < 0) {
        broken("fork");
    }
    if (run->parent == 0) {
        be_subject(of->request, of->with_slot);
    }
    return spawn_follow(run, at, context);
}

static void experiment(struct experiment *of)
{
    struct spawn_run run;

    if (enough_hangs()) {
        return;
    }
    if (!follow(of, &run, fail_at, of) || (of->error && !of->reached && !of->call.wait)) {
        count_experiments(1);
        fault(of, "this call was not reached again");
        return;
    }
    if (of->error && !of->reached) {
        return; /* the other process was quicker this time */
    }
    count_experiments(1);
    judge(of, run.status);
}

/* ---- All of them ---- */

/* Calls that cannot fail according to their manual, or that end the child. */
static bool is_left_out(const struct spawn_call *call)
{
    switch (call->number) {
    case SYS_getpid:
    case SYS_getppid:
    case SYS_gettid:
    case SYS_futex:
    case SYS_umask:
    case SYS_exit_group:
        return true;
    default:
        return call->wait && call->occurrence > 1;
    }
}

static void fail_each(enum way way, enum request request, bool first)
{
    static struct spawn_calls calls;
    struct experiment of = {.way = way, .request = request, .first = first, .with_slot = true};
    struct spawn_run run;

    calls.n = 0;
    if (!follow(&of, &run, spawn_record, &calls)) {
        violation("follow", "[%s, %s] the spawn cannot be followed to its end", way_names[way], request_names[request]);
        return;
    }
    judge(&of, run.status); /* without a failure */
    note("%s%s, %s: %d system calls", way_names[way], first ? ", the first" : "", request_names[request], calls.n);
    of.copies = 0;
    for (int i = 0; i < calls.n; i++) {
        /* Each attempt to copy the memory unmaps its report. */
        of.copies += calls.call[i].number == SYS_munmap;
    }
    for (int i = 0; i < calls.n; i++) {
        /* Not i: the order of the calls of parent and child may differ between runs. */
        int which = calls.call[i].number + calls.call[i].occurrence;
        bool many = calls.call[i].number == SYS_rt_sigaction;

        if (is_left_out(&calls.call[i])) {
            continue;
        }
        for (int e = 0; e < ERRNOS; e++) {
            /* The sample: one of 16 dispositions with one errno each, and every third of the other experiments. */
            if (many ? (which + e) % (quick ? 64 : 8) != 0 : quick && (which + e) % 3 != 0) {
                continue;
            }
            of.call = calls.call[i];
            of.error = errnos[e];
            of.reached = false;
            of.with_slot = (which + e) % 5 != 0;
            experiment(&of);
        }
    }
}

/* Many failed spawns must leave no memory, descriptor or child. */
static void look_for_leaks(enum way way)
{
    static const char *const nobody[] = {"/nonexistent/program", NULL};
    int calls = quick ? 200 : 2000, descriptors = 0;
    size_t memory = 0;

    for (int i = -10; i < calls; i++) {
        void *err = NULL;

        if (i == 0) {
            descriptors = count_descriptors();
            memory = mallinfo2().uordblks;
        }
        if (lib.spawn(nobody, NULL, (Error **)&err) || errno != ENOENT) {
            violation("leak", "[%s] a program that is not there is spawned, or errno is %d", way_names[way], errno);
            return;
        }
        library.error_free(err);
    }
    count_experiments(calls);
    if (count_descriptors() != descriptors || mallinfo2().uordblks != memory ||
        waitpid(-1, NULL, WNOHANG | __WALL) != -1) {
        violation("leak", "[%s] %d spawns that fail leave descriptors, memory or a child", way_names[way], calls);
    }
}

static _Thread_local bool to_be_cancelled;

/* Replaces libc's mmap(), which the library calls in the middle of a spawn that copies the memory. */
void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (to_be_cancelled) {
        pthread_cancel(pthread_self());
    }
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

static void *spawn_and_be_cancelled(void *survived)
{
    to_be_cancelled = true;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &(int){0});
    lib.spawn(argv_true, NULL, NULL);
    pthread_testcancel();
    *(bool *)survived = true;
    return NULL;
}

/*
 * Cancels a thread in the middle of a spawn, although it may be cancelled at any instruction. The spawn must be
 * completed first.
 */
static void cancel(void)
{
    int before = count_descriptors(), after, status = -1;
    bool survived = false;
    pthread_t thread;

    count_experiments(1);
    if (pthread_create(&thread, NULL, spawn_and_be_cancelled, &survived) != 0 || pthread_join(thread, NULL) != 0) {
        broken("a thread");
    }
    after = count_descriptors();
    /* The handle is lost with the thread, and its descriptor with it. */
    if (survived || after > before + 1) {
        violation("cancel", "a thread that is cancelled leaves %d descriptors and a child that waits for ever",
                  after - before);
    } else if (wait_for(-1, &status) < 0 || status != 0) {
        violation("cancel", "the child of a thread that is cancelled ends with wait status %#x", (unsigned)status);
    }
}

/* ---- A parent that is killed in the middle ---- */

/* Killed before the child is told to go on. */
static int kill_parent(struct spawn_run *run, pid_t pid, const struct spawn_call *call, void *context)
{
    bool *killed = context;

    if (call->in_child || call->number != SYS_pidfd_open) {
        return 0;
    }
    *killed = kill(pid, SIGKILL) == 0 && run->children > 0;
    return 0;
}

/* The child of the killed parent must neither go on nor wait for ever. */
static void orphan(void)
{
    struct experiment of = {.way = WAY_LIKE_FORK};
    struct spawn_run run;
    bool killed = false;
    int status = 0;
    pid_t child;

    count_experiments(1);
    if (!follow(&of, &run, kill_parent, &killed) || !killed) {
        violation("orphan", "the parent cannot be killed before it lets its child go on");
        return;
    }
    child = run.child[run.children - 1].pid;
    watch(run.parent, NULL); /* the child is in its parent's group */
    do {
        ptrace(PTRACE_CONT, child, NULL, NULL);
    } while (wait_for(child, &status) == child && WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_EXEC);
    watch(0, NULL);
    if (timed_out || !WIFEXITED(status) || WEXITSTATUS(status) != 127) {
        violation("orphan", "a child that is to wait for its parent %s when the parent is killed",
                  timed_out ? "waits for ever" : WIFSTOPPED(status) ? "goes on" : "ends in another way");
        kill(child, SIGKILL);
        ptrace(PTRACE_DETACH, child, NULL, NULL);
    }
}

static void try_way_in(enum way way)
{
    fail_each(way, USUAL, true);
    lib.free(lib.spawn(argv_true, NULL, NULL)); /* from here on the library knows which ways are open */
    wait_for(-1, &(int){0});
    free(malloc(100000)); /* so that a subject need not ask the kernel for memory */
    prepare_jobs(way);
    for (int request = USUAL; request < REQUESTS; request++) {
        if (request != JOB || has_terminal) {
            fail_each(way, (enum request)request, false);
        }
    }
    look_for_leaks(way);
    if (way == WAY_FORK) {
        cancel();
    } else if (way == WAY_LIKE_FORK) {
        orphan();
    }
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
