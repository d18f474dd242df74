/*
 * A program run to its end: by qemu_run(), by hand, and by bare loops that do the same for one kind of run.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "../peers/read.h"
#include "../worker/worker.h"

enum { CHUNK = 65536, CROWD = 100, MIB = 1 << 20, POURED = 256 };

static const char cat[] = "/bin/cat";

/* Only stdout is captured, as by hand. */
static const QemuRunOptions plain = {
    .size = sizeof(plain),
    .flags = QEMU_RUN_INHERIT_STDIN | QEMU_RUN_INHERIT_STDERR,
};

static QemuProcess *start(const char *const argv[], uint64_t flags)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = flags};
    QemuProcess *process = qemu_spawn(argv, &options, NULL);

    if (!process) {
        die("qemu_spawn");
    }
    return process;
}

static void finish(QemuProcess *process)
{
    QemuProcessStatus status;

    if (qemu_process_wait(process, -1, &status, NULL) != 1 || status.exit_code != 0) {
        die("qemu_process_wait");
    }
    qemu_process_free(process);
}

/* ---- A line ---- */

static void by_hand(void)
{
    const char *argv[] = {children.say, NULL};
    char *text = malloc(4096);
    QemuProcess *process = start(argv, QEMU_SPAWN_PIPE_STDOUT);

    if (!text || read_to_end(qemu_process_take_fd(process, 1), text, 4096) == 0) {
        die("no output");
    }
    finish(process);
    free(text);
}

static void run(const QemuRunOptions *options)
{
    const char *argv[] = {children.say, NULL};
    QemuRunResult result = {.size = sizeof(result)};

    if (!qemu_run(argv, NULL, options, &result, NULL) || result.out_len == 0) {
        die("qemu_run");
    }
    qemu_run_result_clear(&result);
}

static void run_plain(void)
{
    run(&plain);
}

static void run_limited(void)
{
    QemuRunOptions options = plain;

    options.timeout_ms = 10000;
    run(&options);
}

/* ---- Much output, which is thrown away ---- */

static const char *const *pour(void)
{
    static char amount[16];
    static const char *argv[] = {NULL, amount, NULL};

    snprintf(amount, sizeof(amount), "%d", POURED);
    argv[0] = children.say;
    return argv;
}

static bool count(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)child_fd;
    (void)data;
    *(uint64_t *)opaque += len;
    return true;
}

static void out_bare(void)
{
    static char chunk[CHUNK];
    QemuProcess *process = start(pour(), QEMU_SPAWN_PIPE_STDOUT);
    int fd = qemu_process_take_fd(process, 1);
    struct pollfd poll_one = {fd, POLLIN, 0};
    uint64_t total = 0;
    ssize_t n;

    while (poll(&poll_one, 1, -1) >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0) {
        total += (uint64_t)n;
    }
    close(fd);
    finish(process);
    if (total != (uint64_t)POURED * MIB) {
        die("the output");
    }
}

static void out_run(void)
{
    QemuRunOptions options = plain;
    uint64_t total = 0;

    options.sink = count;
    options.opaque = &total;
    if (!qemu_run(pour(), NULL, &options, NULL, NULL) || total != (uint64_t)POURED * MIB) {
        die("qemu_run");
    }
}

/* ---- Much input, which comes back ---- */

static const char *const through[] = {cat, NULL};

static char *much(void)
{
    static char *memory;

    if (!memory) {
        memory = malloc((size_t)POURED * MIB);
        if (!memory) {
            die("malloc");
        }
        memset(memory, 'x', (size_t)POURED * MIB);
    }
    return memory;
}

static void both_bare(void)
{
    static char chunk[CHUNK];
    const char *next = much(), *end = next + (size_t)POURED * MIB;
    QemuProcess *process = start(through, QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT);
    struct pollfd fds[2] = {{qemu_process_take_fd(process, 0), POLLOUT, 0},
                            {qemu_process_take_fd(process, 1), POLLIN, 0}};
    uint64_t total = 0;

    fcntl(fds[0].fd, F_SETFL, O_NONBLOCK);
    while (poll(fds, 2, -1) >= 0) {
        if (fds[0].revents) {
            ssize_t n = write(fds[0].fd, next, (size_t)(end - next));

            next += n > 0 ? n : 0;
            if (next == end) {
                close(fds[0].fd);
                fds[0].fd = -1;
            }
        }
        if (fds[1].revents) {
            ssize_t n = read(fds[1].fd, chunk, sizeof(chunk));

            if (n <= 0) {
                break;
            }
            total += (uint64_t)n;
        }
    }
    close(fds[1].fd);
    finish(process);
    if (total != (uint64_t)POURED * MIB) {
        die("the output");
    }
}

static void both_run(void)
{
    QemuRunOptions options = {.size = sizeof(options), .flags = QEMU_RUN_INHERIT_STDERR};
    uint64_t total = 0;

    options.input = much();
    options.input_len = (size_t)POURED * MIB;
    options.sink = count;
    options.opaque = &total;
    if (!qemu_run(through, NULL, &options, NULL, NULL) || total != (uint64_t)POURED * MIB) {
        die("qemu_run");
    }
}

/* ---- Many ---- */

static void hundred_in_turn(void)
{
    for (int i = 0; i < CROWD; i++) {
        run_plain();
    }
}

static void hundred_at_once(void)
{
    const char *argv[] = {children.say, NULL};
    QemuRun *runs[CROWD];
    struct pollfd fds[CROWD];
    int left = CROWD;

    for (int i = 0; i < CROWD; i++) {
        runs[i] = qemu_run_start(argv, NULL, &plain, NULL);
        if (!runs[i]) {
            die("qemu_run_start");
        }
        fds[i] = (struct pollfd){qemu_run_fd(runs[i]), POLLIN, 0};
    }
    while (left > 0 && poll(fds, CROWD, -1) >= 0) {
        for (int i = 0; i < CROWD; i++) {
            QemuRunResult result = {.size = sizeof(result)};

            if (!fds[i].revents) {
                continue;
            }
            switch (qemu_run_step(runs[i], &result, NULL)) {
            case 0:
                continue;
            case 1:
                qemu_run_result_clear(&result);
                qemu_run_free(runs[i]);
                fds[i].fd = -1;
                left--;
                continue;
            default:
                die("qemu_run_step");
            }
        }
    }
}

/* ---- A pipe that somebody else holds ---- */

static void held(void)
{
    const char *argv[] = {"/bin/sh", "-c", "sleep 5 & echo hi", NULL};
    QemuRunResult result = {.size = sizeof(result)};

    if (!qemu_run(argv, NULL, &plain, &result, NULL) || !(result.flags & QEMU_RUN_RESULT_PIPE_HELD)) {
        die("qemu_run");
    }
    qemu_run_result_clear(&result);
}

static double time_each(unsigned times, void (*one)(void))
{
    struct samples samples = {.n = 0};

    for (unsigned i = 0; i <= times; i++) { /* the first one is not counted */
        uint64_t begin = now();

        one();
        if (i > 0) {
            add_sample(&samples, now() - begin);
        }
    }
    return median(&samples);
}

static double line_by_hand(unsigned times) { return time_each(times, by_hand); }
static double line_run(unsigned times) { return time_each(times, run_plain); }
static double line_run_limited(unsigned times) { return time_each(times, run_limited); }
static double much_out_bare(unsigned times) { return time_each(times, out_bare); }
static double much_out_run(unsigned times) { return time_each(times, out_run); }
static double in_and_out_bare(unsigned times) { return time_each(times, both_bare); }
static double in_and_out_run(unsigned times) { return time_each(times, both_run); }
static double runs_in_turn(unsigned times) { return time_each(times, hundred_in_turn); }
static double runs_at_once(unsigned times) { return time_each(times, hundred_at_once); }
static double held_run(unsigned times) { return time_each(times, held); }

static const struct probe probes[] = {
    {"line_by_hand", line_by_hand},   {"line_run", line_run},           {"line_run_limited", line_run_limited},
    {"much_out_bare", much_out_bare}, {"much_out_run", much_out_run},   {"in_and_out_bare", in_and_out_bare},
    {"in_and_out_run", in_and_out_run}, {"runs_in_turn", runs_in_turn}, {"runs_at_once", runs_at_once},
    {"held_run", held_run},
};
PROBES(probes)
