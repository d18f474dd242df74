/*
 * usage: before PROGRAM [ARGUMENT]...: sends a line to a program's stdin and shows what comes from its stdout
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "qapi/error.h"

int main(int argc, char **argv)
{
    int to_child[2], from_child[2], status = -1;
    FILE *in, *out;
    char line[256];
    pid_t pid;

    signal(SIGPIPE, SIG_IGN); /* a helper that ends is no reason to end */
    if (argc < 2 || pipe(to_child) < 0 || pipe(from_child) < 0) {
        return 1;
    }
    pid = qemu_fork(&error_fatal);
    if (pid == 0) {
        dup2(to_child[0], STDIN_FILENO);
        dup2(from_child[1], STDOUT_FILENO);
        close(to_child[0]);
        close(to_child[1]);
        close(from_child[0]);
        close(from_child[1]);
        execvp(argv[1], argv + 1);
        _exit(1);
    }
    close(to_child[0]);
    close(from_child[1]);
    out = fdopen(to_child[1], "w");
    in = fdopen(from_child[0], "r");
    fputs("the state of a virtual machine\n", out);
    fclose(out);
    while (fgets(line, sizeof(line), in)) {
        fputs(line, stdout);
    }
    fclose(in);
    waitpid(pid, &status, 0);
    if (status != 0) {
        printf("wait status %d\n", status);
    }
    return status == 0 ? 0 : 1;
}
