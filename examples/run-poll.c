/*
 * run-poll: a hundred programs at once, with their output, in one poll() loop
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

enum { RUNS = 100 };

int main(void)
{
    const char *argv[] = {"/bin/sh", "-c", "echo hello; sleep 0.1; echo world", NULL};
    struct pollfd fds[RUNS];
    QemuRun *runs[RUNS];
    int left = RUNS, good = 0, wakeups = 0;

    for (int i = 0; i < RUNS; i++) {
        runs[i] = qemu_run_start(argv, NULL, NULL, &error_fatal);
        fds[i].fd = qemu_run_fd(runs[i]);
        fds[i].events = POLLIN;
    }
    while (left > 0 && poll(fds, RUNS, -1) >= 0) {
        for (int i = 0; i < RUNS; i++) {
            QemuRunResult result = {.size = sizeof(result)};

            if (!fds[i].revents) {
                continue;
            }
            wakeups++;
            if (qemu_run_step(runs[i], &result, &error_fatal) != 0) {
                good += strcmp(result.out, "hello\nworld\n") == 0;
                qemu_run_result_clear(&result);
                qemu_run_free(runs[i]);
                fds[i].fd = -1;
                left--;
            }
        }
    }
    printf("%d of %d programs have said what they should, in %d steps\n", good, RUNS, wakeups);
    return good == RUNS ? 0 : 1;
}
