/*
 * What the benchmarks share: time, the operations that are compared, and rounds in which each comes once, in an order
 * that is another every time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct operation {
    const char *name;
    /* Does it so many times, and answers with the nanoseconds that count. */
    uint64_t (*run)(unsigned times);
    /* So many times in a round: heavy ones are rarer. */
    unsigned times;
};

static inline uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

__attribute__((__noreturn__, __unused__)) static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* One line for each operation of each round: scenario, round, operation, nanoseconds for one. */
__attribute__((__unused__)) static void measure(const char *scenario, const struct operation *all, unsigned n,
                                                 unsigned rounds, unsigned seed)
{
    unsigned order[32];

    if (n > sizeof(order) / sizeof(*order)) {
        abort();
    }
    srand(seed);
    for (unsigned i = 0; i < n; i++) {
        order[i] = i;
        all[i].run(1); /* the first one finds out, loads and faults */
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = n; i > 1; i--) {
            unsigned j = (unsigned)rand() % i;
            unsigned other = order[i - 1];

            order[i - 1] = order[j];
            order[j] = other;
        }
        for (unsigned i = 0; i < n; i++) {
            const struct operation *operation = &all[order[i]];

            printf("%s %u %u %s %.1f\n", scenario, seed, round, operation->name,
                   (double)operation->run(operation->times) / operation->times);
        }
    }
}

#endif /* BENCH_H */
