/*
 * The times of a batch, and their median.
 *
 * SPDX-License-Identifier: MIT
 */
#include "worker.h"

void add_sample(struct samples *samples, uint64_t ns)
{
    if (samples->n < MOST_SAMPLES) {
        samples->ns[samples->n++] = ns;
    }
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

double median(struct samples *samples)
{
    unsigned n = samples->n;

    if (n == 0) {
        return 0;
    }
    qsort(samples->ns, n, sizeof(*samples->ns), by_size);
    return ((double)samples->ns[(n - 1) / 2] + (double)samples->ns[n / 2]) / 2;
}
