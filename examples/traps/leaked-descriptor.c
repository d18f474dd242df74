/*
 * A descriptor in a sibling keeps a pipe open.
 *
 * The reader of a pipe waits for its end: until the last process that can write to it is gone. A helper that was
 * started meanwhile, and has nothing to do with that pipe, can write to it.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>

#include "trap.h"

/* A helper that lives until its stdin ends. */
static const char *const helper[] = {"/bin/cat", NULL};

/* Closes our end to write. Returns whether the pipe is at its end within this time. The kernel closes descriptors when
 * the program is executed, which may be a moment after qemu_spawn() and posix_spawn() have returned. */
static bool at_end(int pipe_ends[2], int ms)
{
    struct pollfd reader = {pipe_ends[0], POLLIN, 0};
    char byte;
    ssize_t n = -1;

    close(pipe_ends[1]);
    if (poll(&reader, 1, ms) == 1) {
        n = read(pipe_ends[0], &byte, 1);
    }
    printf("%s\n", n == 0 ? "the pipe is at its end" : "the pipe is held open, its reader waits for the helper");
    close(pipe_ends[0]);
    return n == 0;
}

static bool ends_beside_forked_helper(void)
{
    int pipe_ends[2], in[2];
    bool ended;
    pid_t pid;

    if (pipe(pipe_ends) != 0 || pipe(in) != 0) {
        abort();
    }
    pid = fork();
    if (pid == 0) {
        dup2(in[0], STDIN_FILENO);
        execv(helper[0], (char **)helper);
        _exit(127);
    }
    ended = at_end(pipe_ends, 10);
    close(in[0]);
    close(in[1]);
    kill(pid, SIGKILL); /* its stdin does not end either, because it holds that pipe open itself */
    wait_status(pid);
    return ended;
}

static bool ends_beside_spawned_helper(void)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_PIPE_STDIN};
    QemuProcess *process;
    int pipe_ends[2];
    bool ended;

    if (pipe(pipe_ends) != 0) {
        abort();
    }
    process = qemu_spawn(helper, &options, &error_fatal);
    ended = at_end(pipe_ends, 10000);
    close(qemu_process_take_fd(process, 0));
    qemu_process_wait(process, -1, NULL, &error_fatal);
    qemu_process_free(process);
    return ended;
}

int main(void)
{
    bool trapped = !ends_beside_forked_helper();

    return outcome(trapped, ends_beside_spawned_helper());
}
