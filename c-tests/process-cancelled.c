/*
 * A thread that waits for a child has the asynchronous cancel type, so it may be cancelled at any instruction. Other
 * code then reaps the child, and other threads look at the handle or wait. All of them get an answer: the cancelled
 * thread leaves no lock held.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"
#include "watched.h"

enum { ROUNDS = 200 };

static QemuProcess *process;
static int waits; /* the thread is about to */

static void *wait_asynchronously(void *arg)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    __atomic_store_n(&waits, 1, __ATOMIC_SEQ_CST);
    qemu_process_wait(process, *(const int64_t *)arg, NULL, NULL);
    for (;;) {
        pause(); /* until it is cancelled, if it has not been */
    }
    return NULL;
}

/* A thread waits and is cancelled, now sooner and now later; the program reaps the child, and looks at the handle. */
static void cancel_once(int64_t timeout_ms, int round)
{
    int spins = round * 50;
    pthread_t thread;
    pid_t pid;
    int end;

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    pid = qemu_process_pid(process);
    waits = 0;
    if (pthread_create(&thread, NULL, wait_asynchronously, &timeout_ms) != 0) {
        _exit(96);
    }
    while (!__atomic_load_n(&waits, __ATOMIC_SEQ_CST)) {
        sched_yield();
    }
    if (round % 4 == 3) {
        /* It sleeps in the kernel by now, or is about to. */
        for (int i = 0; i < 10; i++) {
            yield_a_moment();
        }
    } else {
        while (spins-- > 0) {
            __asm__ volatile("" ::: "memory");
        }
    }
    /* A wait is no cancellation point, so it may go on until the child has ended. */
    pthread_cancel(thread);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) {
    }
    pthread_join(thread, NULL);
    end = wait_ms(process, 0);
    if (end != UNKNOWN_END && end != KILLED_BY + SIGKILL) {
        tell("round %d: the end is %d\n", round, end);
    }
    progress();
    if (wait_ms(process, -1) != end) {
        tell("round %d: another end\n", round);
    }
    errno = 0;
    if (qemu_process_kill(process, 0, NULL) || errno != ESRCH) {
        tell("round %d: it can be signalled\n", round);
    }
    qemu_process_free(process);
    progress();
}

static void cancel_often(void *arg)
{
    const int64_t *timeout_ms = arg;

    for (int round = 0; round < ROUNDS; round++) {
        cancel_once(*timeout_ms, round);
    }
}

static void cancel_on_older_kernel(void *arg)
{
    if (!forbid(NO_PIDFD, ENOSYS)) {
        _exit(97);
    }
    cancel_often(arg);
}

static void test(void (*body)(void *), int64_t timeout_ms, const char *what)
{
    if (run_watched(body, &timeout_ms, what)) {
        is_str(watched->words, "", "and each look tells that it has ended");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (IS_EMULATED || is_under_valgrind()) {
        skip_all("threads cannot be cancelled at any instruction there");
    }
    test(cancel_often, -1, "a wait for ever is cancelled");
    test(cancel_often, 100000, "a wait with a limit is cancelled");
    test(cancel_on_older_kernel, -1, "older kernel: a wait for ever is cancelled");
    test(cancel_on_older_kernel, 100000, "older kernel: a wait with a limit is cancelled");
    return done();
}
