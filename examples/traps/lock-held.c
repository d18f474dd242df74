/*
 * The child waits for a lock that is never released.
 *
 * A child has one thread, the one that forked. A lock that another thread held at that moment stays locked in it for
 * ever: malloc's, stdio's, or as here that of the program's log.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include "trap.h"

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t in_the_middle, go_on;

/* A thread that is in the middle of writing to the log while the other one starts a program. */
static void *log_something_long(void *unused)
{
    pthread_mutex_lock(&log_lock);
    pthread_barrier_wait(&in_the_middle);
    pthread_barrier_wait(&go_on);
    pthread_mutex_unlock(&log_lock);
    return unused;
}

static bool child_would_hang(void)
{
    const char *const argv[] = {"/etc/not-there", NULL};
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execv(argv[0], (char **)argv);
        /* It wants to log why. pthread_mutex_lock() would not return; this function says that it would not. */
        _exit(pthread_mutex_trylock(&log_lock) == EBUSY ? 99 : 0);
    }
    status = wait_status(pid);
    printf("fork(): the child %s\n", WEXITSTATUS(status) == 99 ? "would wait for the log's lock for ever" : "goes on");
    return WEXITSTATUS(status) == 99;
}

/* No code of the program runs in the child. The parent gets the error, and it has all threads. */
static Error *parent_is_told(void)
{
    const char *const argv[] = {"/etc/not-there", NULL};
    Error *err = NULL;

    qemu_spawn(argv, NULL, &err);
    return err;
}

int main(void)
{
    pthread_t thread;
    bool trapped;
    Error *err;

    pthread_barrier_init(&in_the_middle, NULL, 2);
    pthread_barrier_init(&go_on, NULL, 2);
    if (pthread_create(&thread, NULL, log_something_long, NULL) != 0) {
        abort();
    }
    pthread_barrier_wait(&in_the_middle);
    trapped = child_would_hang();
    err = parent_is_told();
    pthread_barrier_wait(&go_on);

    pthread_mutex_lock(&log_lock);
    printf("qemu_spawn(): %s\n", err ? error_get_pretty(err) : "no error");
    pthread_mutex_unlock(&log_lock);
    pthread_join(thread, NULL);
    trapped = outcome(trapped, err != NULL) != 0;
    error_free(err);
    return trapped;
}
