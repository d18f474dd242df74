/*
 * qemu_process_wait(): how long it waits, what it tells and how often, and that neither a stopped child nor a signal
 * handler ends it.
 */
#include <pthread.h>

#include "spawn.h"

static int handled;

static void handler(int signum)
{
    (void)signum;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static bool exited_with(const QemuProcessStatus *status, int code)
{
    return status->end == QEMU_PROCESS_END_EXITED && status->exit_code == code && status->term_signal == 0 &&
           !status->core_dumped;
}

static void check_status(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "255"), NULL);
    QemuProcessStatus status = {0};

    ok(qemu_process_wait(process, -1, NULL, NULL) == 1, "the status need not be wanted");
    for (int i = 0; i < 3; i++) {
        memset(&status, 0, sizeof(status));
        ok(qemu_process_wait(process, i - 1, &status, NULL) == 1 && exited_with(&status, 255),
           "asked again, it tells again");
    }
    ok(!has_child(), "the child has been reaped");
    ok(qemu_process_pid(process) > 0, "the handle still knows its id");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "signal", "10"), NULL);
    ok(qemu_process_wait(process, INT64_MIN, &status, NULL) == 1, "any negative time is for ever");
    ok(status.end == QEMU_PROCESS_END_SIGNALED && status.term_signal == 10 && status.exit_code == 0 &&
           !status.core_dumped,
       "a signal has ended it");
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "signal", "64"), NULL);
    ok(qemu_process_wait(process, INT64_MAX, &status, NULL) == 1 && status.term_signal == 64,
       "the longest time is long enough");
    qemu_process_free(process);
}

/* The child lives until it is told to go: what is looked at meanwhile does not depend on time. */
static void check_timeouts(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    int to_child = qemu_process_take_fd(process, STDIN_FILENO);
    QemuProcessStatus status = {.exit_code = 77};
    struct pollfd poll_fd = {qemu_process_pidfd(process), POLLIN, 0};

    errno = ERANGE;
    is_int(qemu_process_wait(process, 0, &status, NULL), 0, "0 ms: it lives");
    is_int(qemu_process_wait(process, 1, &status, NULL), 0, "1 ms: it lives");
    is_int(qemu_process_wait(process, 20, &status, NULL), 0, "20 ms: it lives");
    is_int(status.exit_code, 77, "the status is not touched");
    is_int(errno, ERANGE, "nor is errno");
    if (poll_fd.fd >= 0) {
        is_int(poll(&poll_fd, 1, 0), 0, "the descriptor is not readable");
    } else {
        skip("the descriptor is not readable", "there is none on this system");
    }
    close(to_child);
    is_int(qemu_process_wait(process, -1, &status, NULL), 1, "told to end, it ends");
    ok(exited_with(&status, 0), "with status 0");
    if (poll_fd.fd >= 0) {
        is_int(poll(&poll_fd, 1, 0), 1, "the descriptor is readable");
    } else {
        skip("the descriptor is readable", "there is none on this system");
    }
    qemu_process_free(process);
}

/* The descriptor is enough for a main loop: readable means that wait with 0 ms tells the end. */
static void check_main_loop(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "9"), NULL);
    struct pollfd poll_fd = {qemu_process_pidfd(process), POLLIN, 0};
    QemuProcessStatus status;

    if (poll_fd.fd < 0) {
        skip("poll() and then 0 ms", "there is no descriptor of a process on this system");
    } else {
        is_int(poll(&poll_fd, 1, -1), 1, "poll() sees the end");
        ok(qemu_process_wait(process, 0, &status, NULL) == 1 && exited_with(&status, 9), "0 ms: it has ended");
        ok(fcntl(poll_fd.fd, F_GETFD) == FD_CLOEXEC && poll_fd.fd > 2, "the descriptor has FD_CLOEXEC and is no stdio");
    }
    qemu_process_free(process);
}

static void check_stopped(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "pause"), NULL);
    QemuProcessStatus status;
    siginfo_t info;

    ok(qemu_process_kill(process, SIGSTOP, NULL), "it is stopped");
    /* Until the kernel says that it has stopped. */
    while (waitid(P_PID, (id_t)qemu_process_pid(process), &info, WSTOPPED | WNOWAIT) == -1 && errno == EINTR) {
    }
    is_int(qemu_process_wait(process, 0, &status, NULL), 0, "a stopped child has not ended: 0 ms");
    is_int(qemu_process_wait(process, 10, &status, NULL), 0, "nor after 10 ms");
    ok(qemu_process_kill(process, SIGCONT, NULL), "it goes on");
    is_int(qemu_process_wait(process, 0, &status, NULL), 0, "a child that goes on has not ended");
    ok(qemu_process_kill(process, SIGKILL, NULL), "it is killed");
    ok(qemu_process_wait(process, -1, &status, NULL) == 1 && status.term_signal == SIGKILL, "that is the end");
    qemu_process_free(process);
}

static struct {
    pthread_t waiter;
    int to_child;
} interruption;

/* Signals for the thread that waits, until it has handled some of them; then the child may end. */
static void *interrupt(void *arg)
{
    while (__atomic_load_n(&handled, __ATOMIC_SEQ_CST) < 10) {
        pthread_kill(interruption.waiter, SIGUSR1);
        sched_yield();
    }
    close(interruption.to_child);
    return arg;
}

static void check_interrupted(void)
{
    struct sigaction action = {.sa_handler = handler}; /* no SA_RESTART */
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    QemuProcessStatus status;
    pthread_t thread;

    sigaction(SIGUSR1, &action, NULL);
    interruption.waiter = pthread_self();
    interruption.to_child = qemu_process_take_fd(process, STDIN_FILENO);
    if (pthread_create(&thread, NULL, interrupt, NULL) != 0) {
        bail("pthread_create");
    }
    is_int(qemu_process_wait(process, -1, &status, NULL), 1, "handlers run, and the wait goes on");
    ok(exited_with(&status, 0) && handled >= 10, "until the end");
    pthread_join(thread, NULL);
    qemu_process_free(process);
}

static void check_take(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"),
                                      OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT));
    int in = qemu_process_take_fd(process, 0);
    int out = qemu_process_take_fd(process, 1);
    const int none[] = {0, 1, 2, 3, -1, 1000, INT_MIN, INT_MAX};
    char byte = 0;
    int refused = 0;

    ok(in > 2 && out > 2 && fcntl(in, F_GETFD) == FD_CLOEXEC && fcntl(out, F_GETFD) == FD_CLOEXEC,
       "our ends of the pipes have FD_CLOEXEC");
    ok((fcntl(in, F_GETFL) & O_NONBLOCK) == 0 && (fcntl(out, F_GETFL) & O_NONBLOCK) == 0, "and are blocking");
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        errno = 0;
        refused += qemu_process_take_fd(process, none[i]) == -1 && errno == EBADF;
    }
    is_int(refused, sizeof(none) / sizeof(*none), "what was taken, or is none, is EBADF");
    ok(write(in, "x", 1) == 1 && read(out, &byte, 1) == 1 && byte == 'x', "what goes in comes out");
    close(in);
    is_int(end_of(process), 0, "after the end of its stdin the child ends");
    ok(read(out, &byte, 1) == 0, "what was taken is still open when the handle is gone");
    close(out);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    check_status();
    check_timeouts();
    check_main_loop();
    check_stopped();
    check_interrupted();
    check_take();
    ok(!has_child(), "no child is left");
    return done();
}
