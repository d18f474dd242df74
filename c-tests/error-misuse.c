/*
 * Calls against the rules. The program aborts with a message that names the function and says what is wrong.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"

static Error *empty;

static void vprepend(Error *const *errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vprepend(errp, fmt, ap);
    va_end(ap);
}

static void append_hint(void *arg)
{
    error_append_hint((Error **)arg, "hint\n");
}

static void prepend(void *arg)
{
    error_prepend((Error **)arg, "prefix: ");
}

static void call_vprepend(void *arg)
{
    vprepend((Error **)arg, "prefix: ");
}

static void free_or_abort(void *arg)
{
    error_free_or_abort((Error **)arg);
}

static void setg(void *arg)
{
    error_setg((Error **)arg, "a second one");
}

static void setg_errno(void *arg)
{
    error_setg_errno((Error **)arg, EINVAL, "a second one");
}

static void set(void *arg)
{
    error_set((Error **)arg, ERROR_CLASS_KVM_MISSING_CAP, "a second one");
}

static void check(void (*function)(void *), const char *name, Error **errp, const char *what)
{
    struct ending ending;

    printf("# %s(%s)\n", name, what);
    ending = run_child(function, errp);
    dies_of(&ending, SIGABRT, name);
    is_int(ending.atexit_runs, 0, "no atexit handler runs");
    has_words(ending.text, "stderr names the function", name, NULL);
    ok(ending.text[0] != '\0' && ending.text[strlen(ending.text) - 1] == '\n', "and ends with a newline");
}

static void check_second(void (*function)(void *), const char *name)
{
    struct ending ending;
    Error *err = NULL;

    error_setg(&err, "a first one");
    printf("# %s(a pointer to a set Error)\n", name);
    ending = run_child(function, &err);
    dies_of(&ending, SIGABRT, name);
    is_int(ending.atexit_runs, 0, "no atexit handler runs");
    has_words(ending.text, "stderr has both messages, and says what is wrong", "errp", "a first one", "a second one",
              NULL);
    is_str(error_get_pretty(err), "a first one", "here the first one is as it was");
    error_free(err);
}

int main(void)
{
    check(append_hint, "error_append_hint", &empty, "a pointer to NULL");
    check(append_hint, "error_append_hint", &error_fatal, "&error_fatal");
    check(append_hint, "error_append_hint", &error_abort, "&error_abort");
    check(prepend, "error_prepend", &empty, "a pointer to NULL");
    check(prepend, "error_prepend", &error_fatal, "&error_fatal");
    check(prepend, "error_prepend", &error_abort, "&error_abort");
    check(call_vprepend, "error_prepend", &empty, "a pointer to NULL");
    check(free_or_abort, "error_free_or_abort", NULL, "NULL");
    check(free_or_abort, "error_free_or_abort", &empty, "a pointer to NULL");
    check(free_or_abort, "error_free_or_abort", &error_fatal, "&error_fatal");
    check(free_or_abort, "error_free_or_abort", &error_abort, "&error_abort");
    check_second(setg, "error_setg");
    check_second(setg_errno, "error_setg_errno");
    check_second(set, "error_set");
    return done();
}
