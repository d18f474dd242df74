/*
 * usage: after TOOL FILE: suspends the machine by a tool, or, if that does not work, by a word in a file
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "qapi/error.h"

static bool run_tool(const char *tool, Error **errp)
{
    const char *const argv[] = {tool, "suspend", NULL};
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SETSID | QEMU_SPAWN_NULL_STDOUT};
    QemuRunOptions run = {.size = sizeof(run), .flags = QEMU_RUN_CHECK | QEMU_RUN_KEEP_TAIL, .stderr_limit = 4096};

    return qemu_run(argv, &spawn, &run, NULL, errp);
}

/* Runs in a child. Its result and its Error reach the parent. */
static int write_state(void *opaque, Error **errp)
{
    const char *file = (const char *)opaque;
    int fd = open(file, O_WRONLY);

    if (fd < 0 || write(fd, "mem", 3) != 3) {
        error_setg_errno(errp, errno, "cannot suspend by %s", file);
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    QemuForkOptions options = {.size = sizeof(options), .flags = QEMU_FORK_SETSID};
    Error *err = NULL;

    if (argc != 3) {
        return 1;
    }
    if (!run_tool(argv[1], &err)) {
        fprintf(stderr, "%s\n", error_get_pretty(err));
        error_free(err);
        qemu_fork_call(write_state, argv[2], &options, -1, &error_fatal);
    }
    puts("awake again");
    return 0;
}
