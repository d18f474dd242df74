/*
 * A program started, its output, its status, and why another cannot be started. The same in other languages:
 * examples/languages.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(void)
{
    const char *shell[] = {"sh", "-c", "echo hello; exit 3", NULL};
    const char *not_there[] = {"/etc/not-there", NULL};
    QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDOUT,
    };
    QemuProcess *proc = qemu_spawn(shell, &options, &error_fatal);
    FILE *output = fdopen(qemu_process_take_fd(proc, 1), "r");
    QemuProcessStatus status;
    Error *err = NULL;
    char *text;

    for (int c; (c = getc(output)) != EOF;) {
        putchar(c);
    }
    fclose(output);
    qemu_process_wait(proc, -1, &status, &error_fatal);
    qemu_process_free(proc);
    text = qemu_process_status_str(&status);
    puts(text);
    free(text);

    if (!qemu_spawn(not_there, NULL, &err)) {
        puts(error_get_pretty(err));
        error_free(err);
    }
    return 0;
}
