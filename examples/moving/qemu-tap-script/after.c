/*
 * usage: after SCRIPT: lets a script set up the network interface tap0
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

static int run_script(const char *script, const char *interface, Error **errp)
{
    const char *const argv[] = {script, interface, NULL};
    QemuProcessStatus status;

    if (qemu_spawn_sync(argv, NULL, -1, &status, errp) < 0) {
        return -1;
    }
    if (status.end != QEMU_PROCESS_EXITED || status.exit_code != 0) {
        char *text = qemu_process_status_str(&status);

        error_setg(errp, "network script %s: %s", script, text);
        free(text);
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    return argc == 2 && run_script(argv[1], "tap0", &error_fatal) == 0 ? 0 : 1;
}
