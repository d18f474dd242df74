/*
 * qemu_spawn(), qemu_run(), and qemu_fork() with an exec.
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "../worker/worker.h"
#include "read.h"
#include "reap.h"

static bool spawn_start(struct child *child, const char *const argv[])
{
    QemuProcess *process = qemu_spawn(argv, NULL, NULL);

    child->handle = process;
    return process != NULL;
}

static int spawn_finish(struct child *child)
{
    QemuProcessStatus status;
    int result = qemu_process_wait(child->handle, -1, &status, NULL);

    qemu_process_free(child->handle);
    return result == 1 && status.end == QEMU_PROCESS_EXITED ? status.exit_code : -1;
}

static size_t spawn_capture(const char *const argv[], char *buffer, size_t size)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_PIPE_STDOUT};
    QemuProcess *process = qemu_spawn(argv, &options, NULL);
    struct child child = {.handle = process};
    size_t length;

    if (!process) {
        return 0;
    }
    length = read_to_end(qemu_process_take_fd(process, 1), buffer, size);
    return spawn_finish(&child) == 0 ? length : 0;
}

/* As a program with a main loop does it. */
static bool run_start(struct child *child, const char *const argv[])
{
    child->handle = qemu_run_start(argv, NULL, NULL, NULL);
    return child->handle != NULL;
}

static int run_finish(struct child *child)
{
    QemuRunResult result = {.size = sizeof(result)};
    struct pollfd poll_one = {qemu_run_fd(child->handle), POLLIN, 0};
    int step, code;

    do {
        poll(&poll_one, 1, -1);
        step = qemu_run_step(child->handle, &result, NULL);
    } while (step == 0);
    code = step == 1 && result.status.end == QEMU_PROCESS_EXITED ? result.status.exit_code : -1;
    qemu_run_free(child->handle);
    qemu_run_result_clear(&result);
    return code;
}

static size_t run_capture(const char *const argv[], char *buffer, size_t size)
{
    QemuRunResult result = {.size = sizeof(result)};
    size_t length = 0;

    if (qemu_run(argv, NULL, NULL, &result, NULL)) {
        length = result.out_len < size ? result.out_len : size;
        memcpy(buffer, result.out, length);
    }
    qemu_run_result_clear(&result);
    return length;
}

static bool fork_start(struct child *child, const char *const argv[])
{
    child->pid = qemu_fork(NULL);
    if (child->pid == 0) {
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return child->pid > 0;
}

static const struct peer ours[] = {
    {"qemu_spawn", spawn_start, spawn_finish, spawn_capture},
    {"qemu_run", run_start, run_finish, run_capture},
    {"qemu_fork", fork_start, reap, NULL},
};
PEERS(ours)
