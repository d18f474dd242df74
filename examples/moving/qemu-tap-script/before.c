/*
 * usage: before SCRIPT: lets a script set up the network interface tap0
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_script(const char *script, const char *interface, int tap)
{
    pid_t pid = fork();
    int status;

    if (pid < 0) {
        perror("fork");
        return -1;
    }
    if (pid == 0) {
        for (long fd = 3; fd < sysconf(_SC_OPEN_MAX); fd++) { /* of which there may be a billion */
            if (fd != tap) {
                close((int)fd);
            }
        }
        execl(script, script, interface, (char *)NULL);
        _exit(1);
    }
    while (waitpid(pid, &status, 0) != pid) { /* for ever, if another part of the program has reaped it */
    }
    if (status != 0) {
        fprintf(stderr, "network script %s failed with status %d\n", script, status);
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int tap = open("lines.txt", O_RDONLY); /* a file stands for the device */

    return argc == 2 && run_script(argv[1], "tap0", tap) == 0 ? 0 : 1;
}
