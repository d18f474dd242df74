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

/* One that is not counted: the first one after a while finds caches cold. */
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
    struct child child;
    uint64_t begin;

    warm_up(peer, argv, times);
    begin = now();
    for (unsigned i = 0; i < times; i++) {
        start(peer, &child, argv);
        finish(peer, &child);
    }
    return (double)(now() - begin) / times;
}

double until_return(const struct peer *peer, unsigned times)
{
    const char *argv[] = {children.tiny, NULL};
    struct child child;
    uint64_t sum = 0;

    warm_up(peer, argv, times);
    for (unsigned i = 0; i < times; i++) {
        uint64_t begin = now();

        start(peer, &child, argv);
        sum += now() - begin;
        finish(peer, &child);
    }
    return (double)sum / times;
}

double until_first_instruction(const struct peer *peer, unsigned times)
{
    static struct mailbox box;
    const char *argv[] = {children.stamp, box.path, NULL};
    struct child child;
    uint64_t sum = 0;

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
        sum += first - begin;
    }
    return (double)sum / times;
}

double until_captured(const struct peer *peer, unsigned times)
{
    const char *argv[] = {children.say, NULL};
    uint64_t begin = 0;
    char text[256];

    for (unsigned i = 0; i <= times; i++) { /* the first one is not counted */
        if (i == 1) {
            begin = now();
        }
        if (peer->capture(argv, text, sizeof(text)) != strlen("what the parent captures\n")) {
            die(peer->name);
        }
    }
    return (double)(now() - begin) / times;
}
