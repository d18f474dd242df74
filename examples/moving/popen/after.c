/*
 * usage: after PROGRAM [ARGUMENT]...: numbers the lines that a program writes
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>
#include <stdio.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

static bool number_line(void *opaque, int child_fd, const char *line, size_t len)
{
    int *n = (int *)opaque;

    (void)child_fd;
    printf("%d %.*s", ++*n, (int)len, line);
    return true;
}

int main(int argc, char **argv)
{
    int n = 0;
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions run = {
        .size = sizeof(run),
        .flags = QEMU_RUN_LINES | QEMU_RUN_CHECK | QEMU_RUN_INHERIT_STDIN | QEMU_RUN_INHERIT_STDERR,
        .sink = number_line,
        .opaque = &n,
    };

    (void)argc;
    qemu_run((const char *const *)(argv + 1), &spawn, &run, NULL, &error_fatal);
    return 0;
}
