/*
 * Output is printed twice.
 *
 * The child has a copy of what stdio has not written yet, and of the atexit handlers. exit() in the child, where
 * execv() failed, writes that output and calls the handlers.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "trap.h"

static const char *const not_there[] = {"/etc/not-there", NULL};

static void start_by_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execv(not_there[0], (char **)not_there);
        exit(127);
    }
    wait_status(pid);
}

static void start_by_spawn(void)
{
    qemu_spawn(not_there, NULL, NULL);
}

/* Prints a line, starts something before stdio has written it, and counts the lines that come out. */
static int lines_that_come_out(void (*start)(void))
{
    int pipe_ends[2], lines = 0;
    char line[64];
    FILE *in, *out;

    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        abort();
    }
    in = fdopen(pipe_ends[0], "r");
    out = fdopen(pipe_ends[1], "w");
    fputs("money sent\n", out);
    start();
    fclose(out);
    while (fgets(line, sizeof(line), in)) {
        lines++;
    }
    fclose(in);
    return lines;
}

int main(void)
{
    int by_fork = lines_that_come_out(start_by_fork);
    int by_spawn = lines_that_come_out(start_by_spawn);

    printf("fork(): \"money sent\" comes out %d times; qemu_spawn(): %d time\n", by_fork, by_spawn);
    return outcome(by_fork == 2, by_spawn == 1);
}
