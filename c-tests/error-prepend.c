/*
 * error_prepend() and error_vprepend(): the prefix goes before the message, with nothing between them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "tap.h"

static void vprepend(Error *const *errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vprepend(errp, fmt, ap);
    va_end(ap);
}

int main(void)
{
    Error *err = NULL;
    Error *same;

    error_set(&err, ERROR_CLASS_KVM_MISSING_CAP, "message");
    same = err;
    error_prepend(&err, "%s", "second");
    is_str(error_get_pretty(err), "secondmessage", "no separator is added");
    vprepend(&err, "%d %%s ", 1);
    is_str(error_get_pretty(err), "1 %s secondmessage", "the prefix of error_vprepend() is not formatted twice");
    error_prepend(&err, "%s", "");
    is_str(error_get_pretty(err), "1 %s secondmessage", "an empty prefix changes nothing");
    ok(err == same, "it is the same Error");
    is_int(error_get_class(err), ERROR_CLASS_KVM_MISSING_CAP, "of the same class");
    error_prepend(NULL, "%s", "nowhere");
    vprepend(NULL, "%s", "nowhere");
    is_str(error_get_pretty(err), "1 %s secondmessage", "NULL is allowed, and does nothing");
    error_free(err);
    return done();
}
