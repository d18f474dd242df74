/*
 * Runs in a main loop: a hundred at once, no descriptor that is readable for nothing, no step that waits, and few
 * descriptors.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"
#include "run.h"

enum { RUNS = 100, SIZE = 100000, MOST_DESCRIPTORS = 9, MOST_AT_ONCE = 1 << 20, READY_FD = 5, LOOKS_AT_REST = 300 };

static char input[4 << 20];

/* ---- A hundred at once ---- */

static void test_hundred(void)
{
    static QemuRun *runs[RUNS];
    static struct pollfd polls[RUNS];
    int before = count_descriptors(), running_ones = 0, right = 0;
    long steps = 0;

    for (int i = 0; i < RUNS; i++) {
        runs[i] = qemu_run_start(ARGS(SELF, "copy"), NULL, RUN(.input = input, .input_len = SIZE), NULL);
        if (!runs[i]) {
            bail("qemu_run_start");
        }
        polls[i] = (struct pollfd){.fd = qemu_run_fd(runs[i]), .events = POLLIN};
        running_ones++;
    }
    ok(count_descriptors() - before <= RUNS * MOST_DESCRIPTORS, "each takes at most nine descriptors");
    while (running_ones > 0) {
        poll(polls, RUNS, -1);
        for (int i = 0; i < RUNS; i++) {
            QemuRunResult result = {.size = sizeof(result)};
            int step;

            if (!polls[i].revents) {
                continue;
            }
            steps++;
            step = qemu_run_step(runs[i], &result, NULL);
            if (step != 0) {
                right += step == 1 && result.end == QEMU_RUN_END_EXITED && ending_of(&result.status) == 0 &&
                         result.flags == 0 && result.out_len == SIZE && memcmp(result.out, input, SIZE) == 0 &&
                         result.err_len == SIZE;
                qemu_run_result_clear(&result);
                qemu_run_free(runs[i]);
                polls[i].fd = -1;
                running_ones--;
            }
        }
    }
    is_int(right, RUNS, "a hundred runs at once: each has its own output");
    /* The program reads and writes at most 1,000 bytes at once; each of these may wake the run. */
    ok(steps <= RUNS * (3L * SIZE / 1000 + 20), "no step without a reason");
    printf("# %ld steps\n", steps);
    is_int(count_descriptors(), before, "no descriptor is left");
    ok(!has_child(), "no child is left");
}

/* ---- At rest ---- */

static bool is_ready(QemuRun *run)
{
    struct pollfd one = {.fd = qemu_run_fd(run), .events = POLLIN};

    return poll(&one, 1, 0) == 1;
}

/* Programs that do nothing more, in several ways. Then the run has nothing to do, and its descriptor says so. */
static void test_at_rest(const char *kind)
{
    QemuRunResult result = {.size = sizeof(result)};
    int ends[2], before = count_descriptors(), steps = 0, wakes = 0;
    QemuSpawnFd fds[1];
    long slept;
    QemuRun *run;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    fds[0] = (QemuSpawnFd){.source = ends[1], .target = READY_FD};
    run = qemu_run_start(ARGS(SELF, "rest", kind), OPTIONS(.fds = fds, .n_fds = 1),
                         RUN(.input = input, .input_len = sizeof(input), .timeout_ms = LONG_MS, .grace_ms = LONG_MS,
                             .flags = QEMU_RUN_CUT, .stdout_limit = 1000),
                         NULL);
    if (!run) {
        bail("qemu_run_start");
    }
    close(ends[1]);
    if (get_byte(ends[0]) != 'r') {
        bail("the program is not ready");
    }
    close(ends[0]);
    if (strcmp(kind, "stop") == 0) {
        await_stop(qemu_process_pid(qemu_run_process(run)));
    }
    ok(count_descriptors() - before <= MOST_DESCRIPTORS, "%s: at most nine descriptors", kind);
    while (is_ready(run) && steps < 1000) {
        is_int(qemu_run_step(run, &result, NULL), 0, "it goes on");
        steps++;
    }
    ok(steps < 200, "%s: after a few steps, %d, there is nothing to do", kind, steps);
    slept = sleeps();
    for (int i = 0; i < 100; i++) {
        if (qemu_run_step(run, &result, NULL) != 0) {
            wakes = -1;
        }
    }
    ok(wakes == 0 && sleeps() == slept, "steps that have nothing to do do not wait");
    for (int i = 0; i < LOOKS_AT_REST; i++) {
        yield_a_moment();
        wakes += is_ready(run);
    }
    is_int(wakes, 0, "and nobody is woken");
    qemu_run_cancel(run);
    ok(is_ready(run), "a cancel wakes it");
    is_int(qemu_run_step(run, &result, NULL), 0, "it is being stopped");
    steps = 0;
    do {
        struct pollfd one = {.fd = qemu_run_fd(run), .events = POLLIN};

        poll(&one, 1, -1);
        steps++;
    } while (qemu_run_step(run, &result, NULL) == 0 && steps < 1000);
    ok(result.end == QEMU_RUN_END_CANCELLED && steps < 100, "%s: after a few more, %d, it is over", kind, steps);
    qemu_run_result_clear(&result);
    qemu_run_free(run);
    is_int(count_descriptors(), before, "no descriptor is left");
}

/* ---- Endless output ---- */

static size_t came;

static bool count(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)opaque;
    (void)child_fd;
    (void)data;
    came += len;
    return true;
}

static void test_endless(void)
{
    QemuRun *run = qemu_run_start(ARGS(SELF, "flood"), NULL, RUN(.sink = count, .grace_ms = LONG_MS), NULL);
    QemuRunResult result = {.size = sizeof(result)};
    size_t most = 0, all = 0;
    int step;

    if (!run) {
        bail("qemu_run_start");
    }
    while (all < 8 << 20) {
        struct pollfd one = {.fd = qemu_run_fd(run), .events = POLLIN};

        poll(&one, 1, -1);
        came = 0;
        if (qemu_run_step(run, &result, NULL) != 0) {
            bail("it is over");
        }
        most = came > most ? came : most;
        all += came;
    }
    ok(most <= MOST_AT_ONCE, "a step takes at most 1 MiB of endless output");
    printf("# %zu bytes\n", most);
    qemu_run_cancel(run);
    do {
        struct pollfd one = {.fd = qemu_run_fd(run), .events = POLLIN};

        poll(&one, 1, -1);
        step = qemu_run_step(run, &result, NULL);
    } while (step == 0);
    ok(step == -1 && result.end == QEMU_RUN_END_CANCELLED, "it can be cancelled");
    qemu_run_result_clear(&result);
    qemu_run_free(run);
}

/* ---- The program ---- */

static int copy(void)
{
    char bytes[1000];
    ssize_t n;

    while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
        write_all(STDOUT_FILENO, bytes, (size_t)n);
        write_all(STDERR_FILENO, bytes, (size_t)n);
    }
    return n == 0 ? 0 : 1;
}

static int rest(const char *kind)
{
    alarm(net_seconds());
    if (strcmp(kind, "close") == 0) {
        for (int fd = 0; fd < 3; fd++) {
            close(fd);
        }
    } else if (strcmp(kind, "write") == 0) {
        /* More than is kept. */
        write_many(STDOUT_FILENO, 'o', 50000);
        write_many(STDERR_FILENO, 'e', 50000);
    } else if (strcmp(kind, "close stdout") == 0) {
        close(STDOUT_FILENO);
    }
    write_all(READY_FD, "r", 1);
    close(READY_FD);
    if (strcmp(kind, "stop") == 0) {
        raise(SIGSTOP);
    }
    pause_for_ever();
}

static void checks(void)
{
    test_hundred();
    test_endless();
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"pause", "close", "close stdout", "write", "stop"};

    if (argc > 1) {
        if (strcmp(argv[1], "copy") == 0) {
            return copy();
        }
        if (strcmp(argv[1], "rest") == 0) {
            return rest(argv[2]);
        }
        if (strcmp(argv[1], "flood") == 0) {
            alarm(net_seconds());
            for (;;) {
                write_many(STDOUT_FILENO, 'o', 1 << 20);
                write_many(STDERR_FILENO, 'e', 1 << 20);
            }
        }
        return spawned(argc, argv);
    }
    {
        const struct rlimit many = {1024, 1024};

        if (setrlimit(RLIMIT_NOFILE, &many) != 0) {
            skip_all("1024 descriptors are not allowed here");
        }
    }
    cast_net();
    needs_programs();
    for (size_t i = 0; i < sizeof(input); i++) {
        input[i] = (char)(i % 253);
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        test_at_rest(kinds[i]);
    }
    check_here_and_on_older_kernel(checks);
    return done();
}
