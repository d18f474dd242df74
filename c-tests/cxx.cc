// The headers in a C++ program: everything that they declare and define can be called.
#include <cstdarg>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

#include "tap.h"

static Error **const static_abort = &error_abort;

static void vprepend(Error *const *errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vprepend(errp, fmt, ap);
    va_end(ap);
}

static int guarded(Error **errp)
{
    ERRP_GUARD();

    error_setg(errp, "guarded %d", 1);
    error_append_hint(errp, "Hint.\n");
    return *errp ? -1 : 0;
}

namespace {

// Set in a namespace and a member function: __func__ is then a static array, too.
struct Setter {
    static void set(Error **errp)
    {
        error_setg_errno(errp, EINVAL, "%s", "member");
    }
};

}

int main()
{
    Error *err = nullptr;
    Error *copy;
    pid_t pid = qemu_fork(&err);
    int status = -1;

    if (pid == 0) {
        _exit(7);
    }
    ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7, "qemu_fork()");
    ok(std::strlen(qemu_fork_version()) > 0, "qemu_fork_version()");
    ok(static_abort == &error_abort && &error_abort != &error_fatal, "&error_abort in static data");
    ok(error_abort == nullptr && error_fatal == nullptr, "both are NULL");

    is_int(guarded(nullptr), -1, "ERRP_GUARD() with NULL");
    is_int(guarded(&err), -1, "ERRP_GUARD() with &err");
    is_str(error_get_pretty(err), "guarded 1", "error_setg()");
    error_prepend(&err, "%s: ", "one");
    vprepend(&err, "%s: ", "two");
    is_str(error_get_pretty(err), "two: one: guarded 1", "error_prepend() and error_vprepend()");
    copy = error_copy(err);
    error_free_or_abort(&err);
    error_propagate(&err, copy);
    ok(err == copy, "error_propagate()");
    error_propagate_prepend(nullptr, err, "%s", "x");
    err = nullptr;
    Setter::set(&err);
    is_str(error_get_pretty(err), "member: Invalid argument", "error_setg_errno()");
    error_free(err);
    err = nullptr;
    error_set(&err, ERROR_CLASS_DEVICE_NOT_FOUND, "class");
    ok(error_get_class(err) == ERROR_CLASS_DEVICE_NOT_FOUND, "error_set()");
    error_free(err);
    err = nullptr;
    error_setg_file_open(&err, ENOENT, "name");
    is_str(error_get_pretty(err), "Could not open 'name': No such file or directory", "error_setg_file_open()");
    close(STDERR_FILENO);
    error_report_err(error_copy(err));
    error_init("cxx");
    warn_report_err(error_copy(err));
    error_init(NULL);
    error_reportf_err(error_copy(err), "%s", "x");
    warn_reportf_err(err, "%s", "x");
    return done();
}
