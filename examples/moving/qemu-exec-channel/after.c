/*
 * usage: after PROGRAM [ARGUMENT]...: sends a line to a program's stdin and shows what comes from its stdout
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>

#include "qapi/error.h"

int main(int argc, char **argv)
{
    QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT,
    };
    QemuProcessStatus status;
    QemuProcess *process;
    FILE *in, *out;
    char line[256];

    (void)argc;
    signal(SIGPIPE, SIG_IGN); /* a helper that ends is no reason to end */
    process = qemu_spawn((const char *const *)(argv + 1), &options, &error_fatal);
    out = fdopen(qemu_process_take_fd(process, 0), "w");
    in = fdopen(qemu_process_take_fd(process, 1), "r");
    fputs("the state of a virtual machine\n", out);
    fclose(out);
    while (fgets(line, sizeof(line), in)) {
        fputs(line, stdout);
    }
    fclose(in);
    qemu_process_wait(process, -1, &status, &error_fatal);
    qemu_process_free(process);
    if (status.end != QEMU_PROCESS_EXITED || status.exit_code != 0) {
        char *text = qemu_process_status_str(&status);

        puts(text);
        free(text);
        return 1;
    }
    return 0;
}
