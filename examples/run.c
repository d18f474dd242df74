/*
 * run: programs run to their end, with input, output, a limit of time, and what it says of each end
 *
 * docs/guide/run.md shows its parts.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

static int read_what_it_says(void)
{
    const char *argv[] = {"/bin/uname", "-s", NULL};
    QemuRunResult result = {.size = sizeof(result)};
    bool good;

    qemu_run(argv, NULL, NULL, &result, &error_fatal);
    good = result.status.exit_code == 0 && strcmp(result.out, "Linux\n") == 0;
    printf("it says %s", result.out);
    qemu_run_result_clear(&result);
    return good ? 0 : 1;
}

static int give_it_input(void)
{
    const char *argv[] = {"tr", "a-z", "A-Z", NULL};
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions run = {
        .size = sizeof(run),
        .flags = QEMU_RUN_CHECK,
        .input = "hello\n",
        .input_len = 6,
        .timeout_ms = 60000,
    };
    QemuRunResult result = {.size = sizeof(result)};
    bool good;

    qemu_run(argv, &spawn, &run, &result, &error_fatal);
    good = strcmp(result.out, "HELLO\n") == 0;
    fputs(result.out, stdout);
    qemu_run_result_clear(&result);
    return good ? 0 : 1;
}

static int see_what_failed(void)
{
    const char *argv[] = {"/bin/sh", "-c", "echo 'no such disk' >&2; exit 32", NULL};
    QemuRunOptions run = {.size = sizeof(run), .flags = QEMU_RUN_CHECK};
    Error *err = NULL;
    bool good;

    if (qemu_run(argv, NULL, &run, NULL, &err)) {
        return 1;
    }
    good = errno == EIO && strstr(error_get_pretty(err), "exited with status 32: no such disk");
    error_report_err(err);
    return good ? 0 : 1;
}

static int limit_its_time(void)
{
    const char *argv[] = {"/bin/sh", "-c", "echo half; sleep 1000", NULL};
    QemuRunOptions run = {.size = sizeof(run), .timeout_ms = 200};
    QemuRunResult result = {.size = sizeof(result)};
    Error *err = NULL;
    bool good;

    if (qemu_run(argv, NULL, &run, &result, &err)) {
        return 1;
    }
    good = result.end == QEMU_RUN_END_TIMED_OUT && strcmp(result.out, "half\n") == 0;
    printf("%s; it had said %s", error_get_pretty(err), result.out);
    error_free(err);
    qemu_run_result_clear(&result);
    return good ? 0 : 1;
}

static bool number_line(void *opaque, int child_fd, const char *line, size_t len)
{
    int *count = (int *)opaque;

    printf("%d (%s): %.*s", ++*count, child_fd == 1 ? "out" : "err", (int)len, line);
    return *count < 3; /* three are enough */
}

static int take_line_by_line(void)
{
    const char *argv[] = {"/bin/sh", "-c", "while :; do echo a line; done", NULL};
    int count = 0;
    QemuRunOptions run = {.size = sizeof(run), .flags = QEMU_RUN_LINES, .sink = number_line, .opaque = &count};

    return !qemu_run(argv, NULL, &run, NULL, NULL) && errno == ECANCELED && count == 3 ? 0 : 1;
}

int main(void)
{
    return read_what_it_says() + give_it_input() + see_what_failed() + limit_its_time() + take_line_by_line();
}
