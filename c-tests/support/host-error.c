/*
 * The small host program's Error API.
 *
 * SPDX-License-Identifier: MIT
 */
#include "host-error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Error {
    unsigned long long magic;
    int line;
    char message[1280];
    const char *func, *src;
};

static const unsigned long long magic = 0x45727221deadbeef;

Error *error_abort;
Error *error_fatal;
struct host_call host_call;

static void set(Error **errp, const char *src, int line, const char *func, const char *message, const char *reason)
{
    Error *err;

    if (!errp) {
        return;
    }
    if (errp != &error_abort && errp != &error_fatal && *errp) {
        fprintf(stderr, "host: errp is set already: %s; and now: %s%s\n", (*errp)->message, message, reason);
        abort();
    }
    err = malloc(sizeof(*err));
    if (!err) {
        abort();
    }
    err->magic = magic;
    err->line = line;
    err->src = src;
    err->func = func;
    snprintf(err->message, sizeof(err->message), "%s%s", message, reason);
    if (errp == &error_abort) {
        fprintf(stderr, "Unexpected error in %s() at %s:%d:\n%s\n", func, src, line, err->message);
        abort();
    }
    if (errp == &error_fatal) {
        fprintf(stderr, "%s\n", err->message);
        error_free(err);
        exit(1);
    }
    *errp = err;
}

void error_setg_errno_internal(Error **errp, const char *src, int line, const char *func, int os_errno,
                               const char *fmt, ...)
{
    char message[1024], reason[256] = "";
    va_list ap;

    host_call.errno_at_entry = errno;
    host_call.count++;
    host_call.errp = errp;
    host_call.src = src;
    host_call.line = line;
    host_call.func = func;
    host_call.os_errno = os_errno;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    snprintf(host_call.message, sizeof(host_call.message), "%.*s", (int)sizeof(host_call.message) - 1, message);
    if (os_errno != 0) {
        snprintf(reason, sizeof(reason), ": %s", strerror(os_errno));
    }
    set(errp, src, line, func, message, reason);
    errno = HOST_ERRNO;
}

void error_setg_internal(Error **errp, const char *src, int line, const char *func, const char *fmt, ...)
{
    char message[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    set(errp, src, line, func, message, "");
}

static const Error *checked(const Error *err)
{
    if (err->magic != magic) {
        fprintf(stderr, "host: this is no Error of the host\n");
        abort();
    }
    return err;
}

const char *error_get_pretty(const Error *err)
{
    return checked(err)->message;
}

int error_get_class(const Error *err)
{
    (void)checked(err);
    return ERROR_CLASS_GENERIC_ERROR;
}

void error_free(Error *err)
{
    if (err) {
        (void)checked(err);
        free(err);
    }
}
