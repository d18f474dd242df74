/*
 * The process that the children are started from: its memory, its descriptors, its other threads.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "worker.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

char *memory;

void bind_to(int processor)
{
    cpu_set_t one;

    if (processor < 0) {
        return;
    }
    CPU_ZERO(&one);
    CPU_SET((unsigned)processor, &one);
    if (sched_setaffinity(0, sizeof(one), &one) < 0) {
        die("sched_setaffinity");
    }
}

static unsigned long huge_kibibytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    unsigned long kibibytes = 0;
    char line[256];

    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "AnonHugePages: %lu", &kibibytes) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return kibibytes;
}

static void take_memory(void)
{
    size_t huge_page = 2u << 20, size = setting.mebibytes << 20;
    char *start;

    if (size == 0) {
        return;
    }
    start = mmap(NULL, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        die("mmap");
    }
    memory = start + (huge_page - (uintptr_t)start % huge_page) % huge_page;
    madvise(memory, size, setting.huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    if (madvise(memory, size, MADV_POPULATE_WRITE) < 0) {
        /* Linux before 5.14 does not know it. */
        for (size_t i = 0; i < size; i += 4096) {
            memory[i] = 1;
        }
    }
}

/* The number in all. bench.py knows how many are allowed. */
static void take_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    if (setting.descriptors > 900 && setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("setrlimit");
    }
    for (unsigned n = 3; n < setting.descriptors; n++) {
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) {
            die("open");
        }
    }
}

/* Wakes a thousand times in a second and writes a little, as a device's thread does. */
static void *stand_by(void *unused)
{
    struct timespec millisecond = {0, 1000000};
    volatile char page[4096];

    (void)unused;
    for (unsigned i = 0;; i++) {
        page[i % sizeof(page)] = (char)i;
        nanosleep(&millisecond, NULL);
    }
    return NULL;
}

void set_up(void)
{
    take_memory();
    take_descriptors();
    for (unsigned i = 0; i < setting.bystanders; i++) {
        pthread_t thread;

        errno = pthread_create(&thread, NULL, stand_by, NULL);
        if (errno != 0) {
            die("pthread_create");
        }
    }
    bind_to(setting.processor); /* after the bystanders, which may use every processor */
    printf("ready %lu\n", huge_kibibytes() / 1024);
}
