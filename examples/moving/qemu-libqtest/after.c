/*
 * usage: after MACHINE: a test that starts a machine, waits until it says that it is ready, and ends it
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "qapi/error.h"

static void clean_up(void)
{
    puts("the test cleans up");
}

static QemuProcess *start_machine(const char *machine, int answers, Error **errp)
{
    char number[16];
    const char *const argv[] = {machine, number, NULL}, *const variables[] = {"SOUND=none", NULL};
    QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_LEAVE_FDS, /* its arguments name descriptors */
        .env_set = variables,
        .death_signal = SIGKILL, /* however the test ends */
    };

    snprintf(number, sizeof(number), "%d", answers);
    return qemu_spawn(argv, &options, errp);
}

static void test_machine(const char *machine, Error **errp)
{
    int answers[2];
    char line[64];
    ssize_t n;
    QemuProcess *process;
    QemuProcessStatus status;

    if (pipe(answers) < 0 || !(process = start_machine(machine, answers[1], errp))) {
        return;
    }
    close(answers[1]);
    n = read(answers[0], line, sizeof(line));
    close(answers[0]);
    if (n > 0) {
        printf("%.*s", (int)n, line);
        qemu_process_stop(process, 10000, NULL, errp);
    } else {
        qemu_process_wait(process, -1, &status, NULL);
        qemu_process_status_check(&status, "the machine", errp);
    }
    qemu_process_free(process);
}

int main(int argc, char **argv)
{
    Error *err = NULL;

    atexit(clean_up);
    if (argc == 2) {
        test_machine(argv[1], &err);
    }
    if (err) {
        puts(error_get_pretty(err));
        error_free(err);
    }
    return 0;
}
