/*
 * usage: before FILE: shows the file's lines in order
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char command[4096];

    if (argc != 2) {
        return 2;
    }
    snprintf(command, sizeof(command), "sort %s", argv[1]);
    return system(command) == 0 ? 0 : 1;
}
