/*
 * How long it takes to start a program: until the call returns, until the program runs, until it has been reaped.
 *
 * SPDX-License-Identifier: MIT
 */
#include <unistd.h>

#include "worker.h"

static void start(const struct peer *peer, struct child *child, const char *const argv[])
{
    if (!peer->start(child, argv)) {
        die(peer->name);
    }
}

static void finish(const struct peer *peer, struct child *child)
{
    if (peer->finish(child) != 0) {
        fprintf(stderr, "%s: its child failed\n", peer->name);
        exit(1);
    }
}

/* This one is not counted: after a pause the caches are cold. */
static void warm_up(const struct peer *peer, const char *const argv[], unsigned times)
{
    struct child child;

    if (times > 1) {
        start(peer, &child, argv);
        finish(peer, &child);
    }
}

double until_done(const struct peer *peer, unsigned times)
{
    const char *argv[] = {children.tiny, NULL};
    struct samples samples = {.n = 0};
    struct child child;

    warm_up(peer, argv, times);
    for (unsigned i = 0; i < times; i++) {
        uint64_t begin = now();

        start(peer, &child, argv);
        finish(peer, &child);
        add_sample(&samples, now() - begin);
    }
    return median(&samples);
}

double until_return(const struct peer *peer, unsigned times)
{
    const char *argv[] = {children.tiny, NULL};
    struct samples samples = {.n = 0};
    struct child child;

    warm_up(peer, argv, times);
    for (unsigned i = 0; i < times; i++) {
        uint64_t begin = now();

        start(peer, &child, argv);
        add_sample(&samples, now() - begin);
        finish(peer, &child);
    }
    return median(&samples);
}

double until_first_instruction(const struct peer *peer, unsigned times)
{
    static struct mailbox box;
    const char *argv[] = {children.stamp, box.path, NULL};
    struct samples samples = {.n = 0};
    struct child child;

    if (!box.path[0]) {
        box = new_mailbox();
    }
    warm_up(peer, argv, times);
    for (unsigned i = 0; i < times; i++) {
        uint64_t begin = now(), first;

        start(peer, &child, argv);
        finish(peer, &child);
        if (pread(box.fd, &first, sizeof(first), 0) != sizeof(first) || first < begin) {
            die("the child's clock");
        }
        add_sample(&samples, first - begin);
    }
    return median(&samples);
}

double until_captured(const struct peer *peer, unsigned times)
{
    const char *argv[] = {children.say, NULL};
    struct samples samples = {.n = 0};
    char text[256];

    for (unsigned i = 0; i <= times; i++) { /* the first one is not counted */
        uint64_t begin = now();

        if (peer->capture(argv, text, sizeof(text)) != strlen("what the parent captures\n")) {
            die(peer->name);
        }
        if (i > 0) {
            add_sample(&samples, now() - begin);
        }
    }
    return median(&samples);
}
