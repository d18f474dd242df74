/*
 * start: the functions of the guide's first page: run a program, read its output, see why it cannot be started, set a
 * time limit
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

static int run(void)
{
    const char *argv[] = {"/bin/sh", "-c", "exit 3", NULL};
    QemuProcess *process = qemu_spawn(argv, NULL, &error_fatal);
    QemuProcessStatus status;

    qemu_process_wait(process, -1, &status, &error_fatal);
    qemu_process_free(process);
    return status.exit_code;
}

static int read_output(void)
{
    const char *argv[] = {"uname", "-s", NULL};
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunResult result = {.size = sizeof(result)};
    int n;

    qemu_run(argv, &options, NULL, &result, &error_fatal);
    n = printf("it says %s", result.out);
    qemu_run_result_clear(&result);
    return n;
}

static int see_why_not(void)
{
    const char *argv[] = {"/etc/qemu-ifup-that-is-not-there", NULL};
    Error *err = NULL;
    QemuProcess *process = qemu_spawn(argv, NULL, &err);

    if (process) {
        qemu_process_free(process);
        return 0;
    }
    printf("%s\n", error_get_pretty(err));
    error_free(err);
    return errno;
}

static int give_it_a_limited_time(void)
{
    const char *argv[] = {"sleep", "1000", NULL};
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuProcess *process = qemu_spawn(argv, &options, &error_fatal);
    QemuProcessStatus status;
    char *text;

    if (qemu_process_wait(process, 10, &status, &error_fatal) == 0) {     /* ms */
        qemu_process_stop(process, 5000, &status, &error_fatal);          /* SIGTERM, and after 5 s SIGKILL */
    }
    text = qemu_process_status_str(&status);
    printf("it was %s\n", text);
    free(text);
    qemu_process_free(process);
    return status.term_signal;
}

int main(void)
{
    return run() == 3 && read_output() > 0 && see_why_not() == ENOENT && give_it_a_limited_time() == SIGTERM ? 0 : 1;
}
