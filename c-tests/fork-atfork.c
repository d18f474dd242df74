/*
 * pthread_atfork() handlers run as with fork(): once each, in their order, in the right process, with every signal
 * blocked. In the child they may even start a thread, as QEMU's RCU does.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <semaphore.h>

#include <qemu-fork.h>

#include "child.h"
#include "interpose-fork.h"

static char trace[64]; /* not shared: parent and child each have their own */
static int masks_not_full;

static void note(const char *what)
{
    strcat(trace, what);
    masks_not_full += (own_mask() & BLOCKABLE) != BLOCKABLE;
}

static void prepare_1(void)
{
    note(" prepare1");
}

static void parent_1(void)
{
    note(" parent1");
}

static void child_1(void)
{
    note(" child1");
}

static void prepare_2(void)
{
    note(" prepare2");
}

static void parent_2(void)
{
    note(" parent2");
}

static pthread_t helper;
static sem_t question, answer;
static int argument;

static void *help(void *arg)
{
    while (sem_wait(&question) != 0) {
    }
    argument += 41;
    sem_post(&answer);
    return arg;
}

static void child_2(void)
{
    note(" child2");
    argument = pthread_create(&helper, NULL, help, &argument) == 0 ? 0 : -1000;
}

/* The child's verdict: 0, or which of its checks failed. */
static int inspect_child(void)
{
    void *result = NULL;

    if (strcmp(trace, " prepare2 prepare1 child1 child2") != 0) {
        return 1;
    }
    if (masks_not_full != 0) {
        return 2;
    }
    if (own_mask() != 0) {
        return 3;
    }
    argument++;
    sem_post(&question);
    while (sem_wait(&answer) != 0) {
    }
    if (argument != 42) {
        return 4;
    }
    if (pthread_join(helper, &result) != 0 || result != &argument) {
        return 5;
    }
    return 0;
}

int main(void)
{
    pid_t pid;

    if (BLOCKABLE != ALL_BLOCKABLE) {
        skip("whether each and every signal is blocked", "this machine's system lacks some signals");
    }
    sem_init(&question, 0, 0);
    sem_init(&answer, 0, 0);
    if (pthread_atfork(prepare_1, parent_1, child_1) != 0 || pthread_atfork(prepare_2, parent_2, child_2) != 0) {
        bail("pthread_atfork");
    }
    for (int i = 0; i < 3; i++) {
        trace[0] = '\0';
        errno = ERANGE;
        pid = qemu_fork(NULL);
        if (pid == 0) {
            _exit(inspect_child());
        }
        is_int(errno, ERANGE, "errno is what it was");
        ok(pid > 0, "the parent gets a process id");
        is_str(trace, " prepare2 prepare1 parent1 parent2", "the parent's handlers run once each, in their order");
        is_int(masks_not_full, 0, "every signal is blocked while they run");
        is_int(wait_for(pid), 0, "the child's have run, and its thread works");
    }

    trace[0] = '\0';
    interposed_fork.error = EAGAIN;
    is_int(qemu_fork(NULL), -1, "a fork() that fails without calling handlers");
    is_str(trace, "", "has no handler called by the library");
    return done();
}
