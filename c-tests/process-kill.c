/*
 * qemu_process_kill() signals the child. Once the child has ended, reaped or not, it signals no process at all. The same
 * where a filter knows pidfds but not pidfd_send_signal().
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"
#include "seccomp.h"

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

/* Ends with this status, and leaves no child that would keep stdout open. */
static void unless(bool condition, QemuProcess *process, int status)
{
    if (!condition) {
        kill(qemu_process_pid(process), SIGKILL);
        _exit(status);
    }
}

/* Where signals can be sent by the id only. The exit status tells what is wrong. */
static void kill_by_id(void *arg)
{
    int error = *(int *)arg;
    QemuProcess *process;
    pid_t copy;

    if (!forbid(NO_PIDFD_SEND_SIGNAL, error) || !is_forbidden(NO_PIDFD_SEND_SIGNAL, error)) {
        _exit(97);
    }
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    unless(qemu_process_kill(process, 0, NULL), process, 1);
    unless(!qemu_process_kill(process, NSIG + 1, NULL) && errno == EINVAL, process, 2);
    /* A copy of the handle in another process may not use the id. */
    copy = fork();
    if (copy == 0) {
        _exit(!qemu_process_kill(process, 0, NULL) && errno == error ? 0 : 1);
    }
    unless(wait_for(copy) == 0, process, 3);
    unless(wait_ms(process, 0) == TIMED_OUT, process, 4);
    unless(qemu_process_kill(process, SIGUSR1, NULL), process, 5);
    unless(wait_ms(process, -1) == KILLED_BY + SIGUSR1, process, 6);
    unless(!qemu_process_kill(process, SIGUSR1, NULL) && errno == ESRCH, process, 7);
    qemu_process_free(process);
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    unless(qemu_process_stop(process, 90000, NULL, NULL), process, 8);
    qemu_process_free(process);
    _exit(has_child() ? 9 : 0);
}

static void test_by_id(int error)
{
    struct ending ending = run_child(kill_by_id, &error);

    exits_with(&ending, 0, "pidfd_send_signal() is forbidden: signals are sent by the id");
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
    if (IS_EMULATED || is_under_valgrind() || why_no_seccomp()) {
        skip("pidfd_send_signal() is forbidden", "here no filter can forbid it");
    } else {
        test_by_id(ENOSYS);
        test_by_id(EPERM);
    }
    return done();
}
