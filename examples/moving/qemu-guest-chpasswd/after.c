/*
 * usage: after CHPASSWD USER PASSWORD: sets a password
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <qemu-fork.h>

#include "qapi/error.h"

static bool set_password(const char *program, const char *user, const char *password, Error **errp)
{
    char line[256];
    const char *const argv[] = {program, NULL};
    QemuRunOptions run = {.size = sizeof(run), .flags = QEMU_RUN_CHECK, .timeout_ms = 60000};

    snprintf(line, sizeof(line), "%s:%s\n", user, password);
    run.input = line;
    run.input_len = strlen(line);
    return qemu_run(argv, NULL, &run, NULL, errp);
}

int main(int argc, char **argv)
{
    if (argc != 4 || !set_password(argv[1], argv[2], argv[3], &error_fatal)) {
        return 1;
    }
    puts("done");
    return 0;
}
