/*
 * The subject of inject.c: it prepares itself, calls qemu_fork() once, and reports what it and its child found. All of
 * it runs in a process forked from the harness. The report is in shared memory.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SUBJECT_H
#define PROOF_SUBJECT_H

#include "tracer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

enum { SHOT_SIGNALS = 3, HELPERS = 2, ERRNO_BEFORE = 77 };

/* The situation in which the call is made. */
struct setup {
    const char *name;
    bool masked;             /* the caller has blocked the signals: they stay pending until it unblocks them */
    bool ignored;            /* they are ignored in the parent, but must end the child */
    enum { ALONE, THREADS_BLOCKED, THREADS_OPEN } threads; /* other threads, and whether they take signals */
    bool caller_is_not_main; /* another thread than the main one, which blocks everything, makes the call */
    int fork_fails;          /* the errno that fork gets, which is EAGAIN, or 0 */
    int blocking_fails;      /* the errno that blocking gets by a filter that is in force already, or 0 */
    bool slot;               /* pass &err, not NULL */
};

struct report {
    pid_t parent;
    pid_t caller;
    atomic_int handled[SHOT_SIGNALS];  /* by the parent; a SIGCHLD only if a process sent it */
    atomic_int in_child[SHOT_SIGNALS]; /* by any other process: never */
    pid_t handled_by[SHOT_SIGNALS];
    int handled_at_return[SHOT_SIGNALS];
    pid_t result;
    int errno_after;
    struct signal_state before, after;
    bool slot_filled;
    char text[160];
    int wait_status;
    bool reaped;
    bool zombies;
    bool finished;
    struct {
        bool returned;
        int errno_after;
        struct signal_state state;
    } child;
};

/* SIGUSR1 ends a process by default, SIGCHLD does nothing, and a real-time signal is queued. */
static int shot_signals[SHOT_SIGNALS];
static struct report *report;

static void on_shot(int sig, siginfo_t *info, void *context)
{
    bool ours = raw_getpid() == report->parent;

    (void)context;
    for (int i = 0; i < SHOT_SIGNALS; i++) {
        if (shot_signals[i] == sig && (sig != SIGCHLD || info->si_code <= 0)) {
            atomic_fetch_add(ours ? &report->handled[i] : &report->in_child[i], 1);
            if (ours) {
                report->handled_by[i] = raw_gettid();
            }
        }
    }
}

static void on_other(int sig)
{
    (void)sig;
}

static void set_disposition(int sig, const struct sigaction *action)
{
    if (sigaction(sig, action, NULL) != 0) {
        broken("sigaction");
    }
}

static uint64_t shot_mask(void)
{
    return bit_of(shot_signals[0]) | bit_of(shot_signals[1]) | bit_of(shot_signals[2]);
}

/* If SIGCHLD were ignored, the kernel would reap the children. */
static bool is_ignored(const struct setup *setup, int i)
{
    return setup->ignored && shot_signals[i] != SIGCHLD;
}

static void set_up_signals(const struct setup *setup)
{
    struct sigaction shot = {.sa_sigaction = on_shot, .sa_flags = SA_SIGINFO};
    struct sigaction other = {.sa_handler = on_other, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction standard = {.sa_handler = SIG_DFL};

    for (int i = 0; i < SHOT_SIGNALS; i++) {
        set_disposition(shot_signals[i], is_ignored(setup, i) ? &ignore : &shot);
    }
    set_disposition(SIGUSR2, &other);
    set_disposition(SIGTERM, &other);
    set_disposition(SIGPIPE, &ignore);
    set_disposition(SIGALRM, &standard); /* the harness has a handler */
    write_mask(bit_of(SIGTERM) | (setup->masked ? shot_mask() : 0));
}

static int release_pipe[2]; /* the child lives until the parent has closed the writing end */
static sem_t quit;          /* the helper threads live until this is posted */

static void wait_for_eof(int fd)
{
    char byte;

    while (read(fd, &byte, 1) < 0 && errno == EINTR) {
    }
}

struct helper {
    pthread_t thread;
    sem_t ready;
};

static void *help(void *argument)
{
    struct helper *helper = argument;

    sem_post(&helper->ready);
    while (sem_wait(&quit) != 0) {
    }
    return NULL;
}

static void start_helpers(struct helper *helpers, bool open)
{
    uint64_t mask = read_mask();

    write_mask(open ? 0 : ~UINT64_C(0));
    sem_init(&quit, 0, 0);
    for (int i = 0; i < HELPERS; i++) {
        if (sem_init(&helpers[i].ready, 0, 0) != 0 ||
            pthread_create(&helpers[i].thread, NULL, help, &helpers[i]) != 0) {
            broken("pthread_create");
        }
        while (sem_wait(&helpers[i].ready) != 0) {
        }
    }
    write_mask(mask);
}

static void stop_helpers(struct helper *helpers)
{
    for (int i = 0; i < HELPERS; i++) {
        sem_post(&quit);
    }
    for (int i = 0; i < HELPERS; i++) {
        pthread_join(helpers[i].thread, NULL);
    }
}

/* Records what the child finds. The child ends when the parent lets it. */
__attribute__((__noreturn__)) static void be_child(int errno_after)
{
    report->child.errno_after = errno_after;
    read_signal_state(&report->child.state);
    report->child.returned = true;
    close(release_pipe[1]);
    wait_for_eof(release_pipe[0]);
    _exit(0);
}

static void look_at_slot(void *err)
{
    report->slot_filled = err != NULL;
    if (err && library.error_get_pretty) {
        snprintf(report->text, sizeof(report->text), "%s", library.error_get_pretty(err));
    }
    if (err && library.error_free) {
        library.error_free(err);
    }
}

/* Makes the call and records its effects, in the thread that the tracer follows. */
static void make_call(const struct setup *setup)
{
    struct helper helpers[HELPERS];
    void *err = NULL;
    void **errp = setup->slot ? &err : NULL;
    int errno_after;
    pid_t pid;

    report->parent = raw_getpid();
    report->caller = raw_gettid();
    if (pipe(release_pipe) != 0) {
        broken("pipe");
    }
    set_up_signals(setup);
    if (setup->threads != ALONE) {
        start_helpers(helpers, setup->threads == THREADS_OPEN);
    }
    read_signal_state(&report->before);
    /* The tracer has the rights that this process has now, so this comes before it changes its user. */
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || (setup->fork_fails && !forbid_fork())) {
        broken("preparing the subject");
    }
    errno = ERRNO_BEFORE;
    ENTER_TRACED_CALL();
    pid = library.fork(errp);
    errno_after = errno;
    if (pid == 0) {
        be_child(errno_after);
    }
    for (int i = 0; i < SHOT_SIGNALS; i++) {
        report->handled_at_return[i] = atomic_load(&report->handled[i]);
    }
    read_signal_state(&report->after);
    report->errno_after = errno_after;
    report->result = pid;
    look_at_slot(err);
    if (setup->threads != ALONE) {
        stop_helpers(helpers);
    }
    if (setup->masked) {
        write_mask(read_mask() & ~shot_mask());
    }
    /* All checks of the parent's signals are done, so now the child may end and cause a SIGCHLD. */
    close(release_pipe[1]);
    if (pid > 0) {
        report->reaped = wait_for(pid, &report->wait_status) == pid;
    }
    report->zombies = waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD;
    report->finished = true;
}

static void *call_in_thread(void *setup)
{
    make_call(setup);
    return NULL;
}

/* Runs in the forked process. It has a group of its own, so that a shot at the group hits only it and its child. */
__attribute__((__noreturn__)) static void be_subject(struct setup *setup)
{
    setpgid(0, 0);
    if (setup->caller_is_not_main) {
        pthread_t thread;

        write_mask(~UINT64_C(0));
        if (pthread_create(&thread, NULL, call_in_thread, setup) != 0) {
            broken("pthread_create");
        }
        pthread_join(thread, NULL);
    } else {
        make_call(setup);
    }
    _exit(report->finished ? 0 : 99);
}

#endif /* PROOF_SUBJECT_H */
