/*
 * qemu_process_kill() signals the child. Once the child has ended, reaped or not, it signals no process at all.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

static void kill_fails(QemuProcess *process, int sig, int error, const char *reason, const char *what)
{
    char expected[256];
    Error *err = NULL;
    bool sent;

    snprintf(expected, sizeof(expected), "cannot send signal %d to process %d: %s", sig,
             (int)qemu_process_pid(process), reason);
    errno = 0;
    sent = qemu_process_kill(process, sig, &err);
    is_int(sent ? 0 : errno, error, what);
    if (ok(err != NULL, "with an error")) {
        is_str(error_get_pretty(err), expected, "it tells the signal, the process and the reason");
        error_free(err);
    }
    errno = 0;
    ok(!qemu_process_kill(process, sig, NULL) && errno == error, "the same with nowhere to put the error");
}

static void test_living(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "pause"), NULL);
    Error *err = NULL;

    ok(qemu_process_kill(process, 0, &err) && !err, "signal 0: the child is there");
    kill_fails(process, -1, EINVAL, strerror(EINVAL), "a negative signal is EINVAL");
    kill_fails(process, NSIG + 1, EINVAL, strerror(EINVAL), "a signal that is too large is EINVAL");
    kill_fails(process, 1 << 30, EINVAL, strerror(EINVAL), "one that is far too large, too");
    is_int(wait_ms(process, 0), TIMED_OUT, "none of these ended the child");
    ok(qemu_process_kill(process, SIGUSR1, &err) && !err, "a signal that ends it is sent");
    is_int(wait_ms(process, -1), KILLED_BY + SIGUSR1, "and ends it");
    kill_fails(process, SIGKILL, ESRCH, "it has ended", "then it is ESRCH");
    qemu_process_free(process);
}

static void test_detached(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "pause"), NULL);
    pid_t pid = qemu_process_pid(process);

    qemu_process_detach(process);
    ok(qemu_process_kill(process, SIGUSR2, NULL), "a detached child can be signalled");
    await_end(pid);
    kill_fails(process, SIGTERM, ESRCH, "it has ended", "detached and ended: ESRCH");
    is_int(wait_for(pid), SIGUSR2, "it was left to us to reap");
    kill_fails(process, SIGTERM, ESRCH, "it has ended", "after that, too");
    qemu_process_free(process);
}

static void test_ended(bool reaped)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "7"), NULL);

    if (reaped) {
        qemu_process_wait(process, -1, NULL, NULL);
    } else {
        await_end(qemu_process_pid(process));
    }
    printf("# ended and %s\n", reaped ? "reaped" : "not reaped");
    kill_fails(process, SIGTERM, ESRCH, "it has ended", "a child that has ended is ESRCH");
    kill_fails(process, 0, ESRCH, "it has ended", "for signal 0, too");
    is_int(wait_ms(process, 0), 7, "its status is kept");
    qemu_process_free(process);
}

static void checks(void)
{
    test_living();
    test_detached();
    test_ended(false);
    test_ended(true);
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    check_here_and_on_older_kernel(checks);
    return done();
}
