/*
 * The cost grows with the parent's memory, and goes on after fork().
 *
 * fork() copies the page tables of the whole process and makes its memory read-only. From then on every first write to
 * a page is a page fault, in every thread. Their number depends only on the memory.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/resource.h>

#include "trap.h"

enum { MEMORY = 64 << 20 };

static const char *const program[] = {"/bin/true", NULL};
static char *memory;
static long page;

/* The page faults of a write to each page. */
static long faults(void)
{
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    for (long i = 0; i < MEMORY; i += page) {
        ((volatile char *)memory)[i] = 1;
    }
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
}

static long faults_after_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execv(program[0], (char **)program);
        _exit(127);
    }
    wait_status(pid);
    return faults();
}

static long faults_after_spawn(void)
{
    QemuProcess *process = qemu_spawn(program, NULL, &error_fatal);

    qemu_process_wait(process, -1, NULL, &error_fatal);
    if (strcmp(qemu_process_way(process), "fork") == 0) {
        cannot_show("this system lets no child share its parent's memory");
    }
    qemu_process_free(process);
    return faults();
}

int main(void)
{
    long pages, by_fork, by_spawn;

    page = sysconf(_SC_PAGESIZE);
    pages = MEMORY / page;
    memory = (char *)mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        abort();
    }
    madvise(memory, MEMORY, MADV_NOHUGEPAGE);
    faults();
    by_fork = faults_after_fork();
    by_spawn = faults_after_spawn();
    printf("page faults of a parent with %ld pages: %ld after fork(), %ld after qemu_spawn()\n", pages, by_fork,
           by_spawn);
    return outcome(by_fork >= pages, by_spawn < pages / 100);
}
