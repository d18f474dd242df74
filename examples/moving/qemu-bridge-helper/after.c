/*
 * usage: after HELPER: lets a helper with more rights open a file, and prints its contents
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>

#include <qemu-fork.h>

#include "qapi/error.h"
#include "receive.h"

enum { HELPERS_END = 3 };

static int open_by_helper(const char *helper, Error **errp)
{
    const char *const argv[] = {helper, "--fd=3", NULL};
    QemuProcessStatus status;
    QemuProcess *process;
    int ends[2], fd;
    QemuSpawnFd given = {.target = HELPERS_END};
    QemuSpawnOptions options = {.size = sizeof(options), .fds = &given, .n_fds = 1};

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        error_setg_errno(errp, errno, "no socket for the bridge helper");
        return -1;
    }
    given.source = ends[1];
    process = qemu_spawn(argv, &options, errp);
    close(ends[1]);
    fd = process ? receive_descriptor(ends[0]) : -1;
    close(ends[0]);
    if (process) {
        qemu_process_wait(process, -1, &status, NULL);
        if (fd < 0 && qemu_process_status_check(&status, helper, errp)) {
            error_setg(errp, "%s has sent no descriptor", helper);
        }
        qemu_process_free(process);
    }
    return fd;
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        show(open_by_helper(argv[1], &error_fatal));
    }
    return 0;
}
