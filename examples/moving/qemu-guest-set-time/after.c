/*
 * usage: after HWCLOCK: writes the system's time to the hardware clock
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <qemu-fork.h>

#include "qapi/error.h"

static bool set_hardware_clock(const char *hwclock, Error **errp)
{
    const char *const argv[] = {"hwclock", "-w", NULL};
    QemuSpawnOptions spawn = {
        .size = sizeof(spawn),
        .flags = QEMU_SPAWN_SETSID | QEMU_SPAWN_NULL_STDOUT,
        .executable = hwclock,
    };
    QemuRunOptions run = {
        .size = sizeof(run),
        .flags = QEMU_RUN_CHECK | QEMU_RUN_KEEP_TAIL,
        .stderr_limit = 4096,
        .timeout_ms = 60000,
    };

    return qemu_run(argv, &spawn, &run, NULL, errp);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !set_hardware_clock(argv[1], &error_fatal)) {
        return 1;
    }
    puts("set");
    return 0;
}
