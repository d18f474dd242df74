/*
 * usage: before TOOL FILE: suspends the machine by a tool, or, if that does not work, by a word in a file
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

/* What both children do first. */
static void leave_the_agent(void)
{
    int null = open("/dev/null", O_RDWR);

    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
}

static void check_child(pid_t pid, Error **errp)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            error_setg_errno(errp, errno, "cannot wait for the child");
            return;
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        error_setg(errp, "the machine could not be suspended");
    }
}

static void run_tool(const char *tool, Error **errp)
{
    pid_t pid = fork();

    if (pid < 0) {
        error_setg_errno(errp, errno, "cannot make a process");
        return;
    }
    if (pid == 0) {
        leave_the_agent();
        execle(tool, tool, "suspend", (char *)NULL, environ);
        _exit(1);
    }
    check_child(pid, errp);
}

static void write_state(const char *file, Error **errp)
{
    pid_t pid = fork();

    if (pid < 0) {
        error_setg_errno(errp, errno, "cannot make a process");
        return;
    }
    if (pid == 0) {
        int fd;

        leave_the_agent();
        fd = open(file, O_WRONLY);
        _exit(fd >= 0 && write(fd, "mem", 3) == 3 ? 0 : 1); /* and why not? */
    }
    check_child(pid, errp);
}

int main(int argc, char **argv)
{
    Error *err = NULL;

    if (argc != 3) {
        return 1;
    }
    run_tool(argv[1], &err);
    if (err) {
        error_free(err);
        write_state(argv[2], &error_fatal);
    }
    puts("awake again");
    return 0;
}
