/*
 * Threads that are cancelled while they spawn. qemu_spawn() is no cancellation point. With the asynchronous cancel type
 * the handle may be lost, but every child has executed its program.
 *
 * SPDX-License-Identifier: MIT
 */
#include "no-leak-check.h"
#include "handle.h"

enum { DEFERRED = IS_EMULATED ? 5 : 25, ASYNCHRONOUS = IS_EMULATED ? 8 : 40, AT_MOST = 64 };

/* How many programs have run: each writes a byte into this pipe. */
static int programs[2];

/* ---- deferred: a pending request is still pending afterwards ---- */

static QemuProcess *first;
static int end_of_first, end_of_failure, end_of_sync, end_of_stop;
static bool came_through;

static void *spawn_when_cancelled(void *arg)
{
    QemuProcessStatus status = {.exit_code = -1};

    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    pthread_cancel(pthread_self());
    first = qemu_spawn(ARGS(SELF, "exit", "3"), NULL, NULL);
    end_of_first = first ? wait_ms(first, -1) : NOT_WAITED;
    qemu_process_free(first);
    errno = 0;
    end_of_failure = qemu_spawn(ARGS("/nowhere/at/all"), NULL, NULL) ? 0 : errno;
    end_of_sync = qemu_spawn_sync(ARGS(SELF, "exit", "4"), NULL, -1, &status, NULL) ? NOT_WAITED : ending_of(&status);
    first = qemu_spawn(ARGS(SELF, "pause"), NULL, NULL);
    end_of_stop = first && qemu_process_stop(first, 90000, &status, NULL) ? ending_of(&status) : NOT_WAITED;
    qemu_process_free(first);
    came_through = true;
    pthread_testcancel();
    came_through = false;
    return arg;
}

static void test_deferred(void)
{
    int wrong = 0, not_cancelled = 0, left = 0, before = count_descriptors();

    for (int i = 0; i < DEFERRED; i++) {
        pthread_t thread;
        void *result;

        end_of_first = end_of_failure = end_of_sync = end_of_stop = NOT_WAITED;
        came_through = false;
        if (pthread_create(&thread, NULL, spawn_when_cancelled, NULL) != 0) {
            bail("pthread_create");
        }
        pthread_join(thread, &result);
        wrong += end_of_first != 3 || end_of_failure != ENOENT || end_of_sync != 4 ||
                 end_of_stop != KILLED_BY + SIGTERM;
        not_cancelled += result != PTHREAD_CANCELED || !came_through;
        left += child_is_left();
    }
    is_int(wrong, 0, "deferred: spawning, waiting and stopping are no cancellation points");
    is_int(not_cancelled, 0, "the request is heard at the next one");
    is_int(left, 0, "no child is left");
    is_int(count_descriptors(), before, "no descriptor is left");
}

/* ---- asynchronous: a request takes effect anywhere ---- */

static struct {
    QemuProcess *volatile handles[AT_MOST];
    volatile int begun; /* how many spawns */
} async;

/* In musl a request that came while cancellation was disabled takes effect only at the next cancellation point. */
static void hear_of_cancellation(void)
{
#ifndef __GLIBC__
    pthread_testcancel();
#endif
}

static void *spawn_for_ever(void *opts)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    while (async.begun < AT_MOST) {
        async.begun++;
        async.handles[async.begun - 1] = qemu_spawn(ARGS(SELF, "run"), opts, NULL);
        hear_of_cancellation();
    }
    for (;;) {
        pause();
    }
    return NULL;
}

/* Reaps every child of this process, and returns their number. `wrong` counts those with an unexpected status. */
static int reap_all(int *wrong)
{
    int children = 0, status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, __WALL)) > 0 || (pid == -1 && errno == EINTR)) {
        if (pid > 0) {
            children++;
            *wrong += status != 3 << 8;
        }
    }
    return children;
}

/* A thread that spawns for ever is cancelled in its first spawn, or a later one; the clock of the machine chooses the
 * place in it. False: it has ended in another way. */
static bool cancel_somewhere(void *(*start)(void *), const QemuSpawnOptions *opts, int i)
{
    pthread_t thread;
    void *result;

    memset(&async, 0, sizeof(async));
    if (pthread_create(&thread, NULL, start, (void *)(uintptr_t)opts) != 0) {
        bail("pthread_create");
    }
    while (async.begun < 1 + i % 3) {
        sched_yield();
    }
    for (volatile int spin = 0; spin < i % 20 * 500; spin++) {
    }
    pthread_cancel(thread);
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}

static void test_asynchronous(const QemuSpawnOptions *opts, const char *what)
{
    int children = 0, wrong = 0, not_cancelled = 0, lost = 0, lost_more = 0, ran = 0;

    for (int i = 0; i < ASYNCHRONOUS; i++) {
        not_cancelled += !cancel_somewhere(spawn_for_ever, opts, i);
        for (int handle = 0; handle < AT_MOST; handle++) {
            if (async.handles[handle]) {
                int end = wait_ms(async.handles[handle], -1);

                children++;
                wrong += end != 3;
                qemu_process_free(async.handles[handle]);
            }
        }
        {
            int more = reap_all(&wrong);

            children += more;
            lost += more;
            lost_more += more > 1;
        }
    }
    close(programs[1]);
    while (get_byte(programs[0]) != 0) {
        ran++;
    }
    printf("# %s: %d children, %d of them without a handle\n", what, children, lost);
    is_int(not_cancelled, 0, "asynchronous: the thread is cancelled");
    is_int(wrong, 0, "every child has become its program");
    is_int(ran, children, "as many programs have run as there were children");
    is_int(lost_more, 0, "a thread that is cancelled loses one handle at the most");
}

static void *fail_for_ever(void *opts)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) {
        async.begun++;
        (void)qemu_spawn(ARGS("/nowhere/at/all"), opts, NULL);
        hear_of_cancellation();
    }
    return NULL;
}

/* A child that cannot execute its program has ended and been reaped, whenever the thread is cancelled. */
static void test_failing(const QemuSpawnOptions *opts, const char *what)
{
    int left = 0, not_cancelled = 0, odd = 0, before = count_descriptors();

    for (int i = 0; i < ASYNCHRONOUS; i++) {
        not_cancelled += !cancel_somewhere(fail_for_ever, opts, i);
        left += reap_all(&odd);
    }
    printf("# failing, %s\n", what);
    is_int(not_cancelled, 0, "asynchronous: the thread is cancelled");
    is_int(left, 0, "no child is left of spawns that fail");
    is_int(count_descriptors(), before, "no descriptor either");
}

/* Each kind has a pipe of its own, which its programs write into. */
static void test_asynchronous_kind(const QemuSpawnOptions *opts, const char *what)
{
    QemuSpawnOptions with_pipe = *opts;
    QemuSpawnFd map[1];

    if (pipe2(programs, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    map[0] = (QemuSpawnFd){programs[1], 5};
    with_pipe.fds = map;
    with_pipe.n_fds = 1;
    test_asynchronous(&with_pipe, what);
    close(programs[0]);
}

int main(int argc, char **argv)
{
    QemuProcess *process;

    if (argc > 1 && strcmp(argv[1], "run") == 0) {
        put_byte(5, 'r');
        return 3;
    }
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    test_deferred();
    test_asynchronous_kind(OPTIONS(.flags = 0), "by the thread itself");
    test_asynchronous_kind(OPTIONS(.death_signal = SIGKILL), "by the library's thread");
    test_failing(OPTIONS(.flags = 0), "by the thread itself");
    test_failing(OPTIONS(.death_signal = SIGKILL), "by the library's thread");
    /* The cancelled threads have left no lock held. */
    process = must_spawn(ARGS(SELF, "exit", "3"), OPTIONS(.death_signal = SIGKILL));
    is_int(end_of(process), 3, "spawning goes on as before");
    ok(!child_is_left(), "no child is left");
    return done();
}
