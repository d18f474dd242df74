/*
 * exec-channel: streams a file through "gzip -c" and "gzip -dc", as QEMU's exec: channel does, by qemu_spawn()
 *
 * usage: exec-channel [FILE]
 *
 * Compare exec-channel-fork.c. Here is no fork, no dup2, no CLOEXEC, no signal mask, and no exit status 127.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

/* Starts a helper whose stdin is the file, which is closed here. Returns its output. */
static FILE *channel(const char *const argv[], FILE *in, QemuProcess **process)
{
    QemuSpawnFd fds[] = {{.source = fileno(in), .target = 0}};
    QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDOUT,
        .fds = fds,
        .n_fds = 1,
    };

    *process = qemu_spawn(argv, &options, &error_fatal);
    fclose(in);
    return fdopen(qemu_process_take_fd(*process, 1), "r");
}

static bool ended_well(QemuProcess *process, const char *name)
{
    QemuProcessStatus status;
    char *text;

    qemu_process_wait(process, -1, &status, &error_fatal);
    text = qemu_process_status_str(&status);
    printf("%s %s\n", name, text);
    free(text);
    qemu_process_free(process);
    return status.end == QEMU_PROCESS_EXITED && status.exit_code == 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "/proc/self/exe";
    const char *const to_compress[] = {"gzip", "-c", NULL}, *const to_expand[] = {"gzip", "-dc", NULL};
    FILE *original = fopen(name, "r"), *file = fopen(name, "r");
    QemuProcess *compress, *expand;
    long bytes = 0;
    int byte, expected;
    bool good;

    if (!original || !file) {
        perror(name);
        return 1;
    }
    file = channel(to_compress, file, &compress);
    file = channel(to_expand, file, &expand);
    do {
        byte = getc(file);
        expected = getc(original);
        bytes += byte != EOF;
    } while (byte == expected && byte != EOF);
    fclose(original);
    fclose(file);
    printf("%ld bytes through gzip -c and gzip -dc: %s\n", bytes,
           byte == expected ? "every byte came back" : "NOT THE SAME");
    good = ended_well(compress, "gzip -c");
    good = ended_well(expand, "gzip -dc") && good;
    return good && byte == expected ? 0 : 1;
}
