/*
 * qemu_fork() is no cancellation point, whether it succeeds or fails: it returns in a thread with a pending
 * cancellation.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include <qemu-fork.h>

#include "child.h"
#include "error-api.h"
#include "interpose-fork.h"

static struct {
    pid_t pid;
    bool returned;
} seen;

static void *fork_while_cancelled(void *arg)
{
    Error **errp = (Error **)arg;

    pthread_cancel(pthread_self());
    seen.pid = qemu_fork(errp);
    if (seen.pid == 0) {
        _exit(7);
    }
    seen.returned = true;
    pthread_testcancel();
    return NULL;
}

static void check(int error, Error **errp, const char *what)
{
    pthread_t thread;
    void *result = NULL;

    printf("# %s\n", what);
    seen.returned = false;
    interposed_fork.error = error;
    if (pthread_create(&thread, NULL, fork_while_cancelled, errp) != 0) {
        bail("pthread_create");
    }
    pthread_join(thread, &result);
    ok(seen.returned, "qemu_fork() returns");
    ok(result == PTHREAD_CANCELED, "the next cancellation point cancels the thread");
    if (error) {
        is_int(seen.pid, -1, "the result is -1");
    } else {
        is_int(wait_for(seen.pid), 7 << 8, "it returns in the child, too");
    }
}

int main(void)
{
    Error *err = NULL;

    check(0, NULL, "success");
    check(EAGAIN, NULL, "failure");
    check(EAGAIN, &err, "failure with a message");
    ok(err != NULL, "the message is there");
    error_free(err);
    return done();
}
