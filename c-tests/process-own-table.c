/*
 * A thread with a table of descriptors of its own. Its handles work in this thread. In another thread the number in a
 * handle may be the descriptor of another process, which then gets the signal: what qemu_spawn(3) warns of in CAVEATS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include <sched.h>

#include "handle.h"

static QemuProcess *of_thread;
static pthread_barrier_t barrier;

/* Gives a child a number that is free in both tables. */
static void *use_own_table(void *arg)
{
    QemuProcess *process;
    bool *has_own = arg;

    *has_own = unshare(CLONE_FILES) == 0;
    of_thread = must_spawn(ARGS(SELF, "pause"), NULL);
    pthread_barrier_wait(&barrier); /* it can be looked at */
    pthread_barrier_wait(&barrier); /* the other thread has used it */
    if (*has_own) {
        is_int(wait_ms(of_thread, 0), TIMED_OUT, "the child of the thread with a table of its own has got no signal");
        ok(qemu_process_stop(of_thread, 90000, NULL, NULL), "in its own thread the handle works");
        qemu_process_free(of_thread);
        process = must_spawn(ARGS(SELF, "exit", "5"), NULL);
        is_int(end_of(process), 5, "and a new one does");
    }
    return NULL;
}

int main(int argc, char **argv)
{
    QemuProcess *process;
    pthread_t thread;
    bool has_own = false;
    int number;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (IS_EMULATED) {
        skip_all("the emulator keeps one table of descriptors for all threads");
    }
    if (pthread_barrier_init(&barrier, NULL, 2) != 0 ||
        pthread_create(&thread, NULL, use_own_table, &has_own) != 0) {
        bail("a thread");
    }
    pthread_barrier_wait(&barrier);
    number = qemu_process_pidfd(of_thread);
    if (!has_own || number == -1) {
        qemu_process_stop(of_thread, 0, NULL, NULL);
        has_own = false;
        pthread_barrier_wait(&barrier);
        pthread_join(thread, NULL);
        skip_all("no thread can have descriptors of its own here, or there are no descriptors of processes");
    }
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    if (qemu_process_pidfd(process) != number) {
        if (dup2(qemu_process_pidfd(process), number) != number) {
            bail("dup2");
        }
    }
    ok(qemu_process_kill(of_thread, SIGUSR1, NULL), "a signal through the number of the other table is sent");
    is_int(wait_ms(process, -1), KILLED_BY + SIGUSR1, "to the process that has this number here");
    qemu_process_free(process);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    ok(!has_child(), "no child is left");
    return done();
}
