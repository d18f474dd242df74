/* The Error API, from a DLL and from an archive: objects, the two special addresses, and what ends the program. */
#include <qemu-fork/error.h>

#include "again.h"

static void fail(Error **errp)
{
    ERRP_GUARD();

    error_setg(errp, "it %s", "failed");
    error_append_hint(errp, "Try %d.\n", 42);
}

static int once_more(const char *what)
{
    Error *err = NULL;

    if (strcmp(what, "fatal") == 0) {
        fail(&error_fatal);
    } else if (strcmp(what, "abort") == 0) {
        fail(&error_abort);
    } else if (strcmp(what, "propagate") == 0) {
        fail(&err);
        error_propagate(&error_fatal, err);
    } else if (strcmp(what, "report") == 0) {
        fail(&err);
        error_reportf_err(err, "program: ");
        return 0;
    } else if (strcmp(what, "warn") == 0) {
        fail(&err);
        warn_report_err(err);
        return 0;
    } else if (strcmp(what, "free-none") == 0) {
        error_free_or_abort(&err);
    }
    return 42; /* the call should not have returned */
}

/* Formats with `vsnprintf`, of which mingw has two. */
static void check_set(void)
{
    Error *err = NULL;
    char expected[128];

    errno = ERANGE;
    error_setg(NULL, "not %s", "wanted");
    error_setg_errno(&err, ENOENT, "%s %d%c", "no", 7, '!');
    snprintf(expected, sizeof(expected), "no 7!: %s", strerror(ENOENT));
    is_str(error_get_pretty(err), expected, "error_setg_errno() formats and adds the text of the number");
    error_prepend(&err, "%s: ", "device");
    snprintf(expected, sizeof(expected), "device: no 7!: %s", strerror(ENOENT));
    is_str(error_get_pretty(err), expected, "error_prepend()");
    error_free_or_abort(&err);
    ok(!err, "error_free_or_abort() leaves NULL");

    error_setg_file_open(&err, EACCES, "C:\\file");
    snprintf(expected, sizeof(expected), "Could not open 'C:\\file': %s", strerror(EACCES));
    is_str(error_get_pretty(err), expected, "error_setg_file_open()");
    error_free(err);
    err = NULL;

    error_set(&err, ERROR_CLASS_DEVICE_NOT_FOUND, "gone");
    is_int(error_get_class(err), ERROR_CLASS_DEVICE_NOT_FOUND, "error_set() keeps the class");
    error_free(err);
    error_free(NULL);
    is_int(errno, ERANGE, "none of them changes errno");
}

static void check_propagate(void)
{
    Error *first = NULL;
    Error *second = NULL;
    Error *copy;

    error_setg(&second, "second");
    error_propagate_prepend(&first, second, "%s: ", "outer");
    is_str(error_get_pretty(first), "outer: second", "error_propagate_prepend() moves");
    second = NULL;
    error_setg(&second, "third");
    error_propagate(&first, second);
    is_str(error_get_pretty(first), "outer: second", "error_propagate(): the first error wins");
    error_propagate(&first, NULL);
    copy = error_copy(first);
    error_free(first);
    is_str(error_get_pretty(copy), "outer: second", "error_copy() shares nothing with the original");
    error_propagate(NULL, copy);
}

int main(int argc, char **argv)
{
    struct again run;

    if (argc > 1) {
        return once_more(argv[1]);
    }
    ok(!error_abort && !error_fatal, "error_abort and error_fatal are NULL");
    check_set();
    check_propagate();

    run = again(argv[0], "fatal");
    ends_as(&run, 1, "&error_fatal ends the program with status 1");
    stderr_has(&run, true, "it failed\nTry 42.\n");
    run = again(argv[0], "abort");
    ends_as(&run, ABORTED, "&error_abort aborts it");
    stderr_has(&run, true, "Unexpected error in fail() at ");
    stderr_has(&run, true, "it failed\n");
    run = again(argv[0], "propagate");
    ends_as(&run, 1, "error_propagate() to &error_fatal ends it");
    stderr_has(&run, true, "it failed\nTry 42.\n");
    run = again(argv[0], "report");
    ends_as(&run, 0, "error_reportf_err() does not end it");
    is_str(run.text, "program: it failed\nTry 42.\n", "it prints message and hint, in lines of this system");
    run = again(argv[0], "warn");
    ends_as(&run, 0, "warn_report_err() does not end it either");
    is_str(run.text, "warning: it failed\nTry 42.\n", "it prints a warning");
    run = again(argv[0], "free-none");
    ends_as(&run, ABORTED, "error_free_or_abort() without an Error aborts");
    return done();
}
