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

/* Waits for qemu_fork_call(), by which the child can return an Error, and need not be waited for here. */
static bool write_state(const char *file, Error **errp)
{
    pid_t pid = qemu_fork(errp);
    QemuProcess *process;
    QemuProcessStatus status;

    if (pid == 0) {
        int fd;

        setsid();
        fd = open(file, O_WRONLY);
        _exit(fd >= 0 && write(fd, "mem", 3) == 3 ? 0 : errno);
    }
    process = pid > 0 ? qemu_process_adopt(pid, errp) : NULL;
    if (!process) {
        return false;
    }
    qemu_process_wait(process, -1, &status, NULL);
    qemu_process_free(process);
    if (status.end == QEMU_PROCESS_EXITED && status.exit_code != 0) {
        error_setg_errno(errp, status.exit_code, "cannot suspend by %s", file);
        return false;
    }
    return qemu_process_status_check(&status, "the child that suspends", errp);
}

int main(int argc, char **argv)
{
    Error *err = NULL;

    if (argc != 3) {
        return 1;
    }
    if (!run_tool(argv[1], &err)) {
        fprintf(stderr, "%s\n", error_get_pretty(err));
        error_free(err);
        if (!write_state(argv[2], &error_fatal)) {
            return 1;
        }
    }
    puts("awake again");
    return 0;
}
