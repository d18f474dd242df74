/*
 * Several threads spawn at the same time, and each has its own results. Several threads use one handle at the same
 * time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include "spawn.h"

enum { THREADS = 4, SPAWNS = IS_EMULATED ? 5 : 25 };

struct worker {
    pthread_t thread;
    int number, wrong;
    QemuProcess *process;
    QemuProcessStatus status;
    int result, taken;
};

static void start(struct worker *workers, void *(*work)(void *))
{
    for (int i = 0; i < THREADS; i++) {
        workers[i].number = i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            bail("pthread_create");
        }
    }
}

static void finish(struct worker *workers)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
    }
}

/* Exit codes and names differ between threads, so that a result of another thread is noticed. */
static void *spawn_many(void *arg)
{
    struct worker *worker = (struct worker *)arg;

    for (int i = 0; i < SPAWNS; i++) {
        const int code = worker->number * 50 + i;
        char number[16], name[32];
        QemuProcessStatus status = {.end = (QemuProcessEnd)0};
        QemuSpawnOptions opts = {.size = sizeof(opts), .death_signal = i % 5 == 0 ? SIGTERM : 0};
        Error *err = NULL;

        snprintf(number, sizeof(number), "%d", code);
        worker->wrong += qemu_spawn_sync(ARGS(SELF, "exit", number), &opts, -1, &status, &err) != 0 || err ||
                         status.end != QEMU_PROCESS_EXITED || status.exit_code != code;
        snprintf(name, sizeof(name), "/nowhere/%d", code);
        worker->wrong += qemu_spawn(ARGS(name), &opts, &err) != NULL || errno != ENOENT || !err ||
                         !strstr(error_get_pretty(err), name);
        error_free(err);
    }
    return NULL;
}

/* These are the first spawns of the process, so each thread finds out at the same time what the system allows. */
static void check_spawns(void)
{
    struct worker workers[THREADS] = {{0}};
    int wrong = 0;

    start(workers, spawn_many);
    finish(workers);
    for (int i = 0; i < THREADS; i++) {
        wrong += workers[i].wrong;
    }
    is_int(wrong, 0, "four threads spawn a hundred programs, and each gets its own");
    ok(!child_is_left(), "no child is left");
}

static void *wait_here(void *arg)
{
    struct worker *worker = (struct worker *)arg;

    worker->taken = qemu_process_take_fd(worker->process, 1);
    worker->result = qemu_process_wait(worker->process, -1, &worker->status, NULL);
    worker->wrong = qemu_process_kill(worker->process, SIGKILL, NULL) || errno != ESRCH;
    return NULL;
}

static void check_handle(bool killed)
{
    struct worker workers[THREADS] = {{0}};
    QemuProcess *process = must_spawn(ARGS(SELF, killed ? "pause" : "cat"),
                                      OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT));
    int to_child = qemu_process_take_fd(process, 0);
    int ended = 0, taken = 0, wrong = 0;

    for (int i = 0; i < THREADS; i++) {
        workers[i].process = process;
    }
    start(workers, wait_here);
    if (killed) {
        ok(qemu_process_stop(process, -1, NULL, NULL), "stopped while others wait");
    }
    close(to_child);
    finish(workers);
    for (int i = 0; i < THREADS; i++) {
        const QemuProcessStatus *status = &workers[i].status;
        bool as_expected = killed ? status->end == QEMU_PROCESS_SIGNALED && status->term_signal == SIGTERM
                                  : status->end == QEMU_PROCESS_EXITED && status->exit_code == 0;

        ended += workers[i].result == 1 && as_expected;
        taken += workers[i].taken >= 0;
        wrong += workers[i].wrong;
        if (workers[i].taken >= 0) {
            close(workers[i].taken);
        }
    }
    is_int(ended, THREADS, "every waiting thread gets the status");
    is_int(taken, 1, "only one thread gets the pipe");
    is_int(wrong, 0, "no thread can send a signal after the end");
    qemu_process_free(process);
    ok(!child_is_left(), "no child is left");
}

/* Signals while the child ends: each is sent to the child or refused with ESRCH. */
static void *kill_until_refused(void *arg)
{
    struct worker *worker = (struct worker *)arg;

    while (qemu_process_kill(worker->process, 0, NULL)) {
        worker->result++;
    }
    worker->wrong = errno != ESRCH;
    return NULL;
}

static void check_kill(void)
{
    int wrong = 0;

    for (int round = 0; round < 10; round++) {
        struct worker workers[THREADS] = {{0}};
        QemuProcess *process = must_spawn(ARGS(SELF, "exit", "2"), NULL);

        for (int i = 0; i < THREADS; i++) {
            workers[i].process = process;
        }
        start(workers, kill_until_refused);
        finish(workers);
        for (int i = 0; i < THREADS; i++) {
            wrong += workers[i].wrong;
        }
        wrong += end_of(process) != 2;
    }
    is_int(wrong, 0, "a signal that is sent while the child ends succeeds, or fails with ESRCH");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    check_spawns();
    check_handle(false);
    check_handle(true);
    check_kill();
    return done();
}
