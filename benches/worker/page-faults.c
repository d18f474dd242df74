/*
 * Page faults of one start. After a fork each costs as much as several system calls, and the source does not show them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/resource.h>

#include "worker.h"

enum { TIMES = 21 };

static uint64_t faults_of(int who)
{
    struct rusage usage;

    if (getrusage(who, &usage) < 0) {
        die("getrusage");
    }
    return (uint64_t)usage.ru_minflt;
}

void print_page_faults(const struct peer *peer)
{
    const char *argv[] = {children.tiny, NULL};
    struct samples parent = {.n = 0}, child = {.n = 0};

    until_done(peer, 3);
    for (int i = 0; i < TIMES; i++) {
        uint64_t mine = faults_of(RUSAGE_SELF), theirs = faults_of(RUSAGE_CHILDREN);
        struct child started;

        if (!peer->start(&started, argv) || peer->finish(&started) != 0) {
            die(peer->name);
        }
        add_sample(&parent, faults_of(RUSAGE_SELF) - mine);
        add_sample(&child, faults_of(RUSAGE_CHILDREN) - theirs);
    }
    printf("%.0f %.0f\n", median(&parent), median(&child));
}
