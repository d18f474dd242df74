/* Windows has no fork(): qemu_fork() fails with ENOSYS, whatever errp is. */
#include <qemu-fork.h>
#include <qemu-fork/error.h>

#include "again.h"

#define MESSAGE "cannot fork child process: "

static void at_exit(void)
{
    (void)!_write(2, "atexit\n", 7);
}

static int once_more(const char *what)
{
    Error *err = NULL;

    atexit(at_exit);
    if (strcmp(what, "fatal") == 0) {
        qemu_fork(&error_fatal);
    } else if (strcmp(what, "abort") == 0) {
        qemu_fork(&error_abort);
    } else if (strcmp(what, "set") == 0) {
        error_setg(&err, "an earlier one");
        qemu_fork(&err);
    }
    return 42; /* the call should not have returned */
}

int main(int argc, char **argv)
{
    char message[256];
    struct again run;
    Error *err = NULL;
    pid_t pid;
    int seen;

    if (argc > 1) {
        return once_more(argv[1]);
    }
    is_int(ENOSYS, 40, "ENOSYS is 40");
    snprintf(message, sizeof(message), MESSAGE "%s", strerror(ENOSYS));

    errno = ERANGE;
    pid = qemu_fork(NULL);
    seen = errno;
    is_int(pid, -1, "NULL: there is no child");
    is_int(seen, ENOSYS, "NULL: errno is ENOSYS");

    errno = ERANGE;
    pid = qemu_fork(&err);
    seen = errno;
    is_int(pid, -1, "&err: there is no child");
    is_int(seen, ENOSYS, "&err: errno is ENOSYS");
    if (ok(err != NULL, "&err: there is an Error")) {
        is_str(error_get_pretty(err), message, "&err: its message has the text of ENOSYS");
        is_int(error_get_class(err), ERROR_CLASS_GENERIC_ERROR, "&err: it is a generic error");
        error_free(err);
    }

    strcat(message, "\n");
    run = again(argv[0], "fatal");
    ends_as(&run, 1, "&error_fatal: the program ends with status 1");
    stderr_has(&run, true, message);
    stderr_has(&run, true, "atexit\n");

    run = again(argv[0], "abort");
    ends_as(&run, ABORTED, "&error_abort: the program aborts");
    stderr_has(&run, true, "Unexpected error in qemu_fork() at ");
    stderr_has(&run, true, message);
    stderr_has(&run, false, "atexit\n");

    run = again(argv[0], "set");
    ends_as(&run, ABORTED, "a pointer to a set Error: the program aborts");
    stderr_has(&run, true, "an earlier one");

    is_str(qemu_fork_version(), VERSION, "the version is that of the header");
    return done();
}
