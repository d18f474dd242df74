/*
 * usage: before SECONDS PROGRAM [ARGUMENT]...: a check, as a monitor runs it: how much it says, and whether it is well
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Looks every few milliseconds whether the child has ended. Returns whether it has. */
static int wait_for(pid_t pid, int seconds, int *status)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};

    for (int i = 0; i < seconds * 100; i++) {
        if (waitpid(pid, status, WNOHANG) == pid) {
            return 1;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static char out[1 << 20];
    size_t len = 0;
    ssize_t n;
    int fds[2], status;
    pid_t pid;

    if (argc < 3 || pipe(fds) < 0 || (pid = fork()) < 0) {
        perror("cannot run it");
        return 3;
    }
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execvp(argv[2], argv + 2);
        _exit(3);
    }
    close(fds[1]);
    if (!wait_for(pid, atoi(argv[1]), &status)) { /* while the child waits for somebody to read */
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        printf("UNKNOWN: timed out after %s s\n", argv[1]);
        return 3;
    }
    while (len < sizeof(out) && (n = read(fds[0], out + len, sizeof(out) - len)) > 0) {
        len += (size_t)n;
    }
    printf("%s: %zu bytes\n", WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "OK" : "CRITICAL", len);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}
