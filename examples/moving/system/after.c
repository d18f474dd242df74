/*
 * usage: after FILE: shows the file's lines in order
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(int argc, char **argv)
{
    const char *const command[] = {"sort", "--", argv[1], NULL};
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions run = {
        .size = sizeof(run),
        .flags = QEMU_RUN_CHECK | QEMU_RUN_INHERIT_STDIN | QEMU_RUN_INHERIT_STDOUT | QEMU_RUN_INHERIT_STDERR,
        .timeout_ms = 60000,
    };

    if (argc != 2) {
        return 2;
    }
    qemu_run(command, &spawn, &run, NULL, &error_fatal);
    return 0;
}
