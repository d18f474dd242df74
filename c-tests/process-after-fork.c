/*
 * A handle in a forked child of the program. The process is not a child of that one: it can look, and it does no harm
 * to what belongs to its parent.
 */
#include "spawn.h"

struct seen {
    int alive, ended;
    QemuProcessStatus status;
    bool killed, spawned;
};

int main(int argc, char **argv)
{
    struct seen *seen;
    QemuProcess *process, *killed;
    QemuProcessStatus status;
    int to_child, go[2];
    pid_t pid;
    bool has_descriptor;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    seen = shared_memory(sizeof(*seen));
    killed = must_spawn(ARGS(SELF, "pause"), NULL);
    process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    to_child = qemu_process_take_fd(process, STDIN_FILENO);
    has_descriptor = qemu_process_pidfd(process) >= 0;
    if (pipe(go) != 0) {
        bail("pipe");
    }
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        QemuProcess *own;
        char byte;

        close(to_child);
        close(go[1]);
        seen->alive = qemu_process_wait(process, 0, NULL, NULL);
        seen->killed = qemu_process_kill(killed, SIGKILL, NULL) || errno == ECHILD;
        own = qemu_spawn(ARGS(SELF, "exit", "0"), NULL, NULL);
        seen->spawned = own && qemu_process_wait(own, -1, &seen->status, NULL) == 1 &&
                        seen->status.end == QEMU_PROCESS_EXITED;
        qemu_process_free(own);
        /* Until the parent has seen the end, and the end of `go`. */
        while (read(go[0], &byte, 1) == -1 && errno == EINTR) {
        }
        seen->ended = qemu_process_wait(process, -1, &seen->status, NULL);
        qemu_process_free(process);
        qemu_process_free(killed);
        _exit(0);
    }
    close(go[0]);
    close(to_child);
    ok(qemu_process_wait(process, -1, &status, NULL) == 1 && status.end == QEMU_PROCESS_EXITED,
       "the parent waits for its child");
    close(go[1]);
    is_int(wait_for(pid), 0, "the forked process comes to its end");
    is_int(seen->alive, 0, "it has seen that the child lives");
    is_int(seen->ended, 1, "and that it has ended");
    ok(seen->status.end == QEMU_PROCESS_UNKNOWN || (has_descriptor && seen->status.end == QEMU_PROCESS_EXITED),
       "with its status or none");
    ok(seen->killed, "it could kill, or was told that it is not its child");
    ok(seen->spawned, "it can spawn children of its own");
    if (has_descriptor) {
        ok(qemu_process_wait(killed, -1, &status, NULL) == 1 && status.term_signal == SIGKILL,
           "the parent learns the end of the child that the forked process has killed");
    } else {
        ok(qemu_process_stop(killed, 0, &status, NULL), "the parent's handle still works");
    }
    qemu_process_free(killed);
    qemu_process_free(process);
    ok(!has_child(), "no child is left");
    return done();
}
