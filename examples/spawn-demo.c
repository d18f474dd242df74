/*
 * spawn-demo: what starting a program costs a large process, and what it learns when there is no such program
 *
 * usage: spawn-demo [MEBIBYTES]
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

/* Runs a program without arguments; what there is to say of it. */
typedef void Runner(const char *program, char text[128]);

static void by_fork(const char *program, char text[128])
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        execl(program, program, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    snprintf(text, 128, "exit status %d", WEXITSTATUS(status));
}

static void by_spawn(const char *program, char text[128])
{
    const char *argv[] = {program, NULL};
    QemuProcessStatus status;
    Error *err = NULL;

    if (qemu_spawn_sync(argv, NULL, -1, &status, &err) < 0) {
        snprintf(text, 128, "%s", error_get_pretty(err));
        error_free(err);
        return;
    }
    snprintf(text, 128, "exit status %d", status.exit_code);
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
    double times[RUNS];
    char text[128];

    for (int i = 0; i < RUNS; i++) {
        double start = now_ms();

        run("/bin/true", text);
        times[i] = now_ms() - start;
        if (strcmp(text, "exit status 0") != 0) {
            fprintf(stderr, "/bin/true: %s\n", text);
            exit(1);
        }
    }
    qsort(times, RUNS, sizeof(*times), compare);
    return times[RUNS / 2];
}

int main(int argc, char **argv)
{
    static const char missing[] = "/etc/qemu-ifup-not-there";
    size_t mebibytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
    char *memory = mmap(NULL, mebibytes << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char forked[128], spawned[128];

    if (memory == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    madvise(memory, mebibytes << 20, MADV_NOHUGEPAGE); /* as a process has it that has grown over time */
    memset(memory, 1, mebibytes << 20);

    printf("from a process with %zu MiB, /bin/true from call to end\n", mebibytes);
    printf("  fork() and exec   %8.2f ms\n", median_ms(by_fork));
    printf("  qemu_spawn_sync() %8.2f ms\n", median_ms(by_spawn));
    by_fork(missing, forked);
    by_spawn(missing, spawned);
    printf("what it learns of a program that is not there\n");
    printf("  fork() and exec   %s\n", forked);
    printf("  qemu_spawn_sync() %s\n", spawned);
    return strstr(spawned, missing) && strstr(spawned, strerror(2)) ? 0 : 1;
}
