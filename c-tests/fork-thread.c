/*
 * qemu_fork() in a thread that is not the main thread. It works as in the main thread, and does not affect the other
 * threads: their masks and the handlers of the process never change, not even for a moment.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <semaphore.h>

#include <sys/syscall.h>

#include <qemu-fork.h>

#include "child.h"
#include "mask.h"

enum { OTHERS = 3 };

static sem_t ready, finish;

static struct other {
    pthread_t thread;
    int signum; /* the one signal that it has blocked */
    char status[64];
} others[OTHERS];

static int changed_during_fork;
static struct sigaction before[NSIG];

static void handler(int signum)
{
    (void)signum;
}

static void *wait_to_finish(void *arg)
{
    struct other *other = (struct other *)arg;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, other->signum);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    snprintf(other->status, sizeof(other->status), "/proc/self/task/%ld/status", syscall(SYS_gettid));
    sem_post(&ready);
    while (sem_wait(&finish) != 0) {
    }
    return bits_of(&set) == own_mask() ? arg : NULL;
}

static bool same_action(int signum)
{
    struct sigaction now;

    return sigaction(signum, NULL, &now) != 0 ||
           (now.sa_handler == before[signum].sa_handler && now.sa_flags == before[signum].sa_flags &&
            bits_of(&now.sa_mask) == bits_of(&before[signum].sa_mask));
}

/* The number of masks and handlers in the rest of the process that have changed. */
static int changes(void)
{
    int n = 0;

    for (int i = 0; i < OTHERS; i++) {
        n += status_set(others[i].status, "SigBlk") != BIT(others[i].signum);
    }
    for (int sig = 1; sig < NSIG; sig++) {
        n += !same_action(sig);
    }
    return n;
}

static void look(void)
{
    changed_during_fork += changes();
}

/* The child's verdict: 0, or which of its checks failed. */
static int inspect_child(void)
{
    if (syscall(SYS_gettid) != getpid()) {
        return 1;
    }
    if (own_mask() != 0) {
        return 2;
    }
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction action;

        if (sigaction(sig, NULL, &action) == 0 && (LIBC_SIGNALS & BIT(sig)) == 0 && action.sa_handler != SIG_DFL) {
            return 3;
        }
    }
    return 0;
}

static void *fork_here(void *arg)
{
    uint64_t mask;
    pid_t pid;

    block_a_few();
    mask = own_mask();
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(inspect_child());
    }
    ok(pid > 0, "the thread gets a process id");
    ok(own_mask() == mask, "its mask is what it was");
    is_int(wait_for(pid), 0, "the child has one thread, default dispositions and an empty mask");
    return arg;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    const int signums[OTHERS] = {SIGUSR1, SIGTERM, SIGRTMIN + 4};
    uint64_t mask = own_mask();
    pthread_t forker;
    int unchanged = 0;

    if (!proc_tells_masks()) {
        skip_all("/proc does not tell the signal masks of the program, but of an emulator");
    }
    sem_init(&ready, 0, 0);
    sem_init(&finish, 0, 0);
    sigaddset(&action.sa_mask, SIGUSR2);
    for (int sig = 1; sig < NSIG; sig++) {
        sigaction(sig, &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < OTHERS; i++) {
        others[i].signum = signums[i];
        if (pthread_create(&others[i].thread, NULL, wait_to_finish, &others[i]) != 0) {
            bail("pthread_create");
        }
        while (sem_wait(&ready) != 0) {
        }
    }
    for (int sig = 1; sig < NSIG; sig++) {
        sigaction(sig, NULL, &before[sig]);
    }
    is_int(changes(), 0, "the test sees the others as they are");
    if (pthread_atfork(look, look, NULL) != 0) {
        bail("pthread_atfork");
    }
    if (pthread_create(&forker, NULL, fork_here, NULL) != 0) {
        bail("pthread_create");
    }
    pthread_join(forker, NULL);
    is_int(changed_during_fork, 0, "nothing else changes during the fork");
    is_int(changes(), 0, "nor is anything else changed after it");
    ok(own_mask() == mask, "the main thread's mask is what it was");
    for (int i = 0; i < OTHERS; i++) {
        sem_post(&finish);
    }
    for (int i = 0; i < OTHERS; i++) {
        void *result = NULL;

        pthread_join(others[i].thread, &result);
        unchanged += result == &others[i];
    }
    is_int(unchanged, OTHERS, "the other threads find their masks as they were");
    return done();
}
