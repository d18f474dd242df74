/*
 * error_propagate() and error_propagate_prepend() in all their cases.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"
#include "unexpected.h"

static int line_of_error;

static Error *make(const char *text)
{
    Error *err = NULL;

    line_of_error = __LINE__ + 1;
    error_set(&err, ERROR_CLASS_COMMAND_NOT_FOUND, "%s", text);
    error_append_hint(&err, "A hint.\n");
    return err;
}

struct arguments {
    Error **dst;
    Error *local;
};

static void propagate(void *arg)
{
    struct arguments *arguments = (struct arguments *)arg;

    error_propagate(arguments->dst, arguments->local);
}

static void propagate_prepend(void *arg)
{
    struct arguments *arguments = (struct arguments *)arg;

    error_propagate_prepend(arguments->dst, arguments->local, "%s: ", "prefix");
}

static struct ending call(void (*function)(void *), Error **dst, Error *local)
{
    return run_child(function, &(struct arguments){dst, local});
}

int main(void)
{
    Error *dst = NULL;
    Error *local;
    struct ending ending;

    printf("# no error\n");
    error_propagate(NULL, NULL);
    error_propagate(&dst, NULL);
    ok(dst == NULL, "an empty destination stays empty");
    ending = call(propagate, &error_fatal, NULL);
    exits_with(&ending, 0, "&error_fatal is not reached");
    is_int(ending.atexit_runs, 1, "the process ends by itself");
    is_str(ending.text, "", "stderr is empty");
    ending = call(propagate, &error_abort, NULL);
    exits_with(&ending, 0, "&error_abort is not reached");
    is_str(ending.text, "", "stderr is empty");

    printf("# an empty destination\n");
    local = make("first");
    error_propagate(&dst, local);
    ok(dst == local, "the Error is moved, not copied");
    is_str(error_get_pretty(dst), "first", "with its message");
    is_int(error_get_class(dst), ERROR_CLASS_COMMAND_NOT_FOUND, "and its class");

    printf("# a destination that is set\n");
    local = dst;
    error_propagate(&dst, make("second"));
    ok(dst == local, "the first error wins");
    is_str(error_get_pretty(dst), "first", "and keeps its message");
    error_propagate(&dst, NULL);
    ok(dst == local, "no error changes nothing");
    error_propagate_prepend(&dst, make("third"), "prefix: ");
    ok(dst == local, "error_propagate_prepend(): the first error wins");
    is_str(error_get_pretty(dst), "first", "and gets no prefix");
    error_free_or_abort(&dst);

    printf("# NULL\n");
    error_propagate(NULL, make("dropped"));
    error_propagate_prepend(NULL, make("dropped"), "prefix: ");
    ok(true, "the Error is freed");

    printf("# a prefix\n");
    error_propagate_prepend(&dst, make("message"), "%s %d: ", "prefix", 1);
    is_str(error_get_pretty(dst), "prefix 1: message", "an empty destination gets it with the prefix");
    error_free_or_abort(&dst);

    printf("# &error_fatal and &error_abort\n");
    local = make("message");
    ending = call(propagate, &error_fatal, local);
    exits_with(&ending, 1, "&error_fatal");
    is_int(ending.atexit_runs, 1, "atexit handlers run");
    is_str(ending.text, "message\nA hint.\n", "stderr");
    ending = call(propagate, &error_abort, local);
    dies_of(&ending, SIGABRT, "&error_abort");
    is_int(ending.atexit_runs, 0, "no atexit handler runs");
    is_unexpected(ending.text, "make", __FILE__, line_of_error, "message\nA hint.\n",
                  "stderr tells where the error was set, not where it was passed on");
    ending = call(propagate_prepend, &error_fatal, local);
    exits_with(&ending, 1, "&error_fatal with a prefix");
    is_str(ending.text, "prefix: message\nA hint.\n", "stderr");
    ending = call(propagate_prepend, &error_abort, local);
    dies_of(&ending, SIGABRT, "&error_abort with a prefix");
    is_unexpected(ending.text, "make", __FILE__, line_of_error, "prefix: message\nA hint.\n", "stderr");
    error_free(local);
    ok(error_abort == NULL && error_fatal == NULL, "both are still NULL");
    return done();
}
