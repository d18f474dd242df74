/*
 * usage: after PROGRAM [ARGUMENT]...: runs a program for the host, and tells it what the program wrote
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <qemu-fork.h>

#include "qapi/error.h"

int main(int argc, char **argv)
{
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions run = {
        .size = sizeof(run),
        .flags = QEMU_RUN_CUT | QEMU_RUN_INHERIT_STDERR,
        .stdout_limit = 16 << 20,
        .timeout_ms = 60000,
    };
    QemuRunResult result = {.size = sizeof(result)};

    (void)argc;
    qemu_run((const char *const *)(argv + 1), &spawn, &run, &result, &error_fatal);
    printf("exitcode %d, %zu bytes%s\n", result.status.end == QEMU_PROCESS_EXITED ? result.status.exit_code : -1,
           result.out_len, result.flags & QEMU_RUN_RESULT_OUT_CUT ? ", truncated" : "");
    qemu_run_result_clear(&result);
    return 0;
}
