/*
 * run-held: a program that leaves a process behind with its output, as seen by popen(), Python and qemu_run()
 *
 * The program is sh -c 'sleep SECONDS & echo hi'. It ends at once. Its background process holds the pipe.
 *
 * usage: run-held [SECONDS]
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

enum { TEXT = 256 };

static char script[TEXT];

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void by_popen(char text[TEXT])
{
    FILE *pipe = popen(script, "r");

    if (pipe) {
        text[fread(text, 1, TEXT - 1, pipe)] = '\0';
        pclose(pipe);
    }
}

/* Without Python it says so. */
static void by_python(char text[TEXT])
{
    const char *argv[] = {
        "python3",
        "-c",
        "import subprocess, sys, time\n"
        "start = time.monotonic()\n"
        "print(subprocess.run(sys.argv[1], shell=True, capture_output=True, text=True).stdout.strip(),\n"
        "      (time.monotonic() - start) * 1e3)",
        script,
        NULL,
    };
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunResult result = {.size = sizeof(result)};

    if (qemu_run(argv, &spawn, NULL, &result, NULL)) {
        snprintf(text, TEXT, "%s", result.out);
    }
    qemu_run_result_clear(&result);
}

static int by_qemu_run(char text[TEXT])
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    QemuRunResult result = {.size = sizeof(result)};
    int held;

    qemu_run(argv, NULL, NULL, &result, &error_fatal);
    snprintf(text, TEXT, "%s", result.out);
    held = (result.flags & QEMU_RUN_RESULT_PIPE_HELD) != 0;
    qemu_run_result_clear(&result);
    return held;
}

int main(int argc, char **argv)
{
    char text[TEXT] = "", word[TEXT] = "";
    double start, ms = 0;
    int held;

    snprintf(script, sizeof(script), "sleep %s & echo hi", argc > 1 ? argv[1] : "5");
    printf("sh -c '%s'%*s|      ms | output\n", script, 24 - (int)strlen(script), "");
    printf("--------------------------------+---------+-------\n");
    fflush(stdout);
    start = now_ms();
    by_popen(text);
    printf("popen()                         |%8.0f | %s", now_ms() - start, text);
    fflush(stdout);
    text[0] = '\0';
    by_python(text);
    if (sscanf(text, "%255s %lf", word, &ms) == 2) {
        printf("subprocess.run() of Python      |%8.0f | %s\n", ms, word);
    } else {
        printf("(Python is not here.)\n");
    }
    fflush(stdout);
    start = now_ms();
    held = by_qemu_run(text);
    printf("qemu_run()                      |%8.0f | %s", now_ms() - start, text);
    printf("and it tells that the pipe is held: %s\n", held ? "yes" : "no");
    return held && strcmp(text, "hi\n") == 0 ? 0 : 1;
}
