/*
 * Runs by qemu_run(), and by hand: qemu_spawn() with the reads and writes that a run needs at the least.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "../worker/worker.h"
#include "read.h"

enum { CHUNK = 65536, LINE = 4096 };

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

/* ---- By hand ---- */

/* A line, which fits into the memory. */
static size_t by_hand(const char *const argv[], const char *input, size_t size)
{
    char *text = malloc(LINE);
    QemuProcess *process = start(argv, QEMU_SPAWN_PIPE_STDOUT);
    size_t length;

    (void)input;
    (void)size;
    if (!text) {
        die("malloc");
    }
    length = read_to_end(qemu_process_take_fd(process, 1), text, LINE);
    finish(process);
    free(text);
    return length;
}

/* The output is thrown away. */
static size_t bare_loop(const char *const argv[], const char *input, size_t size)
{
    static char chunk[CHUNK];
    const char *end = input + size;
    QemuProcess *process = start(argv, QEMU_SPAWN_PIPE_STDOUT | (input ? QEMU_SPAWN_PIPE_STDIN : 0));
    struct pollfd fds[2] = {{qemu_process_take_fd(process, 1), POLLIN, 0}, {-1, POLLOUT, 0}};
    size_t total = 0;

    if (input) {
        fds[1].fd = qemu_process_take_fd(process, 0);
        fcntl(fds[1].fd, F_SETFL, O_NONBLOCK);
    }
    while (poll(fds, input ? 2 : 1, -1) >= 0) {
        if (fds[1].revents) {
            ssize_t n = write(fds[1].fd, input, (size_t)(end - input));

            input += n > 0 ? n : 0;
            if (input == end) {
                close(fds[1].fd);
                fds[1].fd = -1;
            }
        }
        if (fds[0].revents) {
            ssize_t n = read(fds[0].fd, chunk, sizeof(chunk));

            if (n <= 0) {
                break;
            }
            total += (size_t)n;
        }
    }
    close(fds[0].fd);
    finish(process);
    return total;
}

static size_t bare_many(const char *const argv[], unsigned n)
{
    QemuProcess **processes = calloc(n, sizeof(QemuProcess *));
    struct pollfd *fds = calloc(n, sizeof(struct pollfd));
    size_t total = 0;
    char text[LINE];

    if (!processes || !fds) {
        die("calloc");
    }
    for (unsigned i = 0; i < n; i++) {
        processes[i] = start(argv, QEMU_SPAWN_PIPE_STDOUT);
        fds[i] = (struct pollfd){qemu_process_take_fd(processes[i], 1), POLLIN, 0};
    }
    for (unsigned left = n; left > 0 && poll(fds, n, -1) >= 0;) {
        for (unsigned i = 0; i < n; i++) {
            ssize_t got = fds[i].revents ? read(fds[i].fd, text, sizeof(text)) : -1;

            if (got > 0) {
                total += (size_t)got;
            } else if (got == 0) {
                close(fds[i].fd);
                fds[i].fd = -1;
                finish(processes[i]);
                left--;
            }
        }
    }
    free(processes);
    free(fds);
    return total;
}

/* ---- By qemu_run() ---- */

/* Only stdout is captured, as by hand. */
static QemuRunOptions options_for(const char *input, size_t size)
{
    return (QemuRunOptions){
        .size = sizeof(QemuRunOptions),
        .flags = QEMU_RUN_INHERIT_STDERR | (input ? 0 : QEMU_RUN_INHERIT_STDIN),
        .input = input,
        .input_len = size,
        .stdout_limit = SIZE_MAX,
    };
}

static size_t keep(const char *const argv[], const QemuRunOptions *options)
{
    QemuRunResult result = {.size = sizeof(result)};
    size_t length;

    if (!qemu_run(argv, NULL, options, &result, NULL)) {
        die("qemu_run");
    }
    length = result.out_len;
    qemu_run_result_clear(&result);
    return length;
}

static size_t run(const char *const argv[], const char *input, size_t size)
{
    QemuRunOptions options = options_for(input, size);

    return keep(argv, &options);
}

static size_t run_limited(const char *const argv[], const char *input, size_t size)
{
    QemuRunOptions options = options_for(input, size);

    options.timeout_ms = 10000;
    return keep(argv, &options);
}

static bool count(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)child_fd;
    (void)data;
    *(size_t *)opaque += len;
    return true;
}

/* The output is thrown away, as in the bare loop. */
static size_t run_sink(const char *const argv[], const char *input, size_t size)
{
    QemuRunOptions options = options_for(input, size);
    size_t total = 0;

    options.stdout_limit = 0;
    options.sink = count;
    options.opaque = &total;
    if (!qemu_run(argv, NULL, &options, NULL, NULL)) {
        die("qemu_run");
    }
    return total;
}

static size_t run_many(const char *const argv[], unsigned n)
{
    const QemuRunOptions options = options_for(NULL, 0);
    QemuRun **runs = calloc(n, sizeof(QemuRun *));
    struct pollfd *fds = calloc(n, sizeof(struct pollfd));
    size_t total = 0;

    if (!runs || !fds) {
        die("calloc");
    }
    for (unsigned i = 0; i < n; i++) {
        runs[i] = qemu_run_start(argv, NULL, &options, NULL);
        if (!runs[i]) {
            die("qemu_run_start");
        }
        fds[i] = (struct pollfd){qemu_run_fd(runs[i]), POLLIN, 0};
    }
    for (unsigned left = n; left > 0 && poll(fds, n, -1) >= 0;) {
        for (unsigned i = 0; i < n; i++) {
            QemuRunResult result = {.size = sizeof(result)};

            if (!fds[i].revents) {
                continue;
            }
            switch (qemu_run_step(runs[i], &result, NULL)) {
            case 0:
                continue;
            case 1:
                total += result.out_len;
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
    free(runs);
    free(fds);
    return total;
}

static const struct runner runners[] = {
    {"by_hand", by_hand, NULL},
    {"bare_loop", bare_loop, bare_many},
    {"qemu_run", run, run_many},
    {"qemu_run_limited", run_limited, NULL},
    {"qemu_run_sink", run_sink, NULL},
};
RUNNERS(runners)
