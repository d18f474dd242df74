/*
 * spawn-peers: compares what a program inherits from the functions that can start it, and their cost in a large process
 *
 * usage: spawn-peers [MEBIBYTES]
 *
 * Each is called in the simplest way, as most programs do. The parent has a signal blocked, two others ignored, and 20
 * descriptors without O_CLOEXEC.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_GLIB
#include <glib.h>
#endif

#include <qemu-fork.h>
#include <qemu-fork/error.h>

#include "known-state.h"

enum { TEXT = 160, DESCRIPTORS = 20 };

/* Runs a program to its end, and writes a description of a failure into @text: nothing, if all was well. */
typedef void Runner(const char *const argv[], char text[TEXT]);

static void reap(pid_t pid, char text[TEXT])
{
    int status = -1;

    waitpid(pid, &status, 0);
    if (status != 0) {
        snprintf(text, TEXT, "exit status %d", WEXITSTATUS(status));
    }
}

static void by_fork(const char *const argv[], char text[TEXT])
{
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], (char **)argv);
        _exit(127);
    }
    reap(pid, text);
}

static void by_posix_spawn(const char *const argv[], char text[TEXT])
{
    pid_t pid;
    int error = posix_spawn(&pid, argv[0], NULL, NULL, (char **)argv, environ);

    if (error != 0) {
        snprintf(text, TEXT, "%s", strerror(error));
        return;
    }
    reap(pid, text);
}

#ifdef HAVE_GLIB
static void by_glib(const char *const argv[], char text[TEXT])
{
    GError *error = NULL;
    GPid pid;

    if (!g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error)) {
        snprintf(text, TEXT, "%s", error->message);
        g_error_free(error);
        return;
    }
    reap(pid, text);
}
#endif

static void by_qemu_spawn(const char *const argv[], char text[TEXT])
{
    QemuProcessStatus status;
    Error *err = NULL;

    if (qemu_spawn_sync(argv, NULL, -1, &status, &err) < 0) {
        snprintf(text, TEXT, "%s", error_get_pretty(err));
        error_free(err);
    } else if (status.exit_code != 0) {
        snprintf(text, TEXT, "exit status %d", status.exit_code);
    }
}

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of several runs, from the call until the program has been reaped. */
static double median_ms(Runner *run)
{
    enum { RUNS = 11 };
    const char *argv[] = {"/bin/true", NULL};
    double times[RUNS];
    char text[TEXT] = "";

    for (int i = 0; i < RUNS; i++) {
        double start = now_ms();

        run(argv, text);
        times[i] = now_ms() - start;
    }
    if (text[0] != '\0') {
        fprintf(stderr, "%s: %s\n", argv[0], text);
        exit(1);
    }
    qsort(times, RUNS, sizeof(*times), compare);
    return times[RUNS / 2];
}

/* What a child finds. */
struct Found {
    int blocked, ignored, descriptors;
};

static int count(const char *status, const char *set)
{
    const char *line = strstr(status, set);

    return line ? __builtin_popcountll(strtoull(line + strlen(set), NULL, 16)) : -1;
}

/* Runs a program whose stdout is a temporary file, and puts what it wrote into @output. */
static void capture(Runner *run, const char *const argv[], char *output, size_t size)
{
    FILE *file = tmpfile();
    int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    char text[TEXT] = "";

    fflush(stdout);
    fcntl(fileno(file), F_SETFD, FD_CLOEXEC);
    dup2(fileno(file), STDOUT_FILENO);
    run(argv, text);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    output[fread(output, 1, size - 1, file)] = '\0';
    fclose(file);
    if (text[0] != '\0') {
        fprintf(stderr, "%s: %s\n", argv[0], text);
        exit(1);
    }
}

static struct Found look(Runner *run)
{
    const char *cat[] = {"/bin/cat", "/proc/self/status", NULL}, *ls[] = {"/bin/ls", "/proc/self/fd", NULL};
    char status[4096], list[4096];
    struct Found found;

    capture(run, cat, status, sizeof(status));
    capture(run, ls, list, sizeof(list));
    found.blocked = count(status, "SigBlk:");
    found.ignored = count(status, "SigIgn:");
    found.descriptors = -4; /* its own stdin, stdout, stderr and the folder */
    for (const char *end = list; (end = strchr(end, '\n')) != NULL; end++) {
        found.descriptors++;
    }
    return found;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        Runner *run;
    } peers[] = {
        {"fork() and execv()", by_fork},
        {"posix_spawn()", by_posix_spawn},
#ifdef HAVE_GLIB
        {"g_spawn_async()", by_glib},
#endif
        {"qemu_spawn_sync()", by_qemu_spawn},
    };
    const char *missing[] = {"/etc/not-there", NULL};
    size_t mebibytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
    char *memory = (char *)mmap(NULL, mebibytes << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct Found found = {0};
    char text[TEXT] = "";
    sigset_t blocked;

    begin_in_known_state();
    if (memory == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    madvise(memory, mebibytes << 20, MADV_NOHUGEPAGE); /* as a process has it that has grown over time */
    memset(memory, 1, mebibytes << 20);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (int i = 0; i < DESCRIPTORS; i++) {
        (void)!dup(STDIN_FILENO);
    }

    printf("started by a process|         | signals | signals | descriptors |\n");
    printf("with %5zu MiB      |      ms | blocked | ignored | unwanted    | a program that is not there\n", mebibytes);
    printf("--------------------+---------+---------+---------+-------------+----------------------------\n");
    for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
        double ms = median_ms(peers[i].run);

        found = look(peers[i].run);
        text[0] = '\0';
        peers[i].run(missing, text);
        printf("%-20s|%8.2f | %-8d| %-8d| %-12d| %s\n", peers[i].name, ms, found.blocked, found.ignored,
               found.descriptors, text);
    }
#ifndef HAVE_GLIB
    printf("(g_spawn_async() is not here: there was no GLib to build with.)\n");
#endif
    /* The last was ours. */
    return found.blocked + found.ignored + found.descriptors == 0 && strstr(text, missing[0]) ? 0 : 1;
}
