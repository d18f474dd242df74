/*
 * One thread sends signals while another forks. Queued signals to the process are all delivered to the parent, once and
 * in order. Other signals go to the process group, so also to a child that has just been made. The parent's handler
 * never runs in the child; such a signal may end the child, because that is the default.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <sched.h>

#include <qemu-fork.h>

#include "child.h"
#include "mask.h"

/* The number of signals for each fork. It is small, because all processes of the user share the queue. */
enum { FORKS = IS_EMULATED ? 50 : 500, A_FORK = 20 };

static struct {
    int handled_in_child;
    int wrong_children;
} *shared;

static pid_t parent;
static volatile sig_atomic_t to_group;
static volatile int received, out_of_order;
static int sent, forks;

static void handler(int signum, siginfo_t *info, void *context)
{
    (void)context;
    if (getpid() != parent) {
        __atomic_add_fetch(&shared->handled_in_child, 1, __ATOMIC_SEQ_CST);
        return;
    }
    if (signum == SIGUSR1) {
        to_group = 1;
        return;
    }
    out_of_order += info->si_value.sival_int != received;
    received++;
}

/* The main thread receives: this one has every signal blocked. */
static void *send_signals(void *arg)
{
    while (sent < FORKS * A_FORK) {
        if (sent >= (__atomic_load_n(&forks, __ATOMIC_SEQ_CST) + 1) * A_FORK) {
            sched_yield();
        } else if (sigqueue(parent, SIGRTMIN + 1, (union sigval){.sival_int = sent}) == 0) {
            sent++;
            kill(0, SIGUSR1);
        } else if (errno != EAGAIN) {
            bail("sigqueue");
        } else {
            sched_yield(); /* the queue is full */
        }
    }
    return arg;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t all, none, pending;
    pthread_t sender;

    shared = shared_memory(sizeof(*shared));
    parent = getpid();
    /* A group of its own; a session's leader has one. */
    if (setpgid(0, 0) != 0 && getpgrp() != parent) {
        bail("setpgid");
    }
    sigfillset(&action.sa_mask);
    sigaction(SIGRTMIN + 1, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (pthread_create(&sender, NULL, send_signals, NULL) != 0) {
        bail("pthread_create");
    }
    sigprocmask(SIG_SETMASK, &none, NULL);

    for (int i = 0; i < FORKS; i++) {
        pid_t pid = qemu_fork(NULL);
        int status;

        if (pid == 0) {
            sigpending(&pending);
            _exit(bits_of(&pending) != 0);
        }
        if (pid == -1) {
            bail("qemu_fork");
        }
        __atomic_add_fetch(&forks, 1, __ATOMIC_SEQ_CST);
        status = wait_for(pid);
        shared->wrong_children += status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    }
    pthread_join(sender, NULL);

    /* What was sent last is still pending or has been delivered: blocked, the two can be told apart. */
    sigprocmask(SIG_SETMASK, &all, NULL);
    while (sigpending(&pending) == 0 && sigismember(&pending, SIGRTMIN + 1) == 1) {
        sigdelset(&all, SIGRTMIN + 1);
        sigsuspend(&all);
    }
    is_int(sent, FORKS * A_FORK, "all were sent");
    is_int(received, sent, "as many were delivered");
    is_int(out_of_order, 0, "in the order in which they were sent");
    ok(to_group, "the parent got those to the group");
    is_int(shared->handled_in_child, 0, "the handler never ran in a child");
    is_int(shared->wrong_children, 0, "every child had nothing pending, and ended well or of one to the group");
    return done();
}
