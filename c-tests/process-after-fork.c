/*
 * A handle in a forked child of the program. The handle's process is no child of the forked one. It can still be looked
 * at and signalled there, but is never reaped there, and no call waits for ever.
 *
 * SPDX-License-Identifier: MIT
 */
#include "meeting.h"
#include "older-kernel.h"

/* The report of the forked child. */
static struct {
    int looked, waited, after_end, again;
    bool killed, killed_after_end, stopped, slept;
    int error;
} *seen;

static QemuProcess *process;

/* Forks with an empty report. */
static pid_t fork_to(void (*body)(void))
{
    memset(seen, 0, sizeof(*seen));
    return fork_with(body);
}

static void finish(pid_t pid, const char *what)
{
    is_int(let_go(pid), 0, what);
}

static void look(void)
{
    seen->looked = wait_ms(process, 0);
    seen->waited = wait_ms(process, 10);
    meet();
    /* It has ended, and its parent has reaped it. */
    seen->after_end = wait_ms(process, 90000);
    seen->again = wait_ms(process, -1);
    errno = 0;
    seen->killed_after_end = qemu_process_kill(process, SIGTERM, NULL);
    seen->error = errno;
    qemu_process_free(process);
}

static void test_looking(void)
{
    QemuProcess *mine;
    int in;
    pid_t pid;

    mine = process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    in = qemu_process_take_fd(process, STDIN_FILENO);
    fcntl(in, F_SETFD, FD_CLOEXEC);
    pid = fork_to(look);
    if (get_byte(ready[0]) != 'r') {
        bail("the forked child is not ready");
    }
    /* Closing our end of its stdin would not end it, for the forked child has that end, too. */
    ok(qemu_process_kill(mine, SIGUSR1, NULL), "the parent can signal the child");
    is_int(wait_ms(mine, -1), KILLED_BY + SIGUSR1, "and gets its status");
    finish(pid, "the forked child ends, too");
    close(in);
    is_int(seen->looked, TIMED_OUT, "in the forked child: the process lives");
    is_int(seen->waited, TIMED_OUT, "and a wait comes to its end");
    ok(seen->after_end == UNKNOWN_END || seen->after_end == KILLED_BY + SIGUSR1,
       "after its end the status is right or unknown, not %d", seen->after_end);
    is_int(seen->again, seen->after_end, "the same again");
    ok(!seen->killed_after_end && seen->error == ESRCH, "it cannot be signalled any more: ESRCH");
    qemu_process_free(mine);
}

static void wait_for_ever(void)
{
    put_byte(ready[1], 'r');
    seen->waited = wait_measured(process, -1, &seen->slept);
}

/*
 * Waits without a limit in a forked child and in its parent. Returns the end that the parent sees, and the child's
 * status.
 */
static int wait_in_both(int *status)
{
    pid_t pid;
    int end;

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    pid = fork_to(wait_for_ever);
    if (get_byte(ready[0]) != 'r') {
        bail("the forked child is not ready");
    }
    give_time_to_spin();
    qemu_process_kill(process, SIGUSR1, NULL);
    end = wait_ms(process, -1);
    *status = let_go(pid);
    qemu_process_free(process);
    return end;
}

static void test_waiting(void)
{
    int end = KILLED_BY + SIGUSR1, status = 0;
    bool slept = false;

    for (int i = 0; i < LOOKS && !slept && end == KILLED_BY + SIGUSR1 && status == 0; i++) {
        end = wait_in_both(&status);
        slept = seen->slept;
    }
    is_int(end, KILLED_BY + SIGUSR1, "the parent gets the status");
    is_int(status, 0, "a forked child that waits for ever ends, too");
    ok(seen->waited == UNKNOWN_END || seen->waited == KILLED_BY + SIGUSR1, "its status is right or unknown, not %d",
       seen->waited);
    ok(slept, "it slept for most of the time");
}

static void kill_it(void)
{
    errno = 0;
    seen->killed = qemu_process_kill(process, SIGUSR2, NULL);
    seen->error = errno;
}

static void test_killing(void)
{
    bool by_descriptor;

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    by_descriptor = qemu_process_pidfd(process) != -1;
    finish(fork_to(kill_it), "a forked child signals the process");
    if (by_descriptor) {
        ok(seen->killed, "by its descriptor it can");
    } else {
        ok(!seen->killed && seen->error == ECHILD,
           "without a pidfd it does not, because the id may belong to another process by now");
        qemu_process_kill(process, SIGUSR2, NULL);
    }
    is_int(wait_ms(process, -1), KILLED_BY + SIGUSR2, "the parent gets the status");
    qemu_process_free(process);
}

static void stop_it(void)
{
    QemuProcessStatus status = {.exit_code = -1};

    errno = 0;
    seen->stopped = qemu_process_stop(process, 90000, &status, NULL);
    seen->error = errno;
    seen->waited = ending_of(&status);
}

static void test_stopping(void)
{
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    finish(fork_to(stop_it), "a forked child stops the process");
    if (qemu_process_pidfd(process) == -1) {
        ok(!seen->stopped && seen->error == ECHILD, "without a descriptor it does not: ECHILD, at once");
        qemu_process_kill(process, SIGTERM, NULL);
    } else {
        ok(seen->stopped, "it does");
        ok(seen->waited == UNKNOWN_END || seen->waited == KILLED_BY + SIGTERM, "its status is right or unknown, not %d",
           seen->waited);
    }
    is_int(wait_ms(process, -1), KILLED_BY + SIGTERM, "it has not been reaped, and the parent gets the real status");
    qemu_process_free(process);
}

static void free_it(void)
{
    qemu_process_free(process);
}

static void detach_it(void)
{
    qemu_process_detach(process);
    qemu_process_free(process);
}

static void test_freeing(void (*body)(void), const char *what)
{
    process = must_spawn(ARGS(SELF, "exit", "5"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    await_end(qemu_process_pid(process));
    finish(fork_to(body), what);
    ok(has_child(), "the parent's child has not been reaped");
    is_int(wait_ms(process, 0), 5, "the parent gets the status");
    ok(!has_child(), "and reaps it");
    is_int(fcntl(qemu_process_take_fd(process, STDIN_FILENO), F_GETFD), FD_CLOEXEC, "the parent has its pipe");
    qemu_process_free(process);
}

static void spawn_one(void)
{
    QemuProcess *own = qemu_spawn(ARGS(SELF, "exit", "6"), NULL, NULL);

    seen->waited = own ? wait_ms(own, -1) : NOT_WAITED;
    qemu_process_free(own);
}

static void test_spawning(void)
{
    process = must_spawn(ARGS(SELF, "exit", "5"), NULL);
    finish(fork_to(spawn_one), "a forked child spawns");
    is_int(seen->waited, 6, "and waits for its own child");
    is_int(end_of(process), 5, "the parent for its");
}

static void checks(void)
{
    test_looking();
    test_waiting();
    test_killing();
    test_stopping();
    test_freeing(free_it, "a forked child frees its copy of the handle");
    test_freeing(detach_it, "a forked child detaches and frees its copy of the handle");
    test_spawning();
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    seen = shared_memory(sizeof(*seen));
    check_here_and_on_older_kernel(checks);
    return done();
}
