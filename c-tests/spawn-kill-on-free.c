/*
 * With KILL_ON_FREE the child lives no longer than its handle: qemu_process_free() kills and reaps it, and so does any
 * other end of the program. qemu_process_detach() changes nothing. A fork of the program kills nobody.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

enum { FLAGS = QEMU_SPAWN_KILL_ON_FREE | QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT };

static void test_free(bool detached, const char *what)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "stubborn"), OPTIONS(.flags = FLAGS));
    int out = qemu_process_take_fd(process, STDOUT_FILENO);

    if (get_byte(out) != 'r') {
        bail("the child has not started");
    }
    if (detached) {
        qemu_process_detach(process);
    }
    errno = ERANGE;
    qemu_process_free(process);
    ok(errno == ERANGE, "%s: errno is left alone", what);
    ok(!has_child(), "%s: the child is killed and reaped", what);
    while (get_byte(out) != 0) {
    }
    close(out);
}

static void test_ended(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "3"), OPTIONS(.flags = FLAGS));

    is_int(wait_ms(process, -1), 3, "one that has ended tells its status");
    ok(!has_child(), "and is reaped");
    qemu_process_free(process);
    process = must_spawn(ARGS(SELF, "exit", "3"), OPTIONS(.flags = FLAGS));
    await_end(qemu_process_pid(process));
    qemu_process_free(process);
    ok(!has_child(), "also if nobody has waited for it");
}

static void test_stopped(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "pause"), OPTIONS(.flags = FLAGS));

    kill(qemu_process_pid(process), SIGSTOP);
    await_stop(qemu_process_pid(process));
    qemu_process_free(process);
    ok(!has_child(), "a stopped one is killed, too");
}

/* The child's stdout is held by nobody else, so the end of the file is the end of the child. */
static void end_of_program(const char *what, void (*ends_by)(void))
{
    QemuProcess *process;
    int ends[2];
    pid_t pid;

    if (pipe(ends) != 0) {
        bail("pipe");
    }
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        process = must_spawn(ARGS(SELF, "stubborn"),
                             OPTIONS(.flags = QEMU_SPAWN_KILL_ON_FREE,
                                     .fds = &(QemuSpawnFd){.source = ends[1], .target = STDOUT_FILENO}, .n_fds = 1));
        close(ends[1]);
        if (get_byte(ends[0]) != 'r') {
            _exit(98);
        }
        (void)process;
        ends_by();
        _exit(97);
    }
    close(ends[1]);
    (void)wait_for(pid);
    while (get_byte(ends[0]) != 0) {
    }
    close(ends[0]);
    ok(true, "%s: the child has ended, too", what);
}

static void by_kill(void)
{
    raise(SIGKILL);
}

static void by_exit(void)
{
    _exit(0);
}

static void test_fork(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "pause"), OPTIONS(.flags = FLAGS));
    pid_t pid = fork();

    if (pid == 0) {
        qemu_process_free(process);
        _exit(0);
    }
    (void)wait_for(pid);
    is_int(wait_ms(process, 0), TIMED_OUT, "to free the copy of a fork kills nobody");
    ok(qemu_process_kill(process, SIGTERM, NULL) && wait_ms(process, -1) == KILLED_BY + SIGTERM, "it ends by a signal");
    qemu_process_free(process);
}

static void *spawn_in_thread(void *arg)
{
    (void)arg;
    return must_spawn(ARGS(SELF, "pause"), OPTIONS(.flags = FLAGS));
}

static void test_thread(void)
{
    pthread_t thread;
    void *process = NULL;

    if (pthread_create(&thread, NULL, spawn_in_thread, NULL) != 0 || pthread_join(thread, &process) != 0) {
        bail("pthread");
    }
    is_int(wait_ms(process, 20), TIMED_OUT, "it outlives the thread that has made it");
    qemu_process_free(process);
    ok(!has_child(), "and ends with its handle");
}

static void checks(void)
{
    test_free(false, "free");
    test_free(true, "detach and free");
    test_ended();
    test_stopped();
    if (IS_EMULATED) {
        skip("a fork", "the emulator does not empty the page by which the library tells a fork from its parent");
    } else {
        test_fork();
    }
    test_thread();
    end_of_program("SIGKILL ends the program", by_kill);
    end_of_program("the program exits", by_exit);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    cast_net();
    check_here_and_on_older_kernel(checks);
    return done();
}
