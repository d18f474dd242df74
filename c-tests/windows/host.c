/* Host mode: the program has the Error API, and the archive calls it. */
#include <stdarg.h>

#include <qemu-fork.h>

#include "tap.h"

struct Error {
    char message[128];
    const char *func;
    int os_errno;
};

/* QEMU's util/error.c has a function of this name. This one changes errno, so the library must restore it. */
void error_setg_errno_internal(Error **errp, const char *src, int line, const char *func, int os_errno, const char *fmt,
                               ...) __attribute__((__format__(__printf__, 6, 7)));

void error_setg_errno_internal(Error **errp, const char *src, int line, const char *func, int os_errno, const char *fmt,
                               ...)
{
    va_list ap;

    ok(src && *src && line > 0, "it gets a file and a line");
    if (errp) {
        *errp = calloc(1, sizeof(**errp));
        va_start(ap, fmt);
        vsnprintf((*errp)->message, sizeof((*errp)->message), fmt, ap);
        va_end(ap);
        (*errp)->func = func;
        (*errp)->os_errno = os_errno;
    }
    errno = EBADF;
}

const char *error_get_pretty(const Error *err);
const char *error_get_pretty(const Error *err)
{
    return err->message;
}

int main(void)
{
    Error *err = NULL;
    pid_t pid = qemu_fork(&err);
    int seen = errno;

    is_int(pid, -1, "there is no child");
    is_int(seen, ENOSYS, "errno is ENOSYS, whatever the host's function does to it");
    if (ok(err != NULL, "there is an Error")) {
        is_str(err->message, "cannot fork child process", "its message");
        is_str(err->func, "qemu_fork", "its function");
        is_int(err->os_errno, ENOSYS, "its errno");
        free(err);
    }
    is_int(qemu_fork(NULL), -1, "NULL is passed to the host's function");
    return done();
}
