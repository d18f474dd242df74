/*
 * usage: after PROGRAM [ARGUMENT]...: shows what a program writes, by qemu_run()
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(int argc, char **argv)
{
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions run = {.size = sizeof(run), .flags = QEMU_RUN_CHECK, .timeout_ms = 60000};
    QemuRunResult result = {.size = sizeof(result)};
    Error *err = NULL;
    bool good = qemu_run((const char *const *)(argv + 1), &spawn, &run, &result, &err);

    (void)argc;
    if (result.out) {
        fwrite(result.out, 1, result.out_len, stdout);
    }
    qemu_run_result_clear(&result);
    if (!good) {
        error_report_err(err);
        return 1;
    }
    return 0;
}
