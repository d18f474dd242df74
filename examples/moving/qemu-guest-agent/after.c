/*
 * usage: after HOOK [MILLISECONDS]: tells a hook that the file systems are about to be frozen
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>

#include "qapi/error.h"

static bool run_hook(const char *hook, const char *argument, int64_t timeout_ms, Error **errp)
{
    const char *const argv[] = {hook, argument, NULL};
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SETSID | QEMU_SPAWN_NULL_STDOUT};
    QemuRunOptions run = {
        .size = sizeof(run),
        .flags = QEMU_RUN_CHECK | QEMU_RUN_KEEP_TAIL,
        .stderr_limit = 4096,
        .timeout_ms = timeout_ms,
        .grace_ms = 50,
    };

    return qemu_run(argv, &spawn, &run, NULL, errp);
}

int main(int argc, char **argv)
{
    if (argc < 2 || !run_hook(argv[1], "freeze", argc > 2 ? atoi(argv[2]) : 60000, &error_fatal)) {
        return 1;
    }
    puts("ready to freeze");
    return 0;
}
