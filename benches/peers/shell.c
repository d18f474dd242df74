/*
 * system() and popen(), which start a shell that starts the program.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/wait.h>

#include "../worker/worker.h"

static const char *line_of(const char *const argv[])
{
    static _Thread_local char line[512];
    size_t length = 0;

    line[0] = '\0';
    for (size_t i = 0; argv[i] && length < sizeof(line); i++) {
        length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%s", i ? " " : "", argv[i]);
    }
    return line;
}

static int exit_status(int status)
{
    return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool system_start(struct child *child, const char *const argv[])
{
    child->pid = exit_status(system(line_of(argv)));
    return child->pid >= 0;
}

/* It has been waited for. */
static int system_finish(struct child *child)
{
    return child->pid;
}

static bool popen_start(struct child *child, const char *const argv[])
{
    child->handle = popen(line_of(argv), "re");
    return child->handle != NULL;
}

static int popen_finish(struct child *child)
{
    return exit_status(pclose(child->handle));
}

static size_t popen_capture(const char *const argv[], char *buffer, size_t size)
{
    FILE *file = popen(line_of(argv), "re");
    size_t length = 0;

    if (file) {
        length = fread(buffer, 1, size, file);
    }
    return file && pclose(file) == 0 ? length : 0;
}

/* Reads to the end, and throws it away. */
static size_t read_and_close(FILE *file)
{
    static char chunk[65536];
    size_t total = 0, n;

    if (!file) {
        die("popen");
    }
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        total += n;
    }
    return pclose(file) == 0 ? total : 0;
}

static size_t popen_run(const char *const argv[], const char *input, size_t size)
{
    (void)input;
    (void)size;
    return read_and_close(popen(line_of(argv), "re"));
}

static size_t popen_many(const char *const argv[], unsigned n)
{
    FILE **files = calloc(n, sizeof(FILE *));
    size_t total = 0;

    if (!files) {
        die("calloc");
    }
    for (unsigned i = 0; i < n; i++) {
        files[i] = popen(line_of(argv), "re");
    }
    for (unsigned i = 0; i < n; i++) {
        total += read_and_close(files[i]);
    }
    free(files);
    return total;
}

static const struct runner runners[] = {{"popen", popen_run, popen_many}};
RUNNERS(runners)

static const struct peer shells[] = {
    {"system", system_start, system_finish, NULL},
    {"popen", popen_start, popen_finish, popen_capture},
};
PEERS(shells)
