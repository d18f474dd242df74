/*
 * qemu_process_wait() with a timeout, a negative one, and 0; several times; without a place for the status. A stopped
 * child has not ended. Signal handlers run and do not end the wait.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

enum { INTERRUPTIONS = 50 };

static volatile sig_atomic_t handled;

static void handle(int signum)
{
    (void)signum;
    handled++;
}

static int64_t now_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

/* Interrupts the thread that waits, and only then lets the child end. */
struct interrupter {
    pthread_t victim;
    int child_stdin; /* or -1 */
    bool stop;
};

static void *interrupt(void *arg)
{
    struct interrupter *self = arg;

    for (int i = 0; i < INTERRUPTIONS && !__atomic_load_n(&self->stop, __ATOMIC_SEQ_CST); i++) {
        sig_atomic_t before = handled;

        pthread_kill(self->victim, SIGUSR1);
        while (handled == before) {
            yield_a_moment();
        }
    }
    if (self->child_stdin != -1) {
        close(self->child_stdin);
    }
    return NULL;
}

static QemuProcess *start_cat(int *child_stdin)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));

    *child_stdin = qemu_process_take_fd(process, STDIN_FILENO);
    return process;
}

static void test_timeouts(void)
{
    int child_stdin;
    QemuProcess *process = start_cat(&child_stdin);
    QemuProcessStatus status;
    QemuProcessStatus before;
    int64_t start;

    memset(&status, 0x5a, sizeof(status));
    before = status;
    is_int(qemu_process_wait(process, 0, &status, NULL), 0, "0 ms: just a look at a living child");
    start = now_ms();
    is_int(qemu_process_wait(process, 30, &status, NULL), 0, "30 ms: the time is up");
    ok(now_ms() - start >= 29, "and not before");
    ok(memcmp(&status, &before, sizeof(status)) == 0, "the status is not written then");
    is_int(qemu_process_wait(process, 1, NULL, NULL), 0, "a time that is up, and nowhere to put a status");

    if (!ok(qemu_process_kill(process, SIGSTOP, NULL), "the child can be stopped")) {
        bail("kill");
    }
    await_stop(qemu_process_pid(process));
    is_int(wait_ms(process, 0), TIMED_OUT, "a stopped child has not ended");
    is_int(wait_ms(process, 20), TIMED_OUT, "nor later");
    ok(qemu_process_kill(process, SIGCONT, NULL), "it goes on");
    is_int(wait_ms(process, 20), TIMED_OUT, "a child that goes on has not ended either");

    close(child_stdin);
    is_int(wait_ms(process, -1), 0, "-1 ms: for ever, until it has ended");
    is_int(wait_ms(process, -1), 0, "again, for ever");
    is_int(wait_ms(process, 0), 0, "again, just a look");
    is_int(wait_ms(process, 1000), 0, "again, a second");
    is_int(wait_ms(process, INT64_MIN), 0, "again, the most negative time");
    is_int(qemu_process_wait(process, -1, NULL, NULL), 1, "again, with nowhere to put the status");
    is_int(wait_ms(process, 0), 0, "the status is still kept");
    ok(!has_child(), "the child has been reaped");
    qemu_process_free(process);
}

static void test_all_kinds_of_time(void)
{
    static const int64_t times[] = {-1, -2, INT64_MIN, INT64_MAX, INT64_MAX / 1000, 60000};

    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        QemuProcess *process = must_spawn(ARGS(SELF, "exit", "3"), NULL);

        ok(wait_ms(process, times[i]) == 3, "it ends within %lld ms", (long long)times[i]);
        qemu_process_free(process);
    }
}

static void test_polling(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "4"), NULL);
    int end;

    while ((end = wait_ms(process, 0)) == TIMED_OUT) {
        yield_a_moment();
    }
    is_int(end, 4, "by looking again and again");
    qemu_process_free(process);
}

static void test_nowhere_first(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "signal", "10"), NULL);

    is_int(qemu_process_wait(process, -1, NULL, NULL), 1, "the first to wait has nowhere to put the status");
    is_int(wait_ms(process, -1), KILLED_BY + 10, "the second gets it");
    qemu_process_free(process);
}

static void test_pidfd(void)
{
    int child_stdin;
    QemuProcess *process = start_cat(&child_stdin);
    struct pollfd look = {.fd = qemu_process_pidfd(process), .events = POLLIN};

    if (look.fd == -1) {
        skip("the descriptor of the child can be polled", "there is none on this system");
        close(child_stdin);
    } else {
        is_int(poll(&look, 1, 0), 0, "the descriptor of a living child is not readable");
        close(child_stdin);
        is_int(poll(&look, 1, -1), 1, "that of one that has ended is");
        is_int(wait_ms(process, 0), 0, "and then a look is enough");
    }
    qemu_process_wait(process, -1, NULL, NULL);
    qemu_process_free(process);
}

static void *let_end(void *arg)
{
    give_time_to_spin();
    close(*(int *)arg);
    return NULL;
}

/* Waits for long, for a child that ends by itself if `lets_end`. Returns the result. */
static int wait_long(int64_t timeout_ms, bool lets_end, bool *slept, int *child_end)
{
    int child_stdin, end;
    QemuProcess *process = start_cat(&child_stdin);
    pthread_t thread;

    if (lets_end && pthread_create(&thread, NULL, let_end, &child_stdin) != 0) {
        bail("pthread_create");
    }
    end = wait_measured(process, timeout_ms, slept);
    if (lets_end) {
        pthread_join(thread, NULL);
    } else {
        close(child_stdin);
    }
    *child_end = end_of(process);
    return end;
}

static void test_sleeping(int64_t timeout_ms, int wanted)
{
    bool slept = false;
    int end = wanted, child_end = 0;

    for (int i = 0; i < LOOKS && !slept && end == wanted && child_end == 0; i++) {
        end = wait_long(timeout_ms, wanted != TIMED_OUT, &slept, &child_end);
    }
    is_int(end, wanted, "a long wait");
    ok(slept, "%lld ms: it slept for most of the time", (long long)timeout_ms);
    is_int(child_end, 0, "the child ends");
}

static void test_handlers(int64_t timeout_ms)
{
    struct interrupter interrupter = {.victim = pthread_self()};
    QemuProcess *process = start_cat(&interrupter.child_stdin);
    pthread_t thread;

    handled = 0;
    if (pthread_create(&thread, NULL, interrupt, &interrupter) != 0) {
        bail("pthread_create");
    }
    ok(wait_ms(process, timeout_ms) == 0, "%lld ms: handlers do not end the wait", (long long)timeout_ms);
    pthread_join(thread, NULL);
    is_int(handled, INTERRUPTIONS, "they ran meanwhile");
    qemu_process_free(process);
}

static void test_handlers_and_timeout(void)
{
    struct interrupter interrupter = {.victim = pthread_self(), .child_stdin = -1};
    int child_stdin;
    QemuProcess *process = start_cat(&child_stdin);
    int64_t start = now_ms();
    pthread_t thread;

    if (pthread_create(&thread, NULL, interrupt, &interrupter) != 0) {
        bail("pthread_create");
    }
    is_int(wait_ms(process, 50), TIMED_OUT, "the time is up although handlers run");
    ok(now_ms() - start >= 49, "and not before");
    __atomic_store_n(&interrupter.stop, true, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    close(child_stdin);
    is_int(end_of(process), 0, "the child ends");
}

static void checks(void)
{
    struct sigaction action = {.sa_handler = handle}; /* without SA_RESTART */

    sigaction(SIGUSR1, &action, NULL);
    test_timeouts();
    test_all_kinds_of_time();
    test_polling();
    test_nowhere_first();
    test_sleeping(-1, 0);
    test_sleeping(60000, 0);
    test_sleeping(100, TIMED_OUT);
    test_handlers(-1);
    test_handlers(60000);
    test_handlers_and_timeout();
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    test_pidfd();
    check_here_and_on_older_kernel(checks);
    return done();
}
