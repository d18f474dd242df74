/*
 * run-epoll: a program in a loop of epoll, with a limit of time and a line of output at a time
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

static bool print_line(void *opaque, int child_fd, const char *line, size_t len)
{
    int *lines = (int *)opaque;

    (void)child_fd;
    printf("it says %.*s", (int)len, line);
    ++*lines;
    return true;
}

int main(void)
{
    const char *argv[] = {"/bin/sh", "-c", "echo one; echo two; sleep 1000", NULL};
    int lines = 0, epoll = epoll_create1(EPOLL_CLOEXEC), step;
    QemuRunOptions options = {
        .size = sizeof(options),
        .flags = QEMU_RUN_LINES,
        .timeout_ms = 200,
        .sink = print_line,
        .opaque = &lines,
    };
    QemuRun *run = qemu_run_start(argv, NULL, &options, &error_fatal);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = run}};
    Error *err = NULL;

    epoll_ctl(epoll, EPOLL_CTL_ADD, qemu_run_fd(run), &event);
    while ((step = qemu_run_step(run, NULL, &err)) == 0) {
        epoll_wait(epoll, &event, 1, -1);
    }
    if (step == 1 || errno != ETIMEDOUT) {
        return 1;
    }
    puts(error_get_pretty(err));
    error_free(err);
    qemu_run_free(run);
    close(epoll);
    return lines == 2 ? 0 : 1;
}
