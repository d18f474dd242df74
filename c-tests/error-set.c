/*
 * error_setg(), error_setg_errno(), error_set(), error_setg_file_open(): what the Error then says.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "tap.h"

/* Takes the error out of *errp and checks it. */
static void check(Error **errp, ErrorClass err_class, const char *message, const char *what)
{
    ok(*errp != NULL, "%s: *errp is set", what);
    if (*errp) {
        is_str(error_get_pretty(*errp), message, what);
        is_int(error_get_class(*errp), err_class, "the class");
    }
    error_free(*errp);
    *errp = NULL;
}

static void set_with_va_list(Error **errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    qemu_error_vset(errp, "file", 1, "function", ERROR_CLASS_GENERIC_ERROR, 0, fmt, ap);
    va_end(ap);
}

int main(void)
{
    static const struct {
        ErrorClass err_class;
        int number;
    } classes[] = {
        {ERROR_CLASS_GENERIC_ERROR, 0},    {ERROR_CLASS_COMMAND_NOT_FOUND, 1}, {ERROR_CLASS_DEVICE_NOT_ACTIVE, 2},
        {ERROR_CLASS_DEVICE_NOT_FOUND, 3}, {ERROR_CLASS_KVM_MISSING_CAP, 4},
    };
    static const int errnos[] = {1, EINVAL, ENOENT, EAGAIN, 12345, -1};
    static char big[100001];
    char expected[256];
    Error *err = NULL;

    error_setg(&err, "plain");
    check(&err, ERROR_CLASS_GENERIC_ERROR, "plain", "error_setg() without arguments");
    error_setg(&err, "%s is %d %% of %#lx and %.2f%c", "a", -7, 0xfeedL, 1.5, '!');
    check(&err, ERROR_CLASS_GENERIC_ERROR, "a is -7 % of 0xfeed and 1.50!", "error_setg() with arguments");
    error_setg(&err, "%s", "");
    check(&err, ERROR_CLASS_GENERIC_ERROR, "", "error_setg() with an empty message");
    error_setg(&err, "%s", "two\nlines, 100 %s \xff \xc3\xa4");
    check(&err, ERROR_CLASS_GENERIC_ERROR, "two\nlines, 100 %s \xff \xc3\xa4", "error_setg() with any bytes");
    memset(big, 'x', sizeof(big) - 1);
    error_setg(&err, "%s", big);
    check(&err, ERROR_CLASS_GENERIC_ERROR, big, "error_setg() with a message of 100,000 bytes");
    set_with_va_list(&err, "%d-%s", 5, "five");
    check(&err, ERROR_CLASS_GENERIC_ERROR, "5-five", "from a va_list");

    for (size_t i = 0; i < sizeof(errnos) / sizeof(*errnos); i++) {
        snprintf(expected, sizeof(expected), "no %s: %s", "luck", strerror(errnos[i]));
        error_setg_errno(&err, errnos[i], "no %s", "luck");
        check(&err, ERROR_CLASS_GENERIC_ERROR, expected, "error_setg_errno()");
    }
    error_setg_errno(&err, 0, "no %s", "luck");
    check(&err, ERROR_CLASS_GENERIC_ERROR, "no luck", "error_setg_errno() with 0");
    errno = ENOENT;
    error_setg_errno(&err, errno, "got it from errno");
    snprintf(expected, sizeof(expected), "got it from errno: %s", strerror(ENOENT));
    check(&err, ERROR_CLASS_GENERIC_ERROR, expected, "error_setg_errno() with errno itself");

    snprintf(expected, sizeof(expected), "Could not open '/a/b': %s", strerror(EACCES));
    error_setg_file_open(&err, EACCES, "/a/b");
    check(&err, ERROR_CLASS_GENERIC_ERROR, expected, "error_setg_file_open()");
    error_setg_file_open(&err, 0, "50%");
    check(&err, ERROR_CLASS_GENERIC_ERROR, "Could not open '50%'", "error_setg_file_open() with 0");

    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        is_int(classes[i].err_class, classes[i].number, "the number of a class");
        error_set(&err, classes[i].err_class, "class %zu", i);
        snprintf(expected, sizeof(expected), "class %zu", i);
        check(&err, classes[i].err_class, expected, "error_set()");
    }

    /* As an expression and as the one statement of an if: macros sometimes break there. */
    if (err)
        error_setg(&err, "not this one");
    else
        error_setg(&err, "this one");
    check(&err, ERROR_CLASS_GENERIC_ERROR, "this one", "error_setg() as the branch of an if");
    return done();
}
