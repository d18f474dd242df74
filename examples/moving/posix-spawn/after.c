/*
 * usage: after FOLDER PROGRAM [ARGUMENT]...: runs a program in a folder, with clean signals and no input
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(int argc, char **argv)
{
    QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_NULL_STDIN,
        .cwd = argv[1],
    };
    QemuProcessStatus status;

    if (argc < 3) {
        return 2;
    }
    qemu_spawn_sync((const char *const *)argv + 2, &options, -1, &status, &error_fatal);
    return status.end == QEMU_PROCESS_EXITED ? status.exit_code : 1;
}
