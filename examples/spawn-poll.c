/*
 * spawn-poll: several children in one plain poll() loop, with their output, without SIGCHLD
 *
 * A child's descriptor is readable when the child has ended. On a system without such descriptors it is -1, which
 * poll() ignores. Then the loop looks ten times a second.
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

enum { CHILDREN = 3 };

static const char *const scripts[CHILDREN] = {
    "echo one; exit 1",
    "read line; echo two",
    "echo three; kill -TERM $$",
};

static QemuProcess *start(const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_PIPE_STDOUT,
    };

    return qemu_spawn(argv, &options, &error_fatal);
}

static void tell_end(int i, const QemuProcessStatus *status)
{
    char *text = qemu_process_status_str(status);

    printf("child %d %s\n", i + 1, text);
    free(text);
}

/* Passes on what a child has written. False: there will be no more. */
static bool tell_output(int i, int fd)
{
    char buffer[512];
    ssize_t n = read(fd, buffer, sizeof(buffer));

    if (n > 0) {
        printf("child %d wrote %.*s", i + 1, (int)n, buffer);
    }
    return n > 0;
}

int main(void)
{
    /* First the outputs, then the children themselves. */
    struct pollfd fds[2 * CHILDREN];
    QemuProcess *children[CHILDREN];
    bool alive[CHILDREN];
    int left = 0, timeout_ms = -1, sum = 0;

    for (int i = 0; i < CHILDREN; i++) {
        children[i] = start(scripts[i]);
        fds[i].fd = qemu_process_take_fd(children[i], 1);
        fds[CHILDREN + i].fd = qemu_process_pidfd(children[i]);
        fds[i].events = fds[CHILDREN + i].events = POLLIN;
        if (fds[CHILDREN + i].fd < 0) {
            timeout_ms = 100;
        }
        alive[i] = true;
        left += 2;
    }
    while (left > 0 && poll(fds, 2 * CHILDREN, timeout_ms) >= 0) {
        for (int i = 0; i < CHILDREN; i++) {
            QemuProcessStatus status;

            if (fds[i].fd >= 0 && fds[i].revents && !tell_output(i, fds[i].fd)) {
                close(fds[i].fd);
                fds[i].fd = -1;
                left--;
            }
            if (alive[i] && qemu_process_wait(children[i], 0, &status, &error_fatal) == 1) {
                tell_end(i, &status);
                sum += status.exit_code + status.term_signal;
                fds[CHILDREN + i].fd = -1; /* the handle's: not closed here */
                alive[i] = false;
                left--;
            }
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        qemu_process_free(children[i]);
    }
    return left == 0 && sum == 1 + 0 + 15 ? 0 : 1;
}
