/*
 * usage: qemu-fork-spawn PROGRAM [ARGUMENT]...: a program of QEMU's tree that calls qemu_spawn_sync()
 *
 * Its Errors are QEMU's. It includes both headers that declare qemu_fork().
 *
 * SPDX-License-Identifier: MIT
 */
#include "qemu/osdep.h"
#include "qapi/error.h"

#include <qemu-fork.h>

int main(int argc, char **argv)
{
    Error *err = NULL;
    QemuProcessStatus status;

    if (qemu_spawn_sync((const char *const *)(argv + 1), NULL, -1, &status, &err) < 0 ||
        !qemu_process_status_check(&status, argv[1], &err)) {
        error_report_err(err);
        return 1;
    }
    return 0;
}
