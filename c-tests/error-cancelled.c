/*
 * &error_fatal and &error_abort end the program also if the thread that reaches them is to be cancelled, and their
 * message is whole also if stderr is a full pipe that does not block.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

#include "child.h"

struct way {
    const char *name;
    void (*reach)(Error **errp);
    const char *message;
};

static void set(Error **errp)
{
    error_setg(errp, "message");
}

static void propagate(Error **errp)
{
    Error *err = NULL;

    error_setg(&err, "message");
    error_propagate(errp, err);
}

static void spawn_nothing(Error **errp)
{
    qemu_spawn(NULL, NULL, errp);
}

static void run_nothing(Error **errp)
{
    qemu_run(NULL, NULL, NULL, NULL, errp);
}

static void signal_nothing(Error **errp)
{
    qemu_process_kill(NULL, SIGTERM, errp);
}

static const struct way ways[] = {
    {"error_setg()", set, "message\n"},
    {"error_propagate()", propagate, "message\n"},
    {"qemu_spawn()", spawn_nothing, "cannot spawn: argv is NULL\n"},
    {"qemu_run()", run_nothing, "cannot spawn: argv is NULL\n"},
    {"qemu_process_kill()", signal_nothing, "cannot signal a child process: Invalid argument\n"},
};

static const struct way *way;

static void *reach_with_cancellation_pending(void *errp)
{
    pthread_cancel(pthread_self());
    way->reach((Error **)errp);
    return NULL;
}

static void in_a_thread(void *errp)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, reach_with_cancellation_pending, errp) != 0) {
        _exit(90);
    }
    pthread_join(thread, NULL);
    _exit(91); /* the program has gone on without it */
}

static void test_cancelled(void)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        struct ending ending;

        way = &ways[i];
        ending = run_child(in_a_thread, &error_fatal);
        exits_with(&ending, 1, way->name);
        is_str(ending.text, way->message, "&error_fatal: the message is there");
        ending = run_child(in_a_thread, &error_abort);
        dies_of(&ending, SIGABRT, way->name);
        ok(strstr(ending.text, way->message) != NULL, "&error_abort: the message is there");
    }
}

/* Fills a pipe, makes it stderr, and lets the message wait for room. Returns what a reader finds after the filling. */
static void read_after_filling(char *text, size_t size)
{
    static char page[4096];
    int fds[2], filled = 0;
    ssize_t n;
    pid_t pid;

    if (pipe(fds) != 0) {
        bail("pipe");
    }
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    while ((n = write(fds[1], page, sizeof(page))) > 0) {
        filled += (int)n;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        dup2(fds[1], STDERR_FILENO);
        error_setg(&error_fatal, "message");
        _exit(90);
    }
    close(fds[1]);
    /* It waits by now, or is about to. Either way the message has no room yet. */
    poll(NULL, 0, 20);
    while (filled > 0 && (n = read(fds[0], page, filled < (int)sizeof(page) ? (size_t)filled : sizeof(page))) > 0) {
        filled -= (int)n;
    }
    read_all(fds[0], text, size);
    close(fds[0]);
    is_int(wait_for(pid), 1 << 8, "a full pipe that does not block: it exits with 1");
}

int main(void)
{
    char text[256];

    test_cancelled();
    read_after_filling(text, sizeof(text));
    is_str(text, "message\n", "the message is whole");
    return done();
}
