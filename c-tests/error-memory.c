/*
 * A function that takes an Error frees all of it: after each of these calls as much memory is allocated as before.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc.h"

#include <fcntl.h>
#include <unistd.h>

#include <qemu-fork/error.h>

static int live; /* pieces of memory */

static void count(const char *name)
{
    live += strcmp(name, "malloc") == 0 || strcmp(name, "calloc") == 0;
    live -= strcmp(name, "free") == 0;
}

static Error *make(void)
{
    Error *err = NULL;

    error_setg_errno(&err, EINVAL, "message %d", 1);
    error_prepend(&err, "%s: ", "prefix");
    error_append_hint(&err, "A %s.\n", "hint");
    error_append_hint(&err, "Another.\n");
    return err;
}

static void guarded(Error **errp)
{
    ERRP_GUARD();

    error_setg(errp, "guarded");
    error_append_hint(errp, "Hint.\n");
}

#define LEAVES_NOTHING(call)                                                   \
    do {                                                                       \
        int before = live;                                                     \
                                                                               \
        call;                                                                  \
        if (!ok(live == before, "%s", #call)) {                                \
            printf("# %d pieces of memory more than before\n", live - before); \
        }                                                                      \
    } while (0)

int main(void)
{
    Error *err = NULL, *first = NULL;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    need_own_malloc();
    if (null == -1 || dup2(null, STDERR_FILENO) == -1) {
        bail("/dev/null");
    }
    ok(true, "stdio has its buffers"); /* which it may allocate at the first line of output */
    interposed_malloc.hook = count;

    err = make();
    ok(live > 0, "an Error is in memory that is counted");
    error_free(err);
    LEAVES_NOTHING(error_setg(NULL, "message"));
    LEAVES_NOTHING(error_free(make()));
    LEAVES_NOTHING(error_free(NULL));
    LEAVES_NOTHING((err = make(), error_free_or_abort(&err)));
    LEAVES_NOTHING((err = make(), error_free(error_copy(err)), error_free(err)));
    LEAVES_NOTHING(error_report_err(make()));
    LEAVES_NOTHING(warn_report_err(make()));
    LEAVES_NOTHING(error_reportf_err(make(), "%s", "text"));
    LEAVES_NOTHING(warn_reportf_err(make(), "%s", "text"));
    LEAVES_NOTHING(error_propagate(NULL, make()));
    LEAVES_NOTHING(error_propagate_prepend(NULL, make(), "%s", "text"));
    first = make();
    LEAVES_NOTHING(error_propagate(&first, make()));
    LEAVES_NOTHING(error_propagate_prepend(&first, make(), "%s", "text"));
    err = NULL;
    LEAVES_NOTHING((error_propagate_prepend(&err, make(), "%s", "text"), error_free(err)));
    LEAVES_NOTHING(guarded(NULL));
    err = NULL;
    LEAVES_NOTHING((guarded(&err), error_free(err)));
    error_free(first);
    close(null);
    return done();
}
