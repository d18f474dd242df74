/*
 * qemu_process_stop(): SIGTERM, also to a stopped child; SIGKILL for one that does not mind; and the status of one that
 * has ended before.
 */
#include "spawn.h"

static QemuProcess *stubborn(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "stubborn"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDOUT));
    int out = qemu_process_take_fd(process, STDOUT_FILENO);
    char byte;

    /* It ignores SIGTERM by now. */
    if (read(out, &byte, 1) != 1) {
        bail("read");
    }
    close(out);
    return process;
}

static void stops(QemuProcess *process, int64_t grace, QemuProcessEnd end, int value, const char *what)
{
    QemuProcessStatus status = {.exit_code = -1};

    errno = ERANGE;
    ok(qemu_process_stop(process, grace, &status, NULL) && errno == ERANGE, "%s", what);
    if (!ok(status.end == end && (end == QEMU_PROCESS_EXITED ? status.exit_code : status.term_signal) == value,
            "it ended that way")) {
        printf("# end %d, exit code %d, signal %d\n", (int)status.end, status.exit_code, status.term_signal);
    }
    ok(!has_child(), "it has been reaped");
    ok(qemu_process_stop(process, 0, NULL, NULL), "once more: nothing to do, and no status wanted");
    qemu_process_free(process);
}

int main(int argc, char **argv)
{
    QemuProcess *process;
    siginfo_t info;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    stops(must_spawn(ARGS(SELF, "pause"), NULL), -1, QEMU_PROCESS_SIGNALED, SIGTERM, "SIGTERM ends it");
    stops(must_spawn(ARGS(SELF, "pause"), NULL), 100000, QEMU_PROCESS_SIGNALED, SIGTERM,
          "the grace is not waited for in vain");
    stops(stubborn(), 10, QEMU_PROCESS_SIGNALED, SIGKILL, "what ignores SIGTERM gets SIGKILL");
    stops(stubborn(), 0, QEMU_PROCESS_SIGNALED, SIGKILL, "at once without a grace");

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    qemu_process_kill(process, SIGSTOP, NULL);
    while (waitid(P_PID, (id_t)qemu_process_pid(process), &info, WSTOPPED | WNOWAIT) == -1 && errno == EINTR) {
    }
    stops(process, -1, QEMU_PROCESS_SIGNALED, SIGTERM, "a stopped child is made to go on, and ends by SIGTERM");

    process = must_spawn(ARGS(SELF, "exit", "5"), NULL);
    while (waitid(P_PID, (id_t)qemu_process_pid(process), &info, WEXITED | WNOWAIT) == -1 && errno == EINTR) {
    }
    stops(process, 0, QEMU_PROCESS_EXITED, 5, "what has ended before keeps its status");
    return done();
}
