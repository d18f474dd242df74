/*
 * usage: after PROGRAM [ARGUMENT]...: gives its stdin to a program and shows what that writes, by qemu_run()
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

/* All that there is on stdin. */
static char *read_stdin(size_t *len)
{
    size_t size = 1 << 22;
    char *all = (char *)malloc(size);

    if (!all) {
        exit(1);
    }
    *len = fread(all, 1, size, stdin);
    return all;
}

int main(int argc, char **argv)
{
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions run = {
        .size = sizeof(run),
        .flags = QEMU_RUN_CHECK | QEMU_RUN_INHERIT_STDERR,
        .timeout_ms = 60000,
    };
    QemuRunResult result = {.size = sizeof(result)};
    char *input = read_stdin(&run.input_len);

    (void)argc;
    run.input = input;
    qemu_run((const char *const *)(argv + 1), &spawn, &run, &result, &error_fatal);
    fwrite(result.out, 1, result.out_len, stdout);
    if (result.flags & QEMU_RUN_RESULT_INPUT_LEFT) {
        fprintf(stderr, "it has not read all of its input\n");
    }
    qemu_run_result_clear(&result);
    free(input);
    return 0;
}
