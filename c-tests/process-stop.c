/*
 * qemu_process_stop() ends a child gently if possible, and by force if not.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

enum { LONG = 90000, SHORT = 20 }; /* milliseconds */

static void say_goodbye(int signum)
{
    (void)signum;
    _exit(5);
}

/* A program that ends in its own way at SIGTERM. */
static int polite(void)
{
    signal(SIGTERM, say_goodbye);
    puts("ready");
    fflush(stdout);
    pause_for_ever();
}

/* Starts a program that reports when it is ready. */
static QemuProcess *start(const char *what)
{
    QemuProcess *process = must_spawn(ARGS(SELF, what), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDOUT));
    int fd = qemu_process_take_fd(process, STDOUT_FILENO);

    if (get_byte(fd) != 'r') {
        bail("the child is not ready");
    }
    close(fd);
    return process;
}

static int stop(QemuProcess *process, int64_t grace_ms)
{
    QemuProcessStatus status = {.exit_code = -1};
    Error *err = NULL;

    if (!qemu_process_stop(process, grace_ms, &status, &err)) {
        printf("# %s\n", error_get_pretty(err));
        error_free(err);
        return NOT_WAITED;
    }
    return ending_of(&status);
}

static void checks(void)
{
    QemuProcess *process;
    int end;

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    is_int(stop(process, LONG), KILLED_BY + SIGTERM, "SIGTERM suffices");
    ok(!has_child(), "the child has been reaped");
    is_int(stop(process, LONG), KILLED_BY + SIGTERM, "stopping it again returns the same status");
    is_int(wait_ms(process, 0), KILLED_BY + SIGTERM, "and so does waiting");
    qemu_process_free(process);

    process = start("polite");
    is_int(stop(process, LONG), 5, "a child may end in its own way");
    qemu_process_free(process);
    process = start("polite");
    is_int(stop(process, -1), 5, "with a negative grace as late as it likes");
    qemu_process_free(process);

    process = start("stubborn");
    is_int(stop(process, SHORT), KILLED_BY + SIGKILL, "one that ignores SIGTERM is killed when the grace is over");
    qemu_process_free(process);
    process = start("stubborn");
    is_int(stop(process, 0), KILLED_BY + SIGKILL, "without a grace at once");
    ok(!has_child(), "and reaped");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    end = stop(process, 0);
    ok(end == KILLED_BY + SIGTERM || end == KILLED_BY + SIGKILL, "without a grace either signal may be the faster one");
    qemu_process_free(process);

    process = start("polite");
    qemu_process_kill(process, SIGSTOP, NULL);
    await_stop(qemu_process_pid(process));
    is_int(stop(process, LONG), 5, "a child that is stopped goes on, to end in its own way");
    qemu_process_free(process);
    process = start("stubborn");
    qemu_process_kill(process, SIGSTOP, NULL);
    await_stop(qemu_process_pid(process));
    is_int(stop(process, SHORT), KILLED_BY + SIGKILL, "one that is stopped and ignores SIGTERM is killed");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "exit", "3"), NULL);
    await_end(qemu_process_pid(process));
    is_int(stop(process, 0), 3, "one that has ended by itself is only reaped");
    ok(!has_child(), "but that it is");
    qemu_process_free(process);
    process = must_spawn(ARGS(SELF, "exit", "3"), NULL);
    qemu_process_wait(process, -1, NULL, NULL);
    is_int(stop(process, LONG), 3, "after a wait, stop() returns the status again");
    ok(qemu_process_stop(process, 0, NULL, NULL), "also with nowhere to put the status");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    ok(qemu_process_stop(process, LONG, NULL, NULL), "a living one with nowhere to put the status");
    is_int(wait_ms(process, 0), KILLED_BY + SIGTERM, "the status is kept");
    qemu_process_free(process);
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return strcmp(argv[1], "polite") == 0 ? polite() : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    check_here_and_on_older_kernel(checks);
    return done();
}
