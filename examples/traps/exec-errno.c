/*
 * Why the program could not be executed is lost.
 *
 * execv() fails in the child. The parent only gets its exit status, which is 127 for every reason. A program that was
 * executed may also end with 127.
 *
 * SPDX-License-Identifier: MIT
 */
#include "trap.h"

static const char *const programs[][4] = {
    {"/etc/not-there", NULL},
    {"/etc/passwd", NULL}, /* not executable */
    {"/bin/sh", "-c", "exit 127", NULL},
};

static int status_by_fork(const char *const argv[])
{
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], (char **)argv);
        _exit(127);
    }
    return WEXITSTATUS(wait_status(pid));
}

static int errno_by_spawn(const char *const argv[], QemuProcessStatus *status)
{
    Error *err = NULL;

    if (qemu_spawn_sync(argv, NULL, -1, status, &err) < 0) {
        int error = errno;

        printf("qemu_spawn_sync(): %s\n", error_get_pretty(err));
        error_free(err);
        return error;
    }
    printf("qemu_spawn_sync(): %s has run, exit status %d\n", argv[0], status->exit_code);
    return 0;
}

int main(void)
{
    bool trapped = true, safe = true;
    QemuProcessStatus status;

    for (int i = 0; i < 3; i++) {
        int code = status_by_fork(programs[i]);

        printf("fork() and execv(): exit status %d\n", code);
        trapped = trapped && code == 127;
    }
    safe = errno_by_spawn(programs[0], &status) == ENOENT && safe;
    safe = errno_by_spawn(programs[1], &status) == EACCES && safe;
    safe = errno_by_spawn(programs[2], &status) == 0 && status.exit_code == 127 && safe;
    return outcome(trapped, safe);
}
