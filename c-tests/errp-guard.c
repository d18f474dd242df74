/*
 * ERRP_GUARD(): in a function that has it, errp can be looked at and be given a hint, whatever the caller passed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"
#include "unexpected.h"

static struct {
    bool redirected; /* errp is not what the caller passed */
    bool seen;       /* *errp was set after the failure */
} *inside;

static int line_of_error;

static void fail(Error **errp)
{
    line_of_error = __LINE__ + 1;
    error_setg(errp, "message");
}

/* The purpose of the guard: to add a hint to another function's error, and to look at *errp. */
static int guarded(Error **errp, bool failing)
{
    Error **const passed = errp;
    ERRP_GUARD();

    inside->redirected = errp != passed;
    if (failing) {
        fail(errp);
    }
    inside->seen = *errp != NULL;
    if (*errp) {
        error_prepend(errp, "guarded: ");
        error_append_hint(errp, "Hint.\n");
        return -1; /* the guard passes the error on here, too */
    }
    return 0;
}

static int outer(Error **errp)
{
    ERRP_GUARD();

    if (guarded(errp, true) < 0) {
        error_prepend(errp, "outer: ");
        error_append_hint(errp, "More.\n");
        return -1;
    }
    return 0;
}

static void call(void *arg)
{
    exit(guarded((Error **)arg, true) == -1 && inside->seen ? 0 : 3);
}

static void call_outer(void *arg)
{
    exit(outer((Error **)arg) == -1 ? 0 : 3);
}

static void call_without_failure(void *arg)
{
    exit(guarded((Error **)arg, false) == 0 && !inside->seen ? 0 : 3);
}

static void report(void *arg)
{
    error_report_err((Error *)arg);
}

int main(void)
{
    static const char with_hint[] = "guarded: message\nHint.\n";
    struct ending ending;
    Error *err = NULL;

    inside = shared_memory(sizeof(*inside));

    printf("# NULL\n");
    ending = run_child(call, NULL);
    exits_with(&ending, 0, "the function sees the error");
    ok(inside->redirected, "errp is redirected");
    is_str(ending.text, "", "stderr is empty");

    printf("# &err\n");
    is_int(guarded(&err, true), -1, "the function sees the error");
    ok(!inside->redirected, "errp is what it was");
    is_str(error_get_pretty(err), "guarded: message", "err has the error");
    ending = run_child(report, err);
    is_str(ending.text, with_hint, "and the hint");
    error_free_or_abort(&err);
    is_int(guarded(&err, false), 0, "without an error");
    ok(err == NULL, "err stays NULL");

    printf("# &error_fatal\n");
    ending = run_child(call, &error_fatal);
    exits_with(&ending, 1, "the process, at the end of the scope");
    ok(inside->redirected, "errp is redirected");
    ok(inside->seen, "the function sees the error before");
    is_int(ending.atexit_runs, 1, "atexit handlers run");
    is_str(ending.text, with_hint, "the hint reaches stderr");

    printf("# &error_abort\n");
    memset(inside, 0, sizeof(*inside));
    ending = run_child(call, &error_abort);
    dies_of(&ending, SIGABRT, "the process, where the error is set");
    ok(!inside->redirected && !inside->seen, "errp is what it was");
    fail(&err); /* sets the line */
    error_free(err);
    err = NULL;
    is_unexpected(ending.text, "fail", __FILE__, line_of_error, "message\n", "stderr names that place");

    printf("# one guard within another\n");
    ending = run_child(call_outer, &error_fatal);
    exits_with(&ending, 1, "&error_fatal");
    is_str(ending.text, "outer: guarded: message\nHint.\nMore.\n", "stderr has what both added");
    ending = run_child(call_outer, NULL);
    exits_with(&ending, 0, "NULL");
    is_str(ending.text, "", "stderr is empty");
    ending = run_child(call_outer, &error_abort);
    dies_of(&ending, SIGABRT, "&error_abort");
    is_unexpected(ending.text, "fail", __FILE__, line_of_error, "message\n", "stderr names the innermost place");

    printf("# no error\n");
    ending = run_child(call_without_failure, NULL);
    exits_with(&ending, 0, "NULL");
    ending = run_child(call_without_failure, &error_fatal);
    exits_with(&ending, 0, "&error_fatal");
    ending = run_child(call_without_failure, &error_abort);
    exits_with(&ending, 0, "&error_abort");
    is_str(ending.text, "", "stderr is empty");
    return done();
}
