/*
 * qemu_process_status_check(): every end but that with status 0 is an error.
 *
 * SPDX-License-Identifier: MIT
 */
#include "handle.h"

static void is_failure(QemuProcessStatus status, const char *what, int error, const char *text)
{
    Error *err = NULL;

    errno = 0;
    ok(!qemu_process_status_check(&status, what, &err) && errno == error, "%s: false and %s", text, strerror(error));
    is_str(err ? error_get_pretty(err) : "no error", text, "with this text");
    error_free(err);
    errno = 0;
    ok(!qemu_process_status_check(&status, what, NULL) && errno == error, "the same without an errp");
}

static void test_failures(void)
{
    is_failure((QemuProcessStatus){.end = QEMU_PROCESS_EXITED, .exit_code = 3}, "/etc/qemu-ifup", EIO,
          "/etc/qemu-ifup exited with status 3");
    is_failure((QemuProcessStatus){.end = QEMU_PROCESS_EXITED, .exit_code = 255}, NULL, EIO,
          "the program exited with status 255");
    is_failure((QemuProcessStatus){.end = QEMU_PROCESS_SIGNALED, .term_signal = SIGKILL}, "the helper", EIO,
          "the helper was killed by signal 9 (SIGKILL)");
    is_failure((QemuProcessStatus){.end = QEMU_PROCESS_SIGNALED, .term_signal = SIGSEGV, .core_dumped = true}, NULL, EIO,
          "the program was killed by signal 11 (SIGSEGV)");
    is_failure((QemuProcessStatus){.end = QEMU_PROCESS_UNKNOWN}, "the helper", ECHILD,
          "the helper ended, but its status is not known");
}

static void refuses(const QemuProcessStatus *status, const char *what)
{
    Error *err = NULL;

    errno = 0;
    ok(!qemu_process_status_check(status, "the helper", &err) && errno == EINVAL, "%s: false and EINVAL", what);
    ok(err && has_words(error_get_pretty(err), "the text", "status", NULL), "it names the status");
    error_free(err);
}

static void test_refused(void)
{
    QemuProcessStatus running = {0}, wrong = {.end = (QemuProcessEnd)7};

    refuses(NULL, "NULL");
    refuses(&running, "one that has not ended");
    refuses(&wrong, "no end");
}

static void test_success(void)
{
    QemuProcessStatus status = {.end = QEMU_PROCESS_EXITED};
    Error *err = NULL;

    errno = 4321;
    ok(qemu_process_status_check(&status, "the helper", &err) && !err && errno == 4321, "status 0: true, errno as before");
    ok(qemu_process_status_check(&status, NULL, NULL), "without a name or an errp, too");
}

static void test_child(void)
{
    QemuProcess *process = must_spawn(ARGS("/bin/sh", "-c", "kill -9 $$"), OPTIONS(.flags = 0));
    QemuProcessStatus status;
    Error *err = NULL;

    qemu_process_wait(process, -1, &status, NULL);
    qemu_process_free(process);
    ok(!qemu_process_status_check(&status, "the shell", &err), "a shell that kills itself");
    is_str(err ? error_get_pretty(err) : "no error", "the shell was killed by signal 9 (SIGKILL)", "with its signal");
    error_free(err);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    test_success();
    test_failures();
    test_refused();
    test_child();
    return done();
}
