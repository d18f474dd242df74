/*
 * usage: before PROGRAM [ARGUMENT]...: runs a program for the host, and tells it what the program wrote
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_OUTPUT (16 << 20)

/* Reads all of it, and returns the beginning. */
static char *read_output(int fd, size_t *len, int *cut)
{
    static char beyond[4096];
    char *out = (char *)malloc(MAX_OUTPUT);

    *len = 0;
    *cut = 0;
    for (;;) {
        int full = *len == MAX_OUTPUT;
        ssize_t n = read(fd, full ? beyond : out + *len, full ? sizeof(beyond) : MAX_OUTPUT - *len);

        if (n > 0 && full) {
            *cut = 1;
        } else if (n > 0) {
            *len += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            return out;
        }
    }
}

int main(int argc, char **argv)
{
    int fds[2], status, cut;
    size_t len;
    char *out;
    pid_t pid;

    if (argc < 2 || pipe(fds) < 0 || (pid = fork()) < 0) {
        perror("cannot run it");
        return 1;
    }
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execvp(argv[1], argv + 1);
        _exit(1); /* and why? */
    }
    close(fds[1]);
    out = read_output(fds[0], &len, &cut); /* until nobody has its stdout any more */
    close(fds[0]);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            perror("waitpid");
            return 1;
        }
    }
    printf("exitcode %d, %zu bytes%s\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1, len, cut ? ", truncated" : "");
    free(out);
    return 0;
}
