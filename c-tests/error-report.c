/*
 * error_report_err(), warn_report_err() and their kin: what is on stderr, to the byte.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"

struct what {
    const char *message;
    const char *hint;
};

static Error *make(const void *arg)
{
    const struct what *what = (const struct what *)arg;
    Error *err = NULL;

    error_setg(&err, "%s", what->message);
    if (what->hint) {
        error_append_hint(&err, "%s", what->hint);
    }
    return err;
}

static void report(void *arg)
{
    error_report_err(make(arg));
}

static void warn(void *arg)
{
    warn_report_err(make(arg));
}

static void reportf(void *arg)
{
    error_reportf_err(make(arg), "%s %d: ", "prefix", 1);
}

static void warnf(void *arg)
{
    warn_reportf_err(make(arg), "%s %d: ", "prefix", 1);
}

static void check(void (*function)(void *), const char *name, const char *message, const char *hint, const char *text)
{
    struct what what = {message, hint};
    struct ending ending = run_child(function, &what);

    exits_with(&ending, 0, name);
    is_str(ending.text, text, "stderr is exactly this");
}

int main(void)
{
    check(report, "error_report_err()", "message", NULL, "message\n");
    check(report, "error_report_err()", "message", "Hint.\n", "message\nHint.\n");
    check(report, "error_report_err()", "", NULL, "\n");
    check(report, "error_report_err()", "100 %s %n", "100 %s %n", "100 %s %n\n100 %s %n");
    check(warn, "warn_report_err()", "message", NULL, "warning: message\n");
    check(warn, "warn_report_err()", "message", "Hint.\n", "warning: message\nHint.\n");
    check(reportf, "error_reportf_err()", "message", NULL, "prefix 1: message\n");
    check(reportf, "error_reportf_err()", "message", "Hint.\n", "prefix 1: message\nHint.\n");
    check(warnf, "warn_reportf_err()", "message", NULL, "warning: prefix 1: message\n");
    check(warnf, "warn_reportf_err()", "message", "Hint.\n", "warning: prefix 1: message\nHint.\n");
    return done();
}
