/*
 * qemu-fork/error.h: QEMU's Error API, for programs that have none of their own
 *
 * A function that can fail takes an Error ** as its last argument. Its caller passes
 *
 *   NULL           It does not want to know why; the function's result says that it failed.
 *   &error_abort   A failure would be a bug in the program: tell where, and abort().
 *   &error_fatal   A failure ends the program: print the error, and exit(1).
 *   &err           with "Error *err = NULL": err then points to the Error, which the caller owns, and gives to
 *                  error_free(), error_report_err() or error_propagate().
 *
 *     Error *err = NULL;
 *     pid_t pid = qemu_fork(&err);
 *     if (pid < 0) {
 *         error_reportf_err(err, "no helper: ");
 *         return -1;
 *     }
 *
 * Names, arguments and behaviour are those of QEMU 6.2, so code that was written for QEMU compiles and runs
 * unchanged. All functions leave errno alone. All are thread-safe, as long as no two threads use one Error at a time.
 * None is async-signal-safe. Where there is no memory for an Error, a constant stands for it, which says so, and a
 * prefix or a hint for which there is none is left out. Messages go to file descriptor 2 with one write(), whatever stdio has buffered.
 *
 * A program that has an Error API, as QEMU has, does not include this file: see HOST MODE in qemu-fork(7).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef QEMU_FORK_ERROR_H
#define QEMU_FORK_ERROR_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__MINGW_PRINTF_FORMAT)
#define QEMU_ERROR_PRINTF(fmt_arg, first_arg) __attribute__((__format__(__MINGW_PRINTF_FORMAT, fmt_arg, first_arg)))
#elif defined(__GNUC__)
#define QEMU_ERROR_PRINTF(fmt_arg, first_arg) __attribute__((__format__(__printf__, fmt_arg, first_arg)))
#else
#define QEMU_ERROR_PRINTF(fmt_arg, first_arg)
#endif

/*
 * An error: a message, a class, the place in the source where it was set, and perhaps a hint. Opaque. C99 lets it be
 * named once only, here or in qemu-fork.h.
 */
#ifndef QEMU_FORK_ERROR_TYPEDEF
#define QEMU_FORK_ERROR_TYPEDEF
typedef struct Error Error;
#endif

/* What kind of error it is, where that matters. Most are generic. */
typedef enum ErrorClass {
    ERROR_CLASS_GENERIC_ERROR = 0,
    ERROR_CLASS_COMMAND_NOT_FOUND = 1,
    ERROR_CLASS_DEVICE_NOT_ACTIVE = 2,
    ERROR_CLASS_DEVICE_NOT_FOUND = 3,
    ERROR_CLASS_KVM_MISSING_CAP = 4
} ErrorClass;

/* Always NULL. &error_abort as an Error ** makes an error abort() the program. */
extern Error *error_abort;

/* Always NULL. &error_fatal as an Error ** makes an error exit(1) the program. */
extern Error *error_fatal;

/* The message of @err, without its hint. It belongs to @err. */
const char *error_get_pretty(const Error *err);

/* The class of @err. */
ErrorClass error_get_class(const Error *err);

/* A copy of @err, its hint and location included. The caller frees it. */
Error *error_copy(const Error *err);

/* Frees @err, which may be NULL. */
void error_free(Error *err);

/* Frees *@errp, which must be an Error, and sets it to NULL; aborts if there is none. For tests. */
void error_free_or_abort(Error **errp);

/*
 * From now on what &error_fatal, &error_abort, error_report_err(), warn_report_err() and a child of qemu_fork() print
 * begins with the program's name and ": ". The name is what follows the last slash of @argv0, which is kept and not
 * copied; main's own lives long enough. NULL: no name, as in the beginning. To be called once, first in main().
 */
void error_init(const char *argv0);

/* Prints @err and its hint to stderr, and frees @err. */
void error_report_err(Error *err);

/* Prints "warning: ", @err and its hint to stderr, and frees @err. */
void warn_report_err(Error *err);

/*
 * Passes @local_err, which may be NULL, on to the caller's @dst_errp, and gives it away: it is moved to *@dst_errp,
 * or handled as &error_abort or &error_fatal say, or freed because @dst_errp is NULL or has an Error already: the
 * first one wins.
 */
void error_propagate(Error **dst_errp, Error *local_err);

/*
 * What the functions below are made of: the same with the text already formatted. They serve other languages, too.
 * @src and @func must live as long as the program. A text of NULL says that there was no memory for it. An @os_errno other than 0 adds ": " and strerror(@os_errno).
 */
void qemu_error_set(Error **errp, const char *src, int line, const char *func, ErrorClass err_class, int os_errno,
                    const char *message);
void qemu_error_prepend(Error *const *errp, const char *prefix);
void qemu_error_append_hint(Error *const *errp, const char *text);

/* Formats as vsnprintf(), into memory that the caller frees. NULL: there is no memory. A format that cannot be applied,
 * such as "%ls" where the locale lacks the character, is taken as it is. */
QEMU_ERROR_PRINTF(1, 0)
static inline char *qemu_error_vformat(const char *fmt, va_list ap)
{
    va_list again;
    int length;
    char *text;

#ifdef va_copy
    va_copy(again, ap);
#else /* in C++98 */
    __builtin_va_copy(again, ap);
#endif
    length = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (length < 0) {
        length = (int)strlen(fmt);
        text = (char *)malloc((size_t)length + 1);
        return text ? (char *)memcpy(text, fmt, (size_t)length + 1) : NULL;
    }
    text = (char *)malloc((size_t)length + 1);
    if (text) {
        vsnprintf(text, (size_t)length + 1, fmt, ap);
    }
    return text;
}

/* What error_set(), error_setg() and error_setg_errno() call with the place in the source. */
QEMU_ERROR_PRINTF(7, 0)
static inline void qemu_error_vset(Error **errp, const char *src, int line, const char *func, ErrorClass err_class,
                                   int os_errno, const char *fmt, va_list ap)
{
    int saved_errno = errno;
    char *message;

    if (!errp) {
        return;
    }
    message = qemu_error_vformat(fmt, ap);
    qemu_error_set(errp, src, line, func, err_class, os_errno, message);
    free(message);
    errno = saved_errno;
}

QEMU_ERROR_PRINTF(5, 6)
static inline void error_setg_internal(Error **errp, const char *src, int line, const char *func, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    qemu_error_vset(errp, src, line, func, ERROR_CLASS_GENERIC_ERROR, 0, fmt, ap);
    va_end(ap);
}

QEMU_ERROR_PRINTF(6, 7)
static inline void error_setg_errno_internal(Error **errp, const char *src, int line, const char *func, int os_errno,
                                             const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    qemu_error_vset(errp, src, line, func, ERROR_CLASS_GENERIC_ERROR, os_errno, fmt, ap);
    va_end(ap);
}

QEMU_ERROR_PRINTF(6, 7)
static inline void error_set_internal(Error **errp, const char *src, int line, const char *func, ErrorClass err_class,
                                      const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    qemu_error_vset(errp, src, line, func, err_class, 0, fmt, ap);
    va_end(ap);
}

static inline void error_setg_file_open_internal(Error **errp, const char *src, int line, const char *func,
                                                 int os_errno, const char *filename)
{
    error_setg_errno_internal(errp, src, line, func, os_errno, "Could not open '%s'", filename);
}

/*
 * error_setg(errp, fmt, ...): sets *@errp to a new Error of the generic class with the formatted message.
 * NULL @errp: returns at once. *@errp must be NULL: a second error would hide the first, so the program aborts.
 */
#define error_setg(errp, ...) error_setg_internal((errp), __FILE__, __LINE__, __func__, __VA_ARGS__)

/* error_setg_errno(errp, os_errno, fmt, ...): the same, with ": " and strerror(@os_errno) added unless that is 0. */
#define error_setg_errno(errp, os_errno, ...) \
    error_setg_errno_internal((errp), __FILE__, __LINE__, __func__, (os_errno), __VA_ARGS__)

/* error_setg_file_open(errp, os_errno, filename): "Could not open 'FILENAME': " and strerror(@os_errno). */
#define error_setg_file_open(errp, os_errno, filename) \
    error_setg_file_open_internal((errp), __FILE__, __LINE__, __func__, (os_errno), (filename))

/* error_set(errp, err_class, fmt, ...): as error_setg(), with a class. */
#define error_set(errp, err_class, ...) \
    error_set_internal((errp), __FILE__, __LINE__, __func__, (err_class), __VA_ARGS__)

/* Puts formatted text before the message of *@errp. A NULL @errp is fine; an empty *@errp is not. */
QEMU_ERROR_PRINTF(2, 0)
static inline void error_vprepend(Error *const *errp, const char *fmt, va_list ap)
{
    int saved_errno = errno;
    char *prefix;

    if (!errp) {
        return;
    }
    prefix = qemu_error_vformat(fmt, ap);
    qemu_error_prepend(errp, prefix);
    free(prefix);
    errno = saved_errno;
}

/* Puts formatted text before the message of *@errp. A NULL @errp is fine; an empty *@errp is not. */
QEMU_ERROR_PRINTF(2, 3)
static inline void error_prepend(Error *const *errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vprepend(errp, fmt, ap);
    va_end(ap);
}

/*
 * Adds formatted text to the hint of *@errp: advice for a person at a terminal, printed after the message. End it
 * with a newline. A NULL @errp is fine; an empty *@errp, &error_abort and &error_fatal are not: use ERRP_GUARD().
 */
QEMU_ERROR_PRINTF(2, 3)
static inline void error_append_hint(Error *const *errp, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;
    char *text;

    if (!errp) {
        return;
    }
    va_start(ap, fmt);
    text = qemu_error_vformat(fmt, ap);
    va_end(ap);
    qemu_error_append_hint(errp, text);
    free(text);
    errno = saved_errno;
}

/* error_propagate(), with formatted text before the message where @dst_errp takes the Error. */
QEMU_ERROR_PRINTF(3, 4)
static inline void error_propagate_prepend(Error **dst_errp, Error *err, const char *fmt, ...)
{
    va_list ap;

    if (dst_errp && !*dst_errp) {
        va_start(ap, fmt);
        error_vprepend(&err, fmt, ap);
        va_end(ap);
    }
    error_propagate(dst_errp, err);
}

/* error_report_err(), with formatted text before the message. */
QEMU_ERROR_PRINTF(2, 3)
static inline void error_reportf_err(Error *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vprepend(&err, fmt, ap);
    va_end(ap);
    error_report_err(err);
}

/* warn_report_err(), with formatted text before the message. */
QEMU_ERROR_PRINTF(2, 3)
static inline void warn_reportf_err(Error *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vprepend(&err, fmt, ap);
    va_end(ap);
    warn_report_err(err);
}

#ifdef __GNUC__
/* What ERRP_GUARD() declares. */
typedef struct ErrorPropagator {
    Error *local_err;
    Error **errp;
} ErrorPropagator;

static inline void error_propagator_cleanup(ErrorPropagator *prop)
{
    error_propagate(prop->errp, prop->local_err);
}

/*
 * At the head of a function with an "Error **errp" parameter: makes errp safe to look at (*errp) and to add a hint
 * to, also where the caller passed NULL or &error_fatal: errp then points to a local Error, which is passed on to the
 * caller when the function returns. &error_abort stays what it is, so that the program aborts where the error is set.
 */
#define ERRP_GUARD()                                                                              \
    __attribute__((__cleanup__(error_propagator_cleanup))) ErrorPropagator qemu_errp_guard = {    \
        NULL, errp};                                                                              \
    do {                                                                                          \
        if (!errp || errp == &error_fatal) {                                                      \
            errp = &qemu_errp_guard.local_err;                                                    \
        }                                                                                         \
    } while (0)
#endif

#ifdef __cplusplus
}
#endif

#endif /* QEMU_FORK_ERROR_H */
