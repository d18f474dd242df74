/*
 * Many threads that start programs at the same time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <pthread.h>

#include "worker.h"

struct crowd {
    pthread_barrier_t barrier;
    const struct peer *peer;
    unsigned times;
};

static void *member(void *opaque)
{
    struct crowd *crowd = opaque;

    pthread_barrier_wait(&crowd->barrier);
    until_done(crowd->peer, crowd->times);
    return NULL;
}

double in_a_crowd(const struct peer *peer, unsigned times, unsigned n)
{
    struct crowd crowd = {.peer = peer, .times = times};
    pthread_t *threads = calloc(n, sizeof(*threads));
    uint64_t begin;

    if (!threads) {
        die("calloc");
    }
    pthread_barrier_init(&crowd.barrier, NULL, n + 1);
    for (unsigned i = 0; i < n; i++) {
        errno = pthread_create(&threads[i], NULL, member, &crowd);
        if (errno != 0) {
            die("pthread_create");
        }
    }
    pthread_barrier_wait(&crowd.barrier);
    begin = now();
    for (unsigned i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&crowd.barrier);
    free(threads);
    /* until_done() starts one more than it is asked for, if that is more than one. */
    return (double)(now() - begin) / n / (times > 1 ? times + 1 : 1);
}
