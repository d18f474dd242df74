/*
 * usage: after SCRIPT: lets a script set up the network interface tap0
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>

#include <qemu-fork.h>

#include "qapi/error.h"

static bool run_script(const char *script, const char *interface, int tap, Error **errp)
{
    const char *const argv[] = {script, interface, NULL};
    QemuSpawnFd left = {.source = tap, .target = tap};
    QemuSpawnOptions options = {.size = sizeof(options), .fds = &left, .n_fds = 1};
    QemuProcessStatus status;

    return qemu_spawn_sync(argv, &options, -1, &status, errp) == 0 && qemu_process_status_check(&status, script, errp);
}

int main(int argc, char **argv)
{
    int tap = open("lines.txt", O_RDONLY | O_CLOEXEC); /* a file stands for the device */

    return argc == 2 && run_script(argv[1], "tap0", tap, &error_fatal) ? 0 : 1;
}
