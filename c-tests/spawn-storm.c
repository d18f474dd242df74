/*
 * Many signals are sent to the program while it spawns. No handler of the parent runs in a child: the handler compares
 * process ids. The parent still handles its signals afterwards, and each child ends as it should.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <sched.h>

#include "spawn.h"

static struct {
    pid_t parent;
    int handled, elsewhere, stop;
} *storm;

static pthread_t target;

static void handler(int signum)
{
    (void)signum;
    __atomic_add_fetch(syscall(SYS_getpid) == storm->parent ? &storm->handled : &storm->elsewhere, 1, __ATOMIC_SEQ_CST);
}

static void *send_signals(void *arg)
{
    while (!__atomic_load_n(&storm->stop, __ATOMIC_SEQ_CST)) {
        pthread_kill(target, SIGUSR1);
        kill(storm->parent, SIGUSR2);
        kill(-getpgrp(), SIGWINCH);
        sched_yield();
    }
    return arg;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = handler};
    enum { SPAWNS = 60 };
    int wrong = 0, handled;
    pthread_t thread;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    storm = shared_memory(sizeof(*storm));
    storm->parent = getpid();
    target = pthread_self();
    /* Signals to the group reach only this test and its children. The leader of a session has a group already. */
    if (setpgid(0, 0) != 0 && getpgrp() != getpid()) {
        bail("setpgid");
    }
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    if (pthread_create(&thread, NULL, send_signals, NULL) != 0) {
        bail("pthread_create");
    }
    for (int i = 0; i < SPAWNS; i++) {
        QemuProcessStatus status = {.end = (QemuProcessEnd)0};
        QemuSpawnOptions opts = {.size = sizeof(opts), .death_signal = i % 4 == 3 ? SIGTERM : 0};

        if (i % 3 == 2) {
            wrong += qemu_spawn(ARGS("/nowhere"), &opts, NULL) != NULL || errno != ENOENT;
        } else {
            wrong += qemu_spawn_sync(ARGS(SELF, "exit", "11"), &opts, -1, &status, NULL) != 0 || status.exit_code != 11;
        }
    }
    handled = __atomic_load_n(&storm->handled, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&storm->handled, __ATOMIC_SEQ_CST) == handled) {
        sched_yield();
    }
    ok(true, "the parent still handles its signals");
    __atomic_store_n(&storm->stop, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    is_int(wrong, 0, "every spawn had the result that it has without signals");
    is_int(storm->elsewhere, 0, "no handler has run in a child");
    ok(!child_is_left(), "no child is left");
    return done();
}
