/*
 * qemu_process_detach() and qemu_process_free(): who reaps the child, what is closed, and that a child that lives is
 * left to live.
 */
#include "spawn.h"

static void let_it_end(pid_t pid)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == -1) {
        if (errno != EINTR) {
            bail("waitid");
        }
    }
}

static void check_free(void)
{
    static struct state before;
    QemuProcess *process;
    int to_child;
    pid_t pid;

    look_at_state(&before);
    errno = ERANGE;
    qemu_process_free(NULL);
    is_int(errno, ERANGE, "freeing NULL does nothing");

    process = must_spawn(ARGS(SELF, "exit", "1"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT |
                                                                  QEMU_SPAWN_PIPE_STDERR));
    let_it_end(qemu_process_pid(process));
    errno = ERANGE;
    qemu_process_free(process);
    is_int(errno, ERANGE, "freeing leaves errno alone");
    ok(!has_child(), "a child that has ended is reaped");
    is_same_state(&before, "what was not taken is closed");

    process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    pid = qemu_process_pid(process);
    to_child = qemu_process_take_fd(process, STDIN_FILENO);
    qemu_process_free(process);
    ok(kill(pid, 0) == 0 && waitpid(pid, NULL, WNOHANG) == 0, "a child that lives is left to live");
    close(to_child);
    is_int(wait_for(pid), 0, "and may be reaped by the program");

    process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    pid = qemu_process_pid(process);
    qemu_process_free(process);
    is_int(wait_for(pid), 0, "an end that was not taken is closed: the child sees the end of its stdin");
    is_same_state(&before, "no descriptor is left");
}

static void check_detach(void)
{
    QemuProcessStatus status;
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "6"), NULL);
    pid_t pid = qemu_process_pid(process);

    qemu_process_detach(process);
    is_int(qemu_process_wait(process, -1, &status, NULL), 1, "a detached child can be waited for");
    ok(status.end == QEMU_PROCESS_END_EXITED && status.exit_code == 6, "and tells its status");
    qemu_process_detach(process);
    is_int(qemu_process_pid(process), pid, "the handle works as before");
    qemu_process_free(process);
    is_int(wait_for(pid), 6 << 8, "the library has not reaped it");

    process = must_spawn(ARGS(SELF, "exit", "7"), NULL);
    pid = qemu_process_pid(process);
    qemu_process_detach(process);
    let_it_end(pid);
    qemu_process_free(process);
    is_int(wait_for(pid), 7 << 8, "nor does freeing the handle");

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    pid = qemu_process_pid(process);
    qemu_process_detach(process);
    ok(qemu_process_stop(process, -1, &status, NULL) && status.term_signal == SIGTERM,
       "a detached child can be stopped");
    qemu_process_free(process);
    is_int(wait_for(pid), SIGTERM, "and is still left to the program");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    check_free();
    check_detach();
    ok(!has_child(), "no child is left");
    return done();
}
