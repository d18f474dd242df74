/*
 * usage: after PROGRAM [ARGUMENT]...: runs a program by qemu_spawn_sync(), and prints how it ended
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(int argc, char **argv)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuProcessStatus status;
    Error *err = NULL;
    char *text;

    (void)argc;
    if (qemu_spawn_sync((const char *const *)(argv + 1), &options, -1, &status, &err) < 0) {
        error_report_err(err);
        return 1;
    }
    text = qemu_process_status_str(&status);
    puts(text);
    free(text);
    return 0;
}
