/*
 * qemu_process_adopt(): a handle for a child that other code has started.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

/* A child that ends with this status once the write end of the pipe is closed. */
static pid_t fork_child(int code, int *end)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    pid = fork();
    if (pid < 0) {
        bail("fork");
    }
    if (pid == 0) {
        close(fds[1]);
        get_byte(fds[0]);
        _exit(code);
    }
    close(fds[0]);
    *end = fds[1];
    return pid;
}

static QemuProcess *must_adopt(pid_t pid, const char *what)
{
    Error *err = NULL;
    QemuProcess *process;

    errno = 4321;
    process = qemu_process_adopt(pid, &err);
    if (!ok(process && !err && errno == 4321, "%s: it is adopted, and errno is as before", what)) {
        printf("# %s\n", err ? error_get_pretty(err) : "no error");
        bail("there is no handle");
    }
    return process;
}

static void test_waits(void)
{
    int end, before = count_descriptors();
    pid_t pid = fork_child(7, &end);
    QemuProcess *process = must_adopt(pid, "a child of fork()");
    QemuProcessUsage usage = {0};

    is_str(qemu_process_way(process), "adopted", "its way is \"adopted\"");
    is_int(qemu_process_pid(process), pid, "it has its id");
    is_int(qemu_process_take_fd(process, 1), -1, "it has no pipe");
    is_int(wait_ms(process, 0), TIMED_OUT, "it runs");
    close(end);
    is_int(wait_ms(process, -1), 7, "its end is seen");
    ok(qemu_process_usage(process, &usage, NULL) && usage.wall_us > 0, "and what it has used");
    qemu_process_free(process);
    ok(!has_child(), "it has been reaped");
    is_int(count_descriptors(), before, "no descriptor is left");
}

static void test_zombie(void)
{
    int end;
    pid_t pid = fork_child(9, &end);
    QemuProcess *process;

    close(end);
    await_end(pid);
    process = must_adopt(pid, "one that has ended");
    is_int(wait_ms(process, 0), 9, "a look tells its status");
    qemu_process_free(process);
    ok(!has_child(), "it has been reaped");
}

static void test_signals(void)
{
    int end;
    QemuProcess *process = must_adopt(fork_child(0, &end), "one to be signalled");
    QemuProcessStatus status = {0};

    ok(qemu_process_kill(process, SIGUSR1, NULL), "a signal is sent");
    is_int(wait_ms(process, -1), KILLED_BY + SIGUSR1, "and has ended it");
    qemu_process_free(process);
    close(end);

    process = must_adopt(fork_child(0, &end), "one to be stopped");
    ok(qemu_process_stop(process, 10000, &status, NULL), "it is stopped");
    is_int(ending_of(&status), KILLED_BY + SIGTERM, "by SIGTERM");
    qemu_process_free(process);
    close(end);

    process = must_adopt(fork_child(0, &end), "one whose handle is freed");
    {
        pid_t pid = qemu_process_pid(process);

        qemu_process_free(process);
        close(end);
        is_int(wait_for(pid), 0, "it goes on, and the program reaps it");
    }
}

/* As if this library had made it: a fork of the program is not its parent. */
static void use_copy(void *arg)
{
    QemuProcess *process = arg;

    errno = 0;
    _exit(!qemu_process_adopt(qemu_process_pid(process), NULL) && errno == ECHILD ? 0 : 1);
}

static void refuses(pid_t pid, int error, const char *what)
{
    int before = count_descriptors();
    char text[96];
    Error *err = NULL;

    snprintf(text, sizeof(text), "cannot adopt process %d: %s", (int)pid, strerror(error));
    errno = 0;
    ok(!qemu_process_adopt(pid, &err) && errno == error, "%s: NULL and %s", what, strerror(error));
    is_str(err ? error_get_pretty(err) : "no error", text, text);
    error_free(err);
    errno = 0;
    ok(!qemu_process_adopt(pid, NULL) && errno == error, "%s: the same without an errp", what);
    is_int(count_descriptors(), before, "no descriptor is left");
}

static void test_refused(void)
{
    int end;
    pid_t pid = fork_child(3, &end);
    QemuProcess *process = must_adopt(pid, "one that a fork tries to adopt, too");
    struct ending ending = run_child(use_copy, process);

    exits_with(&ending, 0, "in a fork it is no child: ECHILD");
    close(end);
    is_int(wait_ms(process, -1), 3, "here it is");
    qemu_process_free(process);
    refuses(pid, ECHILD, "one that was reaped");
    refuses(0, EINVAL, "0");
    refuses(-1, EINVAL, "-1");
    refuses(-pid, EINVAL, "a group");
    refuses(getpid(), ECHILD, "this process");
    refuses(getppid(), ECHILD, "the parent");
    refuses(INT_MAX, ECHILD, "nobody");
}

static void checks(void)
{
    test_waits();
    test_zombie();
    test_signals();
    test_refused();
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    check_here_and_on_older_kernel(checks);
    return done();
}
