/*
 * A NULL errp: nothing happens, and nothing is formatted. %n shows whether anything was.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"

enum { UNTOUCHED = -1 };

static void vprepend(Error *const *errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vprepend(errp, fmt, ap);
    va_end(ap);
}

/* Each of them with `errp`; how much each has formatted. Errors that are needed first have a text of their own. */
enum { SETG, SETG_ERRNO, SET, PREPEND, VPREPEND, APPEND_HINT, PROPAGATE_PREPEND, N };

static void format_all(bool with_error, int seen[N])
{
    Error *set[N] = {NULL};
    Error *from = NULL;
    Error **errp[N];

    for (int i = 0; i < N; i++) {
        seen[i] = UNTOUCHED;
        errp[i] = with_error ? &set[i] : NULL;
    }
    error_setg(&set[PREPEND], "x");
    error_setg(&set[VPREPEND], "x");
    error_setg(&set[APPEND_HINT], "x");
    error_setg(&from, "x");

    error_setg(errp[SETG], "text%n", &seen[SETG]);
    error_setg_errno(errp[SETG_ERRNO], EINVAL, "text%n", &seen[SETG_ERRNO]);
    error_set(errp[SET], ERROR_CLASS_KVM_MISSING_CAP, "text%n", &seen[SET]);
    error_prepend(errp[PREPEND], "text%n", &seen[PREPEND]);
    vprepend(errp[VPREPEND], "text%n", &seen[VPREPEND]);
    error_append_hint(errp[APPEND_HINT], "text%n", &seen[APPEND_HINT]);
    error_propagate_prepend(errp[PROPAGATE_PREPEND], from, "text%n", &seen[PROPAGATE_PREPEND]);
    for (int i = 0; i < N; i++) {
        error_free(set[i]);
    }
}

/* What is silent must be so on stderr, too. */
static void use_null(void *arg)
{
    int *seen = (int *)arg;

    format_all(false, seen);
    error_setg_file_open(NULL, ENOENT, "name");
    error_propagate(NULL, NULL);
}

int main(void)
{
    static const char *const names[N] = {"error_setg", "error_setg_errno", "error_set", "error_prepend",
                                         "error_vprepend", "error_append_hint", "error_propagate_prepend"};
    int *seen = shared_memory(N * sizeof(*seen));
    struct ending ending;

    format_all(true, seen);
    for (int i = 0; i < N; i++) {
        ok(seen[i] == 4, "%s(&err) formats its text", names[i]);
    }
    ending = run_child(use_null, seen);
    exits_with(&ending, 0, "with NULL the process goes on");
    is_str(ending.text, "", "with NULL nothing is on stderr");
    for (int i = 0; i < N; i++) {
        ok(seen[i] == UNTOUCHED, "%s(NULL) formats nothing", names[i]);
    }
    return done();
}
