/*
 * usage: before MACHINE: a test that starts a machine, waits until it says that it is ready, and ends it
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qapi/error.h"

static void clean_up(void)
{
    puts("the test cleans up");
}

static pid_t start_machine(const char *machine, int answers, Error **errp)
{
    char number[16];
    pid_t pid;

    snprintf(number, sizeof(number), "%d", answers);
    pid = fork();
    if (pid < 0) {
        error_setg(errp, "cannot make a process");
    }
    if (pid == 0) {
        setenv("SOUND", "none", 1); /* which allocates memory */
        execlp(machine, machine, number, (char *)NULL);
        exit(1); /* which does what the test does at its end */
    }
    return pid;
}

static void test_machine(const char *machine, Error **errp)
{
    int answers[2], status;
    char line[64];
    ssize_t n;
    pid_t pid;

    if (pipe(answers) < 0 || (pid = start_machine(machine, answers[1], errp)) < 0) {
        return;
    }
    close(answers[1]);
    n = read(answers[0], line, sizeof(line));
    close(answers[0]);
    if (n > 0) {
        printf("%.*s", (int)n, line);
        kill(pid, SIGTERM);
    }
    waitpid(pid, &status, 0); /* as long as the machine likes */
    if (n <= 0) {
        error_setg(errp, "the machine ended with status %d", status);
    }
}

int main(int argc, char **argv)
{
    Error *err = NULL;

    atexit(clean_up);
    if (argc == 2) {
        test_machine(argv[1], &err);
    }
    if (err) {
        puts(error_get_pretty(err));
        error_free(err);
    }
    return 0;
}
