/*
 * qemu_spawn() and what is done with a handle are no cancellation points: a thread that is to be cancelled comes back,
 * with a child or an error that is whole. Under the asynchronous type the handle may be lost with the thread, but there
 * is never half a child: each one is a program that runs, or nothing at all.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "no-leak-check.h"
#include "spawn.h"

static struct {
    QemuProcess *process;
    Error *err;
    int waited;
    bool killed, returned;
    QemuProcessStatus status;
    const QemuSpawnOptions *opts;
    const char *program;
} seen;

static void *spawn_while_cancelled(void *arg)
{
    pthread_cancel(pthread_self());
    seen.process = qemu_spawn(ARGS(seen.program, "exit", "5"), seen.opts, &seen.err);
    if (seen.process) {
        seen.waited = qemu_process_wait(seen.process, -1, &seen.status, NULL);
        seen.killed = qemu_process_kill(seen.process, SIGTERM, NULL);
        qemu_process_stop(seen.process, 0, NULL, NULL);
        qemu_process_free(seen.process);
    }
    seen.returned = true;
    pthread_testcancel();
    return arg;
}

static void deferred(const char *program, const QemuSpawnOptions *opts, const char *what)
{
    pthread_t thread;
    void *result = NULL;

    memset(&seen, 0, sizeof(seen));
    seen.program = program;
    seen.opts = opts;
    if (pthread_create(&thread, NULL, spawn_while_cancelled, NULL) != 0) {
        bail("pthread_create");
    }
    pthread_join(thread, &result);
    ok(seen.returned && result == PTHREAD_CANCELED, "%s: the thread comes back, and is cancelled then", what);
    if (strcmp(program, SELF) == 0) {
        ok(seen.process && seen.waited == 1 && seen.status.exit_code == 5 && !seen.killed, "%s: the child has run",
           what);
    } else {
        ok(!seen.process && seen.err, "%s: there is an error", what);
        error_free(seen.err);
    }
    ok(!has_child(), "%s: no child is left", what);
}

static sem_t ready;
static int spawns;

static void *spawn_for_ever(void *arg)
{
    const QemuSpawnOptions *opts = (const QemuSpawnOptions *)arg;
    int old;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    sem_post(&ready);
    for (;;) {
        QemuProcess *process = qemu_spawn(ARGS(SELF, "exit", "5"), opts, NULL);

        __atomic_add_fetch(&spawns, 1, __ATOMIC_SEQ_CST);
        qemu_process_wait(process, -1, NULL, NULL);
        /* The handle is not freed: a thread may not be cancelled so within free(). */
    }
    return NULL;
}

/* Cancels at any moment. Whatever was begun is a program: it ends by itself, with its own status. */
static void asynchronous(void)
{
    enum { ROUNDS = 30 };
    int wrong = 0, status;

    for (int i = 0; i < ROUNDS; i++) {
        int before = __atomic_load_n(&spawns, __ATOMIC_SEQ_CST);
        void *result = NULL;
        pthread_t thread;

        if (pthread_create(&thread, NULL, spawn_for_ever, NULL) != 0) {
            bail("pthread_create");
        }
        while (sem_wait(&ready) != 0) {
        }
        while (i % 3 == 2 && __atomic_load_n(&spawns, __ATOMIC_SEQ_CST) == before) {
            sched_yield();
        }
        pthread_cancel(thread);
        pthread_join(thread, &result);
        wrong += result != PTHREAD_CANCELED;
        for (;;) {
            pid_t pid = waitpid(-1, &status, __WALL);

            if (pid == -1 && errno == ECHILD) {
                break;
            }
            /* One whose handle was lost, and which nobody else reaps. */
            wrong += pid > 0 && status != 5 << 8;
        }
    }
    is_int(wrong, 0, "cancelled at any moment: every child that was begun is a program with its own end");
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "8"), NULL)), 8, "and the next spawn works");
    ok(own_mask() == 0, "with the mask that it was called with");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    sem_init(&ready, 0, 0);
    deferred(SELF, NULL, "success");
    deferred(SELF, OPTIONS(.death_signal = SIGTERM), "success with a death signal");
    deferred("/nowhere", NULL, "failure");
    deferred("/bin/true", OPTIONS(.flags = UINT64_C(1) << 50), "senseless options");
    asynchronous();
    ok(!has_child(), "no child is left");
    return done();
}
