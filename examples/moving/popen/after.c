/*
 * usage: after PROGRAM [ARGUMENT]...: numbers the lines that a program writes
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(int argc, char **argv)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDOUT};
    QemuProcess *process = qemu_spawn((const char *const *)(argv + 1), &options, &error_fatal);
    FILE *out = fdopen(qemu_process_take_fd(process, 1), "r");
    QemuProcessStatus status;
    char line[256];

    (void)argc;
    for (int n = 1; fgets(line, sizeof(line), out); n++) {
        printf("%d %s", n, line);
    }
    fclose(out);
    qemu_process_wait(process, -1, &status, &error_fatal);
    qemu_process_free(process);
    if (status.end != QEMU_PROCESS_EXITED || status.exit_code != 0) {
        printf("status %d\n", status.exit_code);
        return 1;
    }
    return 0;
}
