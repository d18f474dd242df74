/*
 * usage: before CHPASSWD USER PASSWORD: sets a password
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_password(const char *program, const char *user, const char *password)
{
    char line[256];
    int fds[2], status;
    pid_t pid;

    snprintf(line, sizeof(line), "%s:%s\n", user, password);
    if (pipe(fds) < 0 || (pid = fork()) < 0) {
        perror("cannot run it");
        return -1;
    }
    if (pid == 0) {
        dup2(fds[0], STDIN_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(program, program, (char *)NULL);
        _exit(1);
    }
    close(fds[0]);
    if (write(fds[1], line, strlen(line)) < 0) { /* SIGPIPE ends us if it has not read */
        perror("write"); /* and nobody waits for the child */
        return -1;
    }
    close(fds[1]);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "child process has failed to set user password\n");
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4 || set_password(argv[1], argv[2], argv[3]) < 0) {
        return 1;
    }
    puts("done");
    return 0;
}
