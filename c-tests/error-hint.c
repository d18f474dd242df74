/*
 * error_append_hint(): the hint grows, is printed after the message, and is no part of the message.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"

static void report(void *arg)
{
    error_report_err((Error *)arg);
}

int main(void)
{
    struct ending ending;
    Error *err = NULL;

    error_setg(&err, "message");
    error_append_hint(&err, "Try %s.\n", "this");
    error_append_hint(&err, "Or %d", 2);
    error_append_hint(&err, "%s", "");
    error_append_hint(&err, " of %s.\n", "those");
    is_str(error_get_pretty(err), "message", "the message is without the hint");
    is_int(error_get_class(err), ERROR_CLASS_GENERIC_ERROR, "the class is what it was");
    ending = run_child(report, err);
    exits_with(&ending, 0, "error_report_err() returns");
    is_str(ending.text, "message\nTry this.\nOr 2 of those.\n", "all hints are printed after the message");

    error_prepend(&err, "before the ");
    ending = run_child(report, err);
    is_str(ending.text, "before the message\nTry this.\nOr 2 of those.\n", "error_prepend() leaves the hint");
    error_free(err);
    err = NULL;

    error_setg(&err, "message");
    for (int i = 0; i < 1000; i++) {
        error_append_hint(&err, "%03d.", i);
    }
    ending = run_child(report, err);
    ok(strncmp(ending.text, "message\n000.001.002.", 20) == 0, "the first of 1,000 hints");
    is_int((long long)strlen(ending.text), 8 + 4 * 1000, "1,000 hints have all their bytes");
    is_str(ending.text + strlen(ending.text) - 4, "999.", "the last of 1,000 hints, with no newline added");
    error_free(err);
    return done();
}
