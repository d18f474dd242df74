/*
 * Every function of the Error API leaves errno alone, whether it has something to do or not. stderr cannot be written
 * to, so a function that prints has a system call that fails.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"

enum { MINE = 4242 };

/* The checks run in a child, because they break stderr. This has the names of the functions that changed errno. */
static char *changed;

#define KEEPS_ERRNO(call)                                  \
    do {                                                   \
        errno = MINE;                                      \
        call;                                              \
        if (errno != MINE && !*changed) {                  \
            snprintf(changed, 256, "%s", #call);           \
        }                                                  \
    } while (0)

static void use_guard(Error **errp)
{
    ERRP_GUARD();
    error_setg(errp, "guarded");
}

static Error *make(void)
{
    Error *err = NULL;

    error_setg(&err, "an error");
    error_append_hint(&err, "a hint\n");
    return err;
}

static void vprepend(Error *const *errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    KEEPS_ERRNO(error_vprepend(errp, fmt, ap));
    va_end(ap);
}

static void use_everything(void *arg)
{
    static char big[1 << 20];
    Error *err = NULL, *copy = NULL;

    (void)arg;
    close(STDERR_FILENO);
    memset(big, 'x', sizeof(big) - 1); /* mmap'ed and munmap'ed by most mallocs */

    KEEPS_ERRNO(error_setg(NULL, "text"));
    KEEPS_ERRNO(error_setg(&err, "text %s", big));
    KEEPS_ERRNO(error_free(err));
    err = NULL;
    KEEPS_ERRNO(error_setg_errno(NULL, EINVAL, "text"));
    KEEPS_ERRNO(error_setg_errno(&err, EINVAL, "text"));
    KEEPS_ERRNO(error_free_or_abort(&err));
    KEEPS_ERRNO(error_setg_errno(&err, 12345, "text"));
    KEEPS_ERRNO(error_free_or_abort(&err));
    KEEPS_ERRNO(error_set(&err, ERROR_CLASS_DEVICE_NOT_FOUND, "text"));
    KEEPS_ERRNO(error_free_or_abort(&err));
    KEEPS_ERRNO(error_setg_file_open(&err, ENOENT, "name"));
    KEEPS_ERRNO(error_prepend(NULL, "text"));
    KEEPS_ERRNO(error_prepend(&err, "text %s", big));
    vprepend(NULL, "text");
    vprepend(&err, "text %s", big);
    KEEPS_ERRNO(error_append_hint(NULL, "text"));
    KEEPS_ERRNO(error_append_hint(&err, "text"));
    KEEPS_ERRNO(error_append_hint(&err, "text %s", big));
    KEEPS_ERRNO(copy = error_copy(err));
    KEEPS_ERRNO((void)error_get_pretty(err));
    KEEPS_ERRNO((void)error_get_class(err));
    KEEPS_ERRNO(error_report_err(copy));
    KEEPS_ERRNO(warn_report_err(err));
    err = NULL;
    KEEPS_ERRNO(error_reportf_err(make(), "text %s", big));
    KEEPS_ERRNO(warn_reportf_err(make(), "text %s", big));
    KEEPS_ERRNO(error_free(NULL));
    KEEPS_ERRNO(error_propagate(NULL, NULL));
    KEEPS_ERRNO(error_propagate(NULL, make()));
    KEEPS_ERRNO(error_propagate(&err, NULL));
    KEEPS_ERRNO(error_propagate(&err, make()));
    KEEPS_ERRNO(error_propagate(&err, make()));
    KEEPS_ERRNO(error_propagate_prepend(&err, make(), "text"));
    KEEPS_ERRNO(error_free_or_abort(&err));
    KEEPS_ERRNO(error_propagate_prepend(&err, make(), "text %s", big));
    KEEPS_ERRNO(error_propagate_prepend(NULL, make(), "text"));
    error_free(err);
    err = NULL;
    KEEPS_ERRNO(use_guard(NULL));
    KEEPS_ERRNO(use_guard(&err));
    error_free(err);
}

static int *seen_at_exit;

static void see_errno(void)
{
    *seen_at_exit = errno;
}

/* errno as the atexit handlers find it: they may report it. */
static void reach_fatal(void *arg)
{
    (void)arg;
    atexit(see_errno);
    close(STDERR_FILENO);
    errno = MINE;
    error_setg(&error_fatal, "text");
}

int main(void)
{
    struct ending ending;

    changed = shared_memory(256);
    seen_at_exit = shared_memory(sizeof(*seen_at_exit));
    ending = run_child(use_everything, NULL);
    exits_with(&ending, 0, "all functions can be called");
    is_str(changed, "", "none of them changes errno");
    ending = run_child(reach_fatal, NULL);
    exits_with(&ending, 1, "&error_fatal ends the process");
    is_int(*seen_at_exit, MINE, "its atexit handlers find errno as it was");
    return done();
}
