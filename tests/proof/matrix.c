/*
 * Every signal, in every disposition, under every kind of mask, in processes with one thread and with many.
 *
 * One call of qemu_fork() checks all signals at once. Each has one of the dispositions, and another in the next round,
 * until each has had each under each mask. The child's state is read in three ways: by sigaction(), by the bare system
 * call, and from /proc, where the parent reads it while the child waits. None of the three is the code under test. The
 * parent's mask, pending signals, dispositions and errno are compared as well. Facts are counted: a fact is one
 * signal, looked at in one way, in one situation.
 *
 * The signals that libc keeps for itself are set up by bare system calls. They must stay as the parent had them.
 *
 * The random masks come from a seed, which is printed. QEMU_FORK_PROOF_SEED sets it.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERRNO_BEFORE = 77, THREADS = 6 };

/* ---- The parent's state ---- */

enum kind { DEFAULT, IGNORED, HANDLER, ON_STACK, RESTART, WITH_INFO, KINDS };

static const char *const kind_names[KINDS] = {
    "SIG_DFL", "SIG_IGN", "a handler", "a handler, SA_ONSTACK", "a handler, SA_RESTART", "a handler, SA_SIGINFO",
};

struct situation {
    const char *mask_name;
    uint64_t mask;
    int rotation;   /* signal s has the disposition number (s + rotation) % KINDS; or ... */
    int same;       /* ... all have this one, if it is not -1 */
    bool threads;   /* with other threads, which have masks of their own */
    bool pending;   /* with signals pending in the parent */
};

static enum kind kind_of(const struct situation *situation, int sig)
{
    return (enum kind)(situation->same >= 0 ? situation->same : (sig + situation->rotation) % KINDS);
}

static atomic_int handled;

static void on_signal(int sig)
{
    (void)sig;
    atomic_fetch_add(&handled, 1);
}

static void on_signal_info(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    atomic_fetch_add(&handled, 1);
}

static void set_by_libc(int sig, enum kind kind)
{
    struct sigaction action = {.sa_handler = on_signal};

    switch (kind) {
    case DEFAULT:
        action.sa_handler = SIG_DFL;
        break;
    case IGNORED:
        action.sa_handler = SIG_IGN;
        break;
    case ON_STACK:
        action.sa_flags = SA_ONSTACK;
        break;
    case RESTART:
        action.sa_flags = SA_RESTART;
        break;
    case WITH_INFO:
        action.sa_sigaction = on_signal_info;
        action.sa_flags = SA_SIGINFO;
        break;
    default:
        break;
    }
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaddset(&action.sa_mask, SIGRTMAX);
    if (sigaction(sig, &action, NULL) != 0) {
        broken("sigaction");
    }
}

/* Gives a signal of libc the disposition of another signal, by the bare system call. */
static void copy_disposition(int from, int to)
{
    unsigned long action[16] = {0};

    if (syscall(SYS_rt_sigaction, from, NULL, action, SIGSET_BYTES) != 0 ||
        syscall(SYS_rt_sigaction, to, action, NULL, SIGSET_BYTES) != 0) {
        broken("rt_sigaction");
    }
}

static void set_dispositions(const struct situation *situation)
{
    for (int sig = 1; sig < SIGNALS; sig++) {
        if (libc_signals() & bit_of(sig)) {
            set_by_libc(SIGUSR2, kind_of(situation, sig));
            copy_disposition(SIGUSR2, sig);
        }
    }
    for (int sig = 1; sig < SIGNALS; sig++) {
        if (sig != SIGKILL && sig != SIGSTOP && !(libc_signals() & bit_of(sig))) {
            set_by_libc(sig, kind_of(situation, sig));
        }
    }
}

/* ---- What the child finds ---- */

struct report {
    int errno_after;
    uint64_t libc_mask;
    struct signal_state kernel;
    struct {
        bool refused;
        bool changed; /* it is not SIG_DFL without flags */
    } libc[SIGNALS];
    atomic_int handled;
};

static struct report *report;
static int told[2];  /* the child writes a byte when its report is complete ... */
static int leave[2]; /* ... and lives until the parent has closed this, so that /proc can be read */

static ssize_t read_byte(int fd)
{
    char byte;
    ssize_t n;

    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    return n;
}

__attribute__((__noreturn__)) static void be_child(int errno_after)
{
    sigset_t mask;

    report->errno_after = errno_after;
    read_signal_state(&report->kernel);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int sig = 1; sig < SIGNALS; sig++) {
        struct sigaction action;

        if (sigismember(&mask, sig) == 1) {
            report->libc_mask |= bit_of(sig);
        }
        report->libc[sig].refused = sigaction(sig, NULL, &action) != 0;
        report->libc[sig].changed =
            !report->libc[sig].refused && (action.sa_handler != SIG_DFL || (action.sa_flags & ~RESTORER_FLAG) != 0);
    }
    atomic_store(&report->handled, atomic_load(&handled));
    close(leave[1]);
    if (write(told[1], "", 1) != 1) {
        _exit(1);
    }
    read_byte(leave[0]);
    _exit(0);
}

/* The sets of signals in /proc/PID/status. */
struct proc_sets {
    unsigned long long blocked, ignored, caught, pending, shared_pending;
};

static bool read_proc(pid_t pid, struct proc_sets *sets)
{
    static const char *const names[] = {"\nSigBlk:", "\nSigIgn:", "\nSigCgt:", "\nSigPnd:", "\nShdPnd:"};
    unsigned long long *const values[] = {&sets->blocked, &sets->ignored, &sets->caught, &sets->pending,
                                          &sets->shared_pending};
    char path[64], text[8192];
    size_t length = 0;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    while (length < sizeof(text) - 1 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0) {
        length += (size_t)n;
    }
    close(fd);
    text[length] = '\0';
    for (size_t i = 0; i < 5; i++) {
        const char *line = strstr(text, names[i]);

        if (!line || sscanf(line + strlen(names[i]), "%llx", values[i]) != 1) {
            return false;
        }
    }
    return true;
}

/* ---- The verdict ---- */

__attribute__((__format__(__printf__, 3, 4))) static void fault(const struct situation *situation, int sig,
                                                               const char *fmt, ...)
{
    char what[300], which[80] = "";
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (sig > 0) {
        snprintf(which, sizeof(which), ", %s (%s in the parent)", signal_name(sig),
                 kind_names[kind_of(situation, sig)]);
    }
    violation(fmt, "[mask %s %#llx, %s%s]%s: %s", situation->mask_name, (unsigned long long)situation->mask,
              situation->threads ? "many threads" : "one thread", situation->pending ? ", signals pending" : "", which,
              what);
}

static void judge_child(const struct situation *situation, const struct signal_state *before,
                        const struct proc_sets *proc)
{
    for (int sig = 1; sig < SIGNALS; sig++) {
        const struct disposition *now = &report->kernel.action[sig];
        const struct disposition *then = &before->action[sig];
        bool ignored = proc->ignored & bit_of(sig);
        bool caught = proc->caught & bit_of(sig);

        if (libc_signals() & bit_of(sig)) {
            if (memcmp(now, then, sizeof(*now)) != 0) {
                fault(situation, sig, "it is libc's, and has not stayed as the parent had it");
            }
            if (ignored != (then->handler == 1) || caught != (then->handler > 1)) {
                fault(situation, sig, "it is libc's, and /proc shows that it has not stayed as the parent had it");
            }
            continue;
        }
        if (now->handler != 0 || now->flags != 0) {
            fault(situation, sig, "the kernel says that the child's disposition is not the default");
        }
        if (report->libc[sig].changed || report->libc[sig].refused) {
            fault(situation, sig, "sigaction() says that the child's disposition is not the default");
        }
        if (ignored || caught) {
            fault(situation, sig, "/proc says that the child %s it", ignored ? "ignores" : "catches");
        }
        if ((report->kernel.mask | report->libc_mask | proc->blocked) & bit_of(sig)) {
            fault(situation, sig, "it is blocked in the child");
        }
        if ((report->kernel.pending | proc->pending | proc->shared_pending) & bit_of(sig)) {
            fault(situation, sig, "it is pending in the child");
        }
    }
    /* Five sets of /proc, the mask, pending signals and disposition of the kernel, the mask and disposition of libc. */
    count_experiments(10 * (SIGNALS - 1));
}

static void judge_parent(const struct situation *situation, const struct signal_state *before,
                         const struct signal_state *after, int errno_after, int handled_meanwhile)
{
    for (int sig = 1; sig < SIGNALS; sig++) {
        if (memcmp(&before->action[sig], &after->action[sig], sizeof(before->action[sig])) != 0) {
            fault(situation, sig, "the parent's disposition has changed");
        }
        if ((before->mask ^ after->mask) & bit_of(sig)) {
            fault(situation, sig, "it is %s in the parent after the call",
                  after->mask & bit_of(sig) ? "blocked" : "unblocked");
        }
        if ((before->pending ^ after->pending) & bit_of(sig)) {
            fault(situation, sig, "it is %s in the parent after the call",
                  after->pending & bit_of(sig) ? "pending" : "no longer pending");
        }
    }
    if (errno_after != ERRNO_BEFORE) {
        fault(situation, 0, "errno in the parent is %d instead of %d", errno_after, ERRNO_BEFORE);
    }
    if (handled_meanwhile != 0) {
        fault(situation, 0, "handlers ran %d times in the parent, although no signal was sent", handled_meanwhile);
    }
    count_experiments(3 * (SIGNALS - 1) + 2);
}

/* ---- One call ---- */

static void try_situation(const struct situation *situation)
{
    struct signal_state before, after;
    struct proc_sets proc = {0};
    int status = -1;
    int errno_after, handled_before, handled_after;
    bool complete;
    pid_t pid;

    memset(report, 0, sizeof(*report));
    set_dispositions(situation);
    write_mask(situation->mask);
    if (situation->pending) {
        for (int sig = 1; sig < SIGNALS; sig++) {
            if (situation->mask & bit_of(sig) & ~libc_signals()) {
                /* Half of them to the thread, half to the process. */
                syscall(sig % 2 ? SYS_tgkill : SYS_kill, raw_getpid(), sig % 2 ? raw_gettid() : sig, sig);
            }
        }
    }
    if (pipe(told) != 0 || pipe(leave) != 0) {
        broken("pipe");
    }
    handled_before = atomic_load(&handled);
    read_signal_state(&before);
    errno = ERRNO_BEFORE;
    pid = library.fork(NULL);
    errno_after = errno;
    if (pid == 0) {
        be_child(errno_after);
    }
    handled_after = atomic_load(&handled);
    read_signal_state(&after);
    close(told[1]);
    complete = pid > 0 && read_byte(told[0]) == 1;
    if (complete && !read_proc(pid, &proc)) {
        broken("/proc/PID/status");
    }
    close(told[0]);
    close(leave[0]);
    close(leave[1]);
    if (pid < 0) {
        fault(situation, 0, "qemu_fork() failed with errno %d", errno_after);
        return;
    }
    /* Where SIGCHLD is ignored, the child is reaped by the kernel. */
    if (wait_for(pid, &status) == pid ? status != 0 : before.action[SIGCHLD].handler != 1) {
        fault(situation, 0, "the child has wait status %#x instead of 0", (unsigned)status);
    }
    if (!complete) {
        fault(situation, 0, "the child gave no report");
        return;
    }
    if (report->errno_after != ERRNO_BEFORE) {
        fault(situation, 0, "errno in the child is %d instead of %d", report->errno_after, ERRNO_BEFORE);
    }
    if (atomic_load(&report->handled) != handled_before) {
        fault(situation, 0, "a handler ran in the child");
    }
    count_experiments(3);
    judge_child(situation, &before, &proc);
    judge_parent(situation, &before, &after, errno_after, handled_after - handled_before);
}

static sem_t ready;
static uint64_t other_masks[THREADS];

/* A thread with a mask of its own, which does nothing until the process ends. */
static void *be_other_thread(void *mask)
{
    write_mask(*(uint64_t *)mask);
    sem_post(&ready);
    for (;;) {
        pause();
    }
    return NULL;
}

static void start_threads(const struct situation *situation)
{
    sem_init(&ready, 0, 0);
    write_mask(~UINT64_C(0));
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;

        /* With pending signals the others must not take what was sent to the process. */
        other_masks[i] = situation->pending || i == 0 ? ~UINT64_C(0) : i == 1 ? 0 : UINT64_C(0x9e3779b97f4a7c15) << i;
        if (pthread_create(&thread, NULL, be_other_thread, &other_masks[i]) != 0) {
            broken("pthread_create");
        }
    }
    for (int i = 0; i < THREADS; i++) {
        while (sem_wait(&ready) != 0) {
        }
    }
}

/* A process of its own, so that pending signals and dispositions do not reach the next situation. */
static void in_own_process(const struct situation *situation)
{
    int status;
    pid_t pid;

    if (enough_hangs()) {
        return;
    }
    pid = fork();
    if (pid < 0) {
        broken("fork");
    }
    if (pid == 0) {
        setpgid(0, 0);
        if (situation->threads) {
            start_threads(situation);
        }
        try_situation(situation);
        _exit(0);
    }
    setpgid(pid, pid); /* parent or child, whichever is quicker */
    watch(pid, NULL);
    while (waitpid(pid, &status, WUNTRACED) < 0 && errno == EINTR) {
    }
    if (WIFSTOPPED(status)) {
        /* A pending SIGTSTP or a similar signal has stopped the process. */
        kill(-pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    watch(0, NULL);
    if (status != 0) {
        fault(situation, 0, "the process has wait status %#x: it did not survive the call", (unsigned)status);
    }
}

/* ---- All of them ---- */

static uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The signals that can be blocked: not SIGKILL and SIGSTOP, and not those that libc keeps for itself. */
static uint64_t possible_mask(uint64_t mask)
{
    return mask & ~(bit_of(SIGKILL) | bit_of(SIGSTOP) | libc_signals());
}

static void try_all(const char *mask_name, uint64_t mask, bool threads, bool pending)
{
    for (int i = 0; i < 2 * KINDS; i++) {
        struct situation situation = {
            .mask_name = mask_name,
            .mask = mask,
            .rotation = i % KINDS,
            .same = i < KINDS ? -1 : i - KINDS,
            .threads = threads,
            .pending = pending,
        };

        in_own_process(&situation);
    }
}

int main(int argc, char **argv)
{
    const char *text = getenv("QEMU_FORK_PROOF_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : UINT64_C(20);
    int randoms;

    begin(argc, argv);
    randoms = quick ? 4 : 64;
    note("seed %#llx (QEMU_FORK_PROOF_SEED)", (unsigned long long)seed);
    note("libc keeps the signals of the set %#llx for itself", (unsigned long long)libc_signals());
    report = shared_memory(sizeof(*report));
    for (int i = 0; i < 2 + randoms; i++) {
        const char *name = i == 0 ? "empty" : i == 1 ? "full" : "random";
        uint64_t mask = possible_mask(i == 0 ? 0 : i == 1 ? ~UINT64_C(0) : next_random(&seed));

        for (int threads = 0; threads < 2; threads++) {
            try_all(name, mask, threads, false);
            if (mask != 0) {
                try_all(name, mask, threads, true);
            }
        }
    }
    return finish();
}
