/*
 * The exit status cannot be stolen. Another part of the program may reap everything with waitpid(-1), or the program
 * may ignore SIGCHLD so that the kernel reaps: on Linux 6.15 and newer the status is told all the same, elsewhere it is
 * said to be unknown. In no case does the wait last longer than the child.
 */
#include "spawn.h"

/* struct pidfd_info of Linux 6.13, as far as it is needed to see whether the kernel keeps the status. */
static bool kernel_keeps_status(void)
{
    struct {
        uint64_t mask;
        char rest[56];
    } info = {.mask = 1 << 3}; /* PIDFD_INFO_EXIT */
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "1"), NULL);
    bool keeps = false;

    wait_for(qemu_process_pid(process));
#ifdef SYS_ioctl
    /* _IOWR(0xFF, 11, 64 bytes): PIDFD_GET_INFO */
    keeps = qemu_process_pidfd(process) >= 0 &&
            syscall(SYS_ioctl, qemu_process_pidfd(process), 3UL << 30 | 64 << 16 | 0xFF << 8 | 11, &info) == 0 &&
            (info.mask & 1 << 3) != 0;
#endif
    qemu_process_free(process);
    return keeps;
}

static bool keeps;

/* What is told of a child that somebody else has reaped, or may have: `sure` if the kernel must still have known. */
static void tells(QemuProcess *process, QemuProcessEnd end, int value, const char *what)
{
    QemuProcessStatus status;
    bool known, unknown;

    is_int(qemu_process_wait(process, -1, &status, NULL), 1, what);
    known = status.end == end && (end == QEMU_PROCESS_EXITED ? status.exit_code : status.term_signal) == value;
    unknown = status.end == QEMU_PROCESS_UNKNOWN && status.exit_code == 0 && status.term_signal == 0;
    if (!ok(keeps ? known : known || unknown, "the status is %s", keeps ? "told" : "told, or said to be unknown")) {
        printf("# end %d, exit code %d, signal %d\n", (int)status.end, status.exit_code, status.term_signal);
    }
    ok(qemu_process_wait(process, 0, &status, NULL) == 1 && known + unknown > 0, "and again");
    ok(!qemu_process_kill(process, SIGKILL, NULL) && errno == ESRCH, "it is known to be gone");
    qemu_process_free(process);
}

static void check_reaper(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "42"), NULL);

    is_int(waitpid(-1, NULL, 0), qemu_process_pid(process), "another reaper takes the child");
    tells(process, QEMU_PROCESS_EXITED, 42, "an exit that was stolen");

    process = must_spawn(ARGS(SELF, "signal", "10"), NULL);
    wait_for(qemu_process_pid(process));
    tells(process, QEMU_PROCESS_SIGNALED, 10, "a death that was stolen");

    process = must_spawn(ARGS(SELF, "exit", "43"), NULL);
    is_int(waitpid(-1, NULL, 0), qemu_process_pid(process), "another reaper takes the child");
    is_int(qemu_process_stop(process, -1, NULL, NULL), true, "stop() finds it ended");
    qemu_process_free(process);
}

/* The kernel reaps: the wait sees the child live, and then nothing. */
static void check_ignored(bool no_wait)
{
    struct sigaction action = {.sa_handler = no_wait ? SIG_DFL : SIG_IGN, .sa_flags = no_wait ? SA_NOCLDWAIT : 0};
    struct sigaction usual = {.sa_handler = SIG_DFL};
    const char *what = no_wait ? "SA_NOCLDWAIT" : "SIGCHLD is ignored";
    QemuProcessStatus status = {.end = (QemuProcessEnd)0};
    QemuProcess *process;
    Error *err = NULL;
    int to_child;

    sigaction(SIGCHLD, &action, NULL);
    process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    to_child = qemu_process_take_fd(process, STDIN_FILENO);
    is_int(qemu_process_wait(process, 1, NULL, NULL), 0, what);
    close(to_child);
    tells(process, QEMU_PROCESS_EXITED, 0, what);

    for (int i = 0; i < 20; i++) {
        int result = qemu_spawn_sync(ARGS(SELF, "exit", "5"), NULL, -1, &status, NULL);
        bool known = status.end == QEMU_PROCESS_EXITED && status.exit_code == 5;

        if (result != 0 || !(known || (!keeps && status.end == QEMU_PROCESS_UNKNOWN))) {
            ok(false, "%s, qemu_spawn_sync(): result %d, end %d, exit code %d", what, result, (int)status.end,
               status.exit_code);
            break;
        }
    }
    ok(true, "%s: twenty in a row", what);
    /* A failure is told all the same, though its child cannot be waited for. */
    errno = 0;
    ok(!qemu_spawn(ARGS("/nowhere"), NULL, &err) && errno == ENOENT, "%s: a spawn that fails", what);
    error_free(err);
    sigaction(SIGCHLD, &usual, NULL);
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    keeps = kernel_keeps_status();
    printf("# this kernel %s the status of a child that was reaped\n", keeps ? "keeps" : "does not keep");
    check_reaper();
    check_ignored(false);
    check_ignored(true);
    return done();
}
