/*
 * usage: before COMMAND: numbers the lines that a command writes
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    FILE *out = argc == 2 ? popen(argv[1], "r") : NULL;
    char line[256];
    int status;

    if (!out) {
        perror("popen");
        return 1;
    }
    for (int n = 1; fgets(line, sizeof(line), out); n++) {
        printf("%d %s", n, line);
    }
    status = pclose(out);
    if (status != 0) {
        printf("status %d\n", WEXITSTATUS(status));
    }
    return status == 0 ? 0 : 1;
}
