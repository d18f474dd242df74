/*
 * The child's half of qemu_fork() calls no malloc: another thread may have held its lock when the process was copied.
 * Here every call of malloc(), calloc(), realloc() or free() in a child aborts it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc.h"

#include <pthread.h>

#include <qemu-fork.h>

#include "child.h"
#include "seccomp.h"

static volatile bool poisoned;
static int *poisonings; /* shared: how many processes were */

static void abort_if_poisoned(const char *name)
{
    if (poisoned) {
        (void)!write(STDERR_FILENO, name, strlen(name));
        abort();
    }
}

/* fork() calls this in the child just before it returns, so from here on only the library's code runs. */
static void poison(void)
{
    poisoned = true;
    __atomic_add_fetch(poisonings, 1, __ATOMIC_SEQ_CST);
}

static void child_that_mallocs(void *arg)
{
    void *(*volatile function)(size_t) = malloc;

    (void)arg;
    poison();
    (void)function(1);
}

static void fork_well(void *arg)
{
    pid_t pid;

    (void)arg;
    pthread_atfork(NULL, NULL, poison);
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(7);
    }
    exit(pid > 0 && wait_for(pid) == 7 << 8 ? 0 : 1);
}

static void fork_and_fail_to_unblock(void *arg)
{
    pid_t pid;

    (void)arg;
    pthread_atfork(NULL, NULL, poison);
    sigmask_fails_in_child(4095);
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(7);
    }
    exit(pid > 0 && wait_for(pid) == 0x100 ? 0 : 1);
}

int main(void)
{
    struct ending ending;
    const char *why;
    char text[128];

    need_own_malloc();
    why = why_no_seccomp();
    poisonings = shared_memory(sizeof(*poisonings));
    interposed_malloc.hook = abort_if_poisoned;
    ending = run_child(child_that_mallocs, NULL);
    dies_of(&ending, SIGABRT, "a child that calls malloc");
    is_str(ending.text, "malloc", "and it was malloc");
    ending = run_child(fork_well, NULL);
    exits_with(&ending, 0, "the child of qemu_fork() lives, and its parent");
    is_str(ending.text, "", "it called nothing of the kind");
    is_int(*poisonings, 2, "both children would have been aborted");
    if (why) {
        skip("a child that cannot unblock its signals", why);
        return done();
    }
    ending = run_child(fork_and_fail_to_unblock, NULL);
    exits_with(&ending, 0, "the child that cannot unblock its signals ends with 1, and its parent");
    snprintf(text, sizeof(text), "cannot unblock signals: %s\n", strerror(4095));
    is_str(ending.text, text, "it called nothing of the kind");
    is_int(*poisonings, 3, "it would have been aborted");
    return done();
}
