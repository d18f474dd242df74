/*
 * usage: after HOOK [MILLISECONDS]: tells a hook that the file systems are about to be frozen
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

static int run_hook(const char *hook, const char *argument, int64_t timeout_ms, Error **errp)
{
    const char *const argv[] = {hook, argument, NULL};
    QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_SETSID | QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_NULL_STDOUT | QEMU_SPAWN_NULL_STDERR,
    };
    QemuProcessStatus status;

    if (qemu_spawn_sync(argv, &options, timeout_ms, &status, errp) < 0) {
        return -1;
    }
    if (status.end != QEMU_PROCESS_EXITED || status.exit_code != 0) {
        char *text = qemu_process_status_str(&status);

        error_setg(errp, "the hook has %s", text);
        free(text);
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || run_hook(argv[1], "freeze", argc > 2 ? atoi(argv[2]) : 60000, &error_fatal) < 0) {
        return 1;
    }
    puts("ready to freeze");
    return 0;
}
