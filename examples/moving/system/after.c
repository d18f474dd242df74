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
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuProcessStatus status;

    if (argc != 2) {
        return 2;
    }
    qemu_spawn_sync(command, &options, -1, &status, &error_fatal);
    return status.end == QEMU_PROCESS_EXITED && status.exit_code == 0 ? 0 : 1;
}
