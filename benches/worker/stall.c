/*
 * How long another thread is stalled while a program is started, as a virtual machine's processor would be.
 *
 * That thread does one of two things. It gives pages back and touches them anew, a page fault each time, which waits
 * as long as a fork copies the page tables. Or it only writes to pages that it has: after a fork each is a page fault
 * and a copy.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "worker.h"

/* Long enough for the thread to be at work when the program is started and when it has ended. */
enum { WINDOW = 2000000, PAGE = 4096 };

static struct {
    size_t size;
    bool write_only;
    volatile bool started, over;
    uint64_t worst;
} other;

static struct rusage switches(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_THREAD, &usage) < 0) {
        die("getrusage");
    }
    return usage;
}

/* Whether another program had the processor meanwhile, and the thread has not waited for anything. */
static bool was_preempted(const struct rusage *before)
{
    struct rusage after = switches();

    return after.ru_nivcsw != before->ru_nivcsw && after.ru_nvcsw == before->ru_nvcsw;
}

static void *work(void *unused)
{
    size_t i = 0;

    (void)unused;
    bind_to(setting.other_processor);
    other.started = true;
    while (!other.over) {
        struct rusage before = switches();
        uint64_t begin, took;

        if (!other.write_only) {
            madvise(memory + i, PAGE, MADV_DONTNEED);
        }
        begin = now();
        ((volatile char *)memory)[i] = 1;
        took = now() - begin;
        if (took > other.worst && !was_preempted(&before)) {
            other.worst = took;
        }
        i = (i + PAGE) % other.size;
    }
    return NULL;
}

static uint64_t one_window(const struct peer *peer)
{
    const char *argv[] = {children.tiny, NULL};
    struct child child;
    pthread_t thread;
    uint64_t until;

    other.started = other.over = false;
    other.worst = 0;
    errno = pthread_create(&thread, NULL, work, NULL);
    if (errno != 0) {
        die("pthread_create");
    }
    while (!other.started) {
        sched_yield();
    }
    until = now() + WINDOW;
    if (peer && (!peer->start(&child, argv) || peer->finish(&child) != 0)) {
        die(peer->name);
    }
    while (now() < until) {
        sched_yield();
    }
    other.over = true;
    pthread_join(thread, NULL);
    return other.worst;
}

/* The median of the worst of each window. */
double stall(const struct peer *peer, unsigned times, bool write_only)
{
    struct samples worst = {.n = 0};

    if (!memory) {
        fprintf(stderr, "worker: a stall needs memory\n");
        exit(2);
    }
    other.write_only = write_only;
    other.size = setting.mebibytes << 20;
    if (other.size > 64u << 20) {
        other.size = 64u << 20;
    }
    for (unsigned i = 0; i < times; i++) {
        add_sample(&worst, one_window(peer));
    }
    return median(&worst);
}
