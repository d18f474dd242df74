/*
 * The Error API of a small host program, which host mode needs. It is like QEMU's. Its Error object differs from the
 * library's, because the library must not look inside. It records its arguments.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOST_ERROR_H
#define HOST_ERROR_H

typedef struct Error Error;

enum { ERROR_CLASS_GENERIC_ERROR };

extern Error *error_abort;
extern Error *error_fatal;

__attribute__((__format__(__printf__, 6, 7))) void error_setg_errno_internal(Error **errp, const char *src, int line,
                                                                             const char *func, int os_errno,
                                                                             const char *fmt, ...);
__attribute__((__format__(__printf__, 5, 6))) void error_setg_internal(Error **errp, const char *src, int line,
                                                                       const char *func, const char *fmt, ...);
#define error_setg(errp, ...) error_setg_internal((errp), __FILE__, __LINE__, __func__, __VA_ARGS__)
#define error_setg_errno(errp, os_errno, ...) \
    error_setg_errno_internal((errp), __FILE__, __LINE__, __func__, (os_errno), __VA_ARGS__)

const char *error_get_pretty(const Error *err);
int error_get_class(const Error *err);
void error_free(Error *err);

/* The last call of error_setg_errno_internal(). */
extern struct host_call {
    int count; /* the number of calls */
    Error **errp;
    const char *src;
    int line;
    const char *func;
    int os_errno;
    int errno_at_entry;
    char message[256]; /* formatted, without the text for os_errno */
} host_call;

/* What it leaves in errno. QEMU's preserves it; the library must not count on that. */
enum { HOST_ERRNO = 4321 };

#endif /* HOST_ERROR_H */
