/*
 * error_copy() makes a deep copy of an Error; error_free() and error_free_or_abort() free one.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"
#include "unexpected.h"

static void report(void *arg)
{
    error_report_err((Error *)arg);
}

static void propagate_to_abort(void *arg)
{
    error_propagate(&error_abort, (Error *)arg);
}

static int line_of_original;

static Error *make_original(void)
{
    Error *err = NULL;

    line_of_original = __LINE__ + 1;
    error_set(&err, ERROR_CLASS_DEVICE_NOT_ACTIVE, "the original");
    error_append_hint(&err, "Its hint.\n");
    return err;
}

int main(void)
{
    Error *err = make_original();
    Error *copy = error_copy(err);
    Error *bare = NULL;
    struct ending ending;

    ok(copy != NULL && copy != err, "the copy is another Error");
    ok(error_get_pretty(copy) != error_get_pretty(err), "with a message of its own");
    error_prepend(&err, "changed: ");
    error_append_hint(&err, "More.\n");
    is_str(error_get_pretty(copy), "the original", "changes to the original do not reach it");
    error_prepend(&copy, "copied: ");
    is_str(error_get_pretty(err), "changed: the original", "nor do its changes reach the original");
    error_free(err);

    is_str(error_get_pretty(copy), "copied: the original", "it outlives the original");
    is_int(error_get_class(copy), ERROR_CLASS_DEVICE_NOT_ACTIVE, "it has the class");
    ending = run_child(report, copy);
    is_str(ending.text, "copied: the original\nIts hint.\n", "it has the hint");
    ending = run_child(propagate_to_abort, copy);
    dies_of(&ending, SIGABRT, "given to &error_abort");
    is_unexpected(ending.text, "make_original", __FILE__, line_of_original, "copied: the original\nIts hint.\n",
                  "it has the place where the original was set");

    error_free_or_abort(&copy);
    ok(copy == NULL, "error_free_or_abort() sets the pointer to NULL");
    error_free(NULL);
    ok(true, "error_free() may be called with NULL");

    error_setg(&bare, "without a hint");
    copy = error_copy(bare);
    error_free(bare);
    is_str(error_get_pretty(copy), "without a hint", "the copy of an Error without a hint");
    ending = run_child(report, copy);
    is_str(ending.text, "without a hint\n", "has none either");
    error_free(copy);
    return done();
}
