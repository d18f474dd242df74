/*
 * qemu_process_kill(): reaches a living child, and nobody else: a child that has ended, reaped or not, is ESRCH. A
 * number that is no signal is EINVAL.
 */
#include "spawn.h"

/* The kernel says that the child has ended; nobody has reaped it. */
static void let_it_end(const QemuProcess *process)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)qemu_process_pid(process), &info, WEXITED | WNOWAIT) == -1) {
        if (errno != EINTR) {
            bail("waitid");
        }
    }
}

static void refuses(QemuProcess *process, int sig, int error, const char *format, const char *what)
{
    char expected[256];
    Error *err = NULL;
    bool sent;
    int seen;

    snprintf(expected, sizeof(expected), format, sig, (int)qemu_process_pid(process), strerror(error));
    errno = 0;
    sent = qemu_process_kill(process, sig, &err);
    seen = errno;
    ok(!sent && seen == error, "%s: false, and errno %d", what, error);
    is_str(err ? error_get_pretty(err) : NULL, expected, "and says so");
    if (err) {
        error_free(err);
    }
    errno = 0;
    ok(!qemu_process_kill(process, sig, NULL) && errno == error, "%s: nobody need listen", what);
}

static const char ended[] = "cannot send signal %d to process %d: it has ended";
static const char other[] = "cannot send signal %d to process %d: %s";

int main(int argc, char **argv)
{
    QemuProcess *process;
    QemuProcessStatus status;

    if (argc > 1) {
        return spawned(argc, argv);
    }

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    refuses(process, 65, EINVAL, other, "a number beyond the signals");
    refuses(process, -1, EINVAL, other, "a negative number");
    errno = ERANGE;
    ok(qemu_process_kill(process, 0, NULL) && errno == ERANGE, "signal 0 reaches a living child, and does nothing");
    is_int(qemu_process_wait(process, 0, NULL, NULL), 0, "it still lives");
    ok(qemu_process_kill(process, SIGUSR1, NULL), "a signal is sent");
    ok(qemu_process_wait(process, -1, &status, NULL) == 1 && status.end == QEMU_PROCESS_SIGNALED &&
           status.term_signal == SIGUSR1,
       "and ends it");
    refuses(process, SIGTERM, ESRCH, ended, "after the end, reaped");
    refuses(process, 0, ESRCH, ended, "signal 0 as well");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "exit", "3"), NULL);
    let_it_end(process);
    refuses(process, SIGTERM, ESRCH, ended, "after the end, not reaped by anybody");
    ok(qemu_process_wait(process, -1, &status, NULL) == 1 && status.exit_code == 3, "the status is not lost by that");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "exit", "3"), NULL);
    is_int(wait_for(qemu_process_pid(process)), 3 << 8, "somebody else reaps it");
    refuses(process, SIGTERM, ESRCH, ended, "after the end, reaped by somebody else");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "exit", "4"), NULL);
    qemu_process_detach(process);
    let_it_end(process);
    refuses(process, SIGTERM, ESRCH, ended, "after the end, detached");
    is_int(wait_for(qemu_process_pid(process)), 4 << 8, "it was left to be reaped");
    refuses(process, SIGTERM, ESRCH, ended, "and after that");
    qemu_process_free(process);
    return done();
}
