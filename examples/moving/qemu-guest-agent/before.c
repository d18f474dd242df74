/*
 * usage: before HOOK: tells a hook that the file systems are about to be frozen
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int run_hook(const char *hook, const char *argument)
{
    pid_t pid = fork();
    int status;

    if (pid < 0) {
        perror("fork");
        return -1;
    }
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        setsid();
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execle(hook, hook, argument, (char *)NULL, environ);
        _exit(1);
    }
    while (waitpid(pid, &status, 0) < 0) { /* as long as the hook likes */
        if (errno != EINTR) {
            perror("waitpid");
            return -1;
        }
    }
    if (!WIFEXITED(status)) {
        fprintf(stderr, "the hook has terminated abnormally\n");
        return -1;
    }
    if (WEXITSTATUS(status) != 0) {
        fprintf(stderr, "the hook has failed with status %d\n", WEXITSTATUS(status));
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || run_hook(argv[1], "freeze") < 0) {
        return 1;
    }
    puts("ready to freeze");
    return 0;
}
