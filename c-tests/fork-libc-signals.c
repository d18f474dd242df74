/*
 * The child leaves the signals that libc keeps for itself, 32 and 33 (musl: 34 too), as they were. So it can cancel
 * threads that it makes, and change its ids. Both need the handler that libc installs only once.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <semaphore.h>

#include <qemu-fork.h>

#include "child.h"
#include "mask.h"

static sem_t never, enough;

static void *wait_for_cancel(void *arg)
{
    while (sem_wait(&never) != 0) {
    }
    return arg;
}

static void *wait_for_enough(void *arg)
{
    while (sem_wait(&enough) != 0) {
    }
    return arg;
}

/*
 * Returns 0 if ids can be set while there is another thread, and a thread can be cancelled; otherwise a number for the
 * one that failed. Two threads are needed: if a thread is cancelled while it is in its handler for the ids, glibc may
 * lose the cancellation, without any fork.
 */
static int use_libc_signals(void)
{
    void *result = NULL;
    pthread_t thread;

    if (pthread_create(&thread, NULL, wait_for_enough, NULL) != 0) {
        return 1;
    }
    if (setgid(getgid()) != 0) {
        return 2;
    }
    if (sem_post(&enough) != 0 || pthread_join(thread, NULL) != 0) {
        return 3;
    }
    if (pthread_create(&thread, NULL, wait_for_cancel, NULL) != 0) {
        return 4;
    }
    if (pthread_cancel(thread) != 0) {
        return 5;
    }
    if (pthread_join(thread, &result) != 0 || result != PTHREAD_CANCELED) {
        return 6;
    }
    return 0;
}

static uint64_t kept(const char *field)
{
    return status_set("/proc/self/status", field) & LIBC_SIGNALS;
}

static void check(const char *what)
{
    uint64_t caught = kept("SigCgt"), ignored = kept("SigIgn");
    struct {
        uint64_t caught, ignored;
    } *child = shared_memory(sizeof(*child));
    pid_t pid;

    printf("# %s: libc catches 0x%llx\n", what, (unsigned long long)caught);
    pid = qemu_fork(NULL);
    if (pid == 0) {
        child->caught = kept("SigCgt");
        child->ignored = kept("SigIgn");
        _exit(use_libc_signals());
    }
    if (pid == -1) {
        bail("qemu_fork");
    }
    is_int(wait_for(pid), 0, "in the child pthread_cancel() and setgid() work");
    ok(child->caught == caught, "those that have a handler in the parent have it in the child");
    ok(child->ignored == ignored, "none is ignored that was not");
    munmap(child, sizeof(*child));
}

int main(void)
{
    sem_init(&never, 0, 0);
    sem_init(&enough, 0, 0);
    check("before there was a thread");
    is_int(use_libc_signals(), 0, "in the parent pthread_cancel() and setgid() work");
    ok(kept("SigCgt") != 0, "libc has a handler now");
    check("after that");
    return done();
}
