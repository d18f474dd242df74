/*
 * usage: after SECONDS PROGRAM [ARGUMENT]...: a check, as a monitor runs it: how much it says, and whether it is well
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(int argc, char **argv)
{
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions run = {.size = sizeof(run), .flags = QEMU_RUN_CUT, .stdout_limit = 1 << 20};
    QemuRunResult result = {.size = sizeof(result)};
    Error *err = NULL;
    int code = 3;

    if (argc < 3) {
        return 3;
    }
    run.timeout_ms = atoi(argv[1]) * 1000;
    if (!qemu_run((const char *const *)(argv + 2), &spawn, &run, &result, &err)) {
        printf("UNKNOWN: %s\n", error_get_pretty(err));
        error_free(err);
    } else {
        if (result.status.end == QEMU_PROCESS_EXITED) {
            code = result.status.exit_code;
        }
        printf("%s: %zu bytes\n", code == 0 ? "OK" : "CRITICAL", result.out_len);
    }
    qemu_run_result_clear(&result);
    return code;
}
