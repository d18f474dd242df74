/* Windows has neither fork nor spawn: each function fails with ENOSYS, whatever errp is. */
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

/* Checks that a call failed, with ENOSYS in errno and in the message. */
static void is_refused(bool failed, int seen, Error *err, const char *what, const char *function)
{
    char message[256];

    ok(failed, "%s fails", function);
    is_int(seen, ENOSYS, "errno is ENOSYS");
    snprintf(message, sizeof(message), "%s: %s", what, strerror(ENOSYS));
    if (ok(err != NULL, "there is an Error")) {
        is_str(error_get_pretty(err), message, "its message");
        error_free(err);
    }
}

/* A program for Windows can be linked with all functions. Each of them fails. */
static void check_spawn(void)
{
    const char *const args[] = {"program", NULL};
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;
    const QemuSpawnOptions opts = {.size = sizeof(opts), .failed_step = &step};
    QemuProcessStatus status = {.end = QEMU_PROCESS_EXITED};
    QemuProcess *process;
    Error *err = NULL;
    char *text;
    int result;

    errno = ERANGE;
    process = qemu_spawn(args, &opts, &err);
    is_refused(!process, errno, err, "cannot start a child process", "qemu_spawn()");
    is_int(step, QEMU_SPAWN_STEP_FORK, "the step that failed is told");
    step = QEMU_SPAWN_STEP_NONE;
    err = NULL;
    errno = ERANGE;
    ok(!qemu_spawn(args, NULL, NULL) && errno == ENOSYS, "errp may be NULL");
    errno = ERANGE;
    result = qemu_spawn_sync(args, &opts, -1, &status, &err);
    is_refused(result == -1, errno, err, "cannot start a child process", "qemu_spawn_sync()");
    is_int(step, QEMU_SPAWN_STEP_FORK, "there, too");

    /* There are no handles, so the argument is ignored. */
    err = NULL;
    errno = ERANGE;
    result = qemu_process_wait(NULL, -1, &status, &err);
    is_refused(result == -1, errno, err, "cannot wait for a child process", "qemu_process_wait()");
    err = NULL;
    errno = ERANGE;
    result = qemu_process_kill(NULL, 15, &err);
    is_refused(!result, errno, err, "cannot signal a child process", "qemu_process_kill()");
    err = NULL;
    errno = ERANGE;
    result = qemu_process_stop(NULL, 0, &status, &err);
    is_refused(!result, errno, err, "cannot stop a child process", "qemu_process_stop()");
    errno = ERANGE;
    ok(qemu_process_pid(NULL) == -1 && errno == ENOSYS, "qemu_process_pid()");
    errno = ERANGE;
    ok(qemu_process_pidfd(NULL) == -1 && errno == ENOSYS, "qemu_process_pidfd()");
    errno = ERANGE;
    ok(!qemu_process_way(NULL) && errno == ENOSYS, "qemu_process_way()");
    errno = ERANGE;
    ok(qemu_process_take_fd(NULL, 0) == -1 && errno == ENOSYS, "qemu_process_take_fd()");
    errno = ERANGE;
    text = qemu_process_status_str(&status);
    is_str(text, "exited with status 0", "qemu_process_status_str() needs no handle");
    free(text);
    errno = ERANGE;
    qemu_process_detach(NULL);
    qemu_process_free(NULL);
    is_int(errno, ERANGE, "qemu_process_detach() and qemu_process_free() do nothing");
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

    check_spawn();
    is_str(qemu_fork_version(), VERSION, "the version is that of the header");
    return done();
}
