/*
 * usage: before HWCLOCK: writes the system's time to the hardware clock
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qapi/error.h"

extern char **environ;

static void set_hardware_clock(const char *hwclock, Error **errp)
{
    pid_t pid = fork();
    int status;

    if (pid < 0) {
        error_setg_errno(errp, errno, "cannot make a process");
        return;
    }
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        setsid();
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execle(hwclock, "hwclock", "-w", (char *)NULL, environ);
        _exit(1); /* as if the program had failed */
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            error_setg_errno(errp, errno, "cannot wait for the clock's program");
            return;
        }
    }
    if (!WIFEXITED(status)) {
        error_setg(errp, "the clock's program has terminated abnormally");
    } else if (WEXITSTATUS(status) != 0) {
        error_setg(errp, "the hardware clock could not be set");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 1;
    }
    set_hardware_clock(argv[1], &error_fatal);
    puts("set");
    return 0;
}
