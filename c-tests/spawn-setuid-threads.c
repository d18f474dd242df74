/*
 * Other threads call setuid() while this one spawns. To the kernel the user belongs to a thread, so libc sends a signal
 * to every thread and waits until each has changed its own. A thread that has that signal blocked and waits for a lock
 * that the caller of setuid() holds would wait for ever. So the library, while it has signals blocked, creates no
 * thread, allocates no memory, and does not call libc's fork() with its handlers. Every run must come to its end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forced-ways.h"
#include "watched.h"

static bool ends_now;

static bool goes_on(void)
{
    return !__atomic_load_n(&ends_now, __ATOMIC_SEQ_CST);
}

/* The user and group stay the same. libc signals all threads nevertheless. */
static void *change_user(void *arg)
{
    while (goes_on()) {
        if (setuid(getuid()) != 0 || setgid(getgid()) != 0) {
            _exit(95);
        }
        if (geteuid() == 0 && setgroups(0, NULL) != 0) {
            _exit(94);
        }
        sched_yield();
    }
    return arg;
}

static pthread_t start(void *(*body)(void *), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, arg) != 0) {
        _exit(96);
    }
    return thread;
}

static void spawn_some(int number, int death_signal)
{
    for (int i = 0; i < number; i++) {
        QemuProcessStatus status = {.exit_code = -1};
        int result = qemu_spawn_sync(ARGS(SELF, "exit", "3"), OPTIONS(.death_signal = death_signal), -1, &status, NULL);

        if (result != 0 || status.exit_code != 3) {
            tell("errno %d, exit code %d\n", errno, status.exit_code);
            _exit(1);
        }
        progress();
    }
}

/* ---- death signals, from a thread that is not the main one ---- */

static void *spawn_mortals(void *arg)
{
    spawn_some(10, SIGKILL);
    return arg;
}

static void with_death_signals(void *way)
{
    pthread_t changing, also, spawning;

    force_way(way);
    changing = start(change_user, NULL);
    also = start(change_user, NULL);
    spawning = start(spawn_mortals, NULL);
    pthread_join(spawning, NULL);
    __atomic_store_n(&ends_now, true, __ATOMIC_SEQ_CST);
    pthread_join(changing, NULL);
    pthread_join(also, NULL);
}

/* ---- the handlers of pthread_atfork() ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int *handlers; /* how often they ran, in parent and child; in shared memory */

static void lock(void)
{
    __atomic_add_fetch(handlers, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    __atomic_add_fetch(handlers, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&mutex);
}

static void *do_nothing(void *arg)
{
    return arg;
}

/* Creates threads and allocates memory while it holds the mutex. */
static void *work_under_mutex(void *arg)
{
    while (goes_on()) {
        pthread_mutex_lock(&mutex);
        pthread_join(start(do_nothing, NULL), NULL);
        free(malloc(1 << 20));
        pthread_mutex_unlock(&mutex);
        sched_yield();
    }
    return arg;
}

static void with_handlers(void *way)
{
    pthread_t changing, working;

    force_way(way);
    if (pthread_atfork(lock, unlock, unlock) != 0) {
        _exit(96);
    }
    *handlers = 0;
    changing = start(change_user, NULL);
    working = start(work_under_mutex, NULL);
    spawn_some(40, 0);
    tell("%d runs of handlers", *handlers);
    __atomic_store_n(&ends_now, true, __ATOMIC_SEQ_CST);
    pthread_join(changing, NULL);
    pthread_join(working, NULL);
}

int main(int argc, char **argv)
{
    enum { RUNS = 8 };

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    handlers = shared_memory(sizeof(*handlers));
    for (int i = 0; i < FORCED_WAYS; i++) {
        char what[128];
        bool comes = true;

        /* The library may create its helper thread for the first spawn only, so several processes are needed. */
        for (int run = 0; run < RUNS && comes; run++) {
            snprintf(what, sizeof(what), "%s: spawns with a death signal during setuid(), run %d",
                     forced_ways[i].name, run + 1);
            comes = run_watched(with_death_signals, (void *)(uintptr_t)&forced_ways[i], what);
        }
        snprintf(what, sizeof(what), "%s: spawns during setuid(), while another thread holds a lock",
                 forced_ways[i].name);
        if (run_watched(with_handlers, (void *)(uintptr_t)&forced_ways[i], what)) {
            is_str(watched->words, "0 runs of handlers", "a spawn runs no pthread_atfork() handlers");
        }
    }
    return done();
}
