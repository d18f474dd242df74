/*
 * qemu_process_free() closes the pipes that were not taken, reaps a child that has ended, and leaves a running child
 * alone. After qemu_process_detach() the child is never reaped.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

enum { ALL_PIPES = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT | QEMU_SPAWN_PIPE_STDERR };

static void test_null(void)
{
    errno = ERANGE;
    qemu_process_free(NULL);
    is_int(errno, ERANGE, "NULL is fine");
}

static void test_ended(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "3"), NULL);

    await_end(qemu_process_pid(process));
    ok(has_child(), "a child that has ended waits to be reaped");
    errno = ERANGE;
    qemu_process_free(process);
    is_int(errno, ERANGE, "errno is left alone");
    ok(!has_child(), "freeing the handle reaps it");
}

static void test_living(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    int in = qemu_process_take_fd(process, STDIN_FILENO);
    pid_t pid = qemu_process_pid(process);
    siginfo_t info;

    errno = ERANGE;
    qemu_process_free(process);
    is_int(errno, ERANGE, "errno is left alone");
    info.si_pid = 0;
    ok(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0,
       "a living child goes on living");
    close(in);
    is_int(wait_for(pid), 0, "and is the program's own to reap");
}

static void test_detached(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "4"), NULL);
    pid_t pid = qemu_process_pid(process);

    qemu_process_detach(process);
    is_int(wait_ms(process, -1), 4, "a detached child can be waited for");
    ok(has_child(), "which does not reap it");
    is_int(wait_ms(process, 0), 4, "again, from what is kept");
    ok(has_child(), "which does not reap it either");
    ok(qemu_process_stop(process, 0, NULL, NULL) && has_child(), "nor does stopping it");
    qemu_process_free(process);
    ok(has_child(), "nor does freeing the handle");
    is_int(wait_for(pid), 4 << 8, "it is the program's own to reap");
}

static void test_detached_and_not_waited_for(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "6"), NULL);
    pid_t pid = qemu_process_pid(process);

    qemu_process_detach(process);
    await_end(pid);
    qemu_process_free(process);
    is_int(wait_for(pid), 6 << 8, "also if the program has not waited for it");
}

static void test_pipes(int taken)
{
    int before = count_descriptors();
    int fds[3] = {-1, -1, -1};
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = ALL_PIPES));
    int with = count_descriptors();
    pid_t pid = qemu_process_pid(process);

    is_int(with - before, 3 + (qemu_process_pidfd(process) != -1), "three pipes and the child's own descriptor");
    for (int fd = 0; fd < taken; fd++) {
        fds[fd] = qemu_process_take_fd(process, fd);
    }
    is_int(count_descriptors(), with, "taking one opens and closes nothing");
    qemu_process_free(process);
    ok(count_descriptors() - before == taken, "%d were taken, and all else is closed", taken);
    for (int fd = 0; fd < taken; fd++) {
        ok(fcntl(fds[fd], F_GETFD) == FD_CLOEXEC, "the end of %d has FD_CLOEXEC", fd);
        ok(!(fcntl(fds[fd], F_GETFL) & O_NONBLOCK), "it is blocking");
        close(fds[fd]);
    }
    /* The child's stdin is at its end, whatever closed it. */
    is_int(wait_for(pid), 0, "the child ends when its stdin does");
}

static void test_taking(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    static const int wrong[] = {1, 2, 3, -1, INT_MAX, INT_MIN};
    int fd = qemu_process_take_fd(process, STDIN_FILENO);

    ok(fd > 2, "the end of its stdin can be taken");
    errno = 0;
    ok(qemu_process_take_fd(process, STDIN_FILENO) == -1 && errno == EBADF, "once: then it is EBADF");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        errno = 0;
        ok(qemu_process_take_fd(process, wrong[i]) == -1 && errno == EBADF, "there is none for %d: EBADF", wrong[i]);
    }
    close(fd);
    is_int(end_of(process), 0, "the child ends");
}

static void test_pipes_of_an_ended_child(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "both"), OPTIONS(.flags = ALL_PIPES));
    char text[16];
    int fd;

    qemu_process_wait(process, -1, NULL, NULL);
    fd = qemu_process_take_fd(process, STDERR_FILENO);
    qemu_process_free(process);
    read_all(fd, text, sizeof(text));
    close(fd);
    is_str(text, "err\n", "what a child has written can be read when it is gone, and the handle, too");
}

static void checks(void)
{
    int before = count_descriptors();

    test_null();
    test_ended();
    test_living();
    test_detached();
    test_detached_and_not_waited_for();
    for (int taken = 0; taken <= 3; taken++) {
        test_pipes(taken);
    }
    test_taking();
    test_pipes_of_an_ended_child();
    is_int(count_descriptors(), before, "no descriptor is left");
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
