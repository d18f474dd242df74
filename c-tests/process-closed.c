/*
 * The program closes the descriptor of a child, as closefrom() does, and the number may then belong to another file.
 * The handle must not take that for the end of the child. It knows the child by the id, and never touches the other
 * file.
 *
 * SPDX-License-Identifier: MIT
 */
#include "watched.h"

/* What the number refers to afterwards. */
enum { NOTHING, DEVICE, SILENT_PIPE, AFTERWARDS };

static const char *const names[] = {
    "closed", "closed, and the number is /dev/null's", "closed, and the number is a pipe's",
};

static int silent[2];

static void replace(QemuProcess *process, int afterwards)
{
    int fd = qemu_process_pidfd(process);
    int other = afterwards == DEVICE ? open("/dev/null", O_RDONLY | O_CLOEXEC) : silent[0];

    if (fd < 0) {
        _exit(0); /* this kernel has no such descriptors */
    }
    if (afterwards == NOTHING ? close(fd) != 0 : dup2(other, fd) != fd) {
        _exit(96);
    }
    if (afterwards == DEVICE) {
        close(other);
    }
}

/* A child that ends when its stdin does. */
static QemuProcess *start(int afterwards, int *in)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));

    *in = qemu_process_take_fd(process, STDIN_FILENO);
    replace(process, afterwards);
    return process;
}

static void *close_later(void *fd)
{
    for (int i = 0; i < 100; i++) {
        yield_a_moment();
    }
    close(*(int *)fd);
    return NULL;
}

static void expect(int got, int wanted, const char *what)
{
    if (got != wanted) {
        tell("%s: %d and not %d\n", what, got, wanted);
    }
    progress();
}

static int stopped(QemuProcess *process, int64_t grace_ms)
{
    QemuProcessStatus status = {.exit_code = -1};

    return qemu_process_stop(process, grace_ms, &status, NULL) ? ending_of(&status) : NOT_WAITED;
}

static void use(void *arg)
{
    int afterwards = *(int *)arg, in, flags, fd;
    QemuProcess *process;
    pthread_t thread;

    if (pipe2(silent, O_CLOEXEC) != 0) {
        _exit(96);
    }
    process = start(afterwards, &in);
    expect(wait_ms(process, 0), TIMED_OUT, "a look at a living child");
    expect(wait_ms(process, 20), TIMED_OUT, "a short wait for it");
    expect(qemu_process_kill(process, 0, NULL), true, "whether it can be signalled");
    close(in);
    expect(wait_ms(process, -1), 0, "a wait for its end");
    expect(wait_ms(process, 0), 0, "its status is kept");
    qemu_process_free(process);

    process = start(afterwards, &in);
    fd = qemu_process_pidfd(process);
    flags = fcntl(fd, F_GETFD);
    if (pthread_create(&thread, NULL, close_later, &in) != 0) {
        _exit(96);
    }
    expect(wait_ms(process, -1), 0, "a wait that begins while it lives");
    pthread_join(thread, NULL);
    expect(qemu_process_pidfd(process), -1, "the descriptor of the child");
    expect(fcntl(fd, F_GETFD), flags, "the file with the number is as it was");
    qemu_process_free(process);
    expect(fcntl(fd, F_GETFD), flags, "also after the handle is freed");

    process = start(afterwards, &in);
    expect(stopped(process, 60000), KILLED_BY + SIGTERM, "stop");
    close(in);
    qemu_process_free(process);
    process = start(afterwards, &in);
    expect(qemu_process_kill(process, SIGKILL, NULL), true, "a signal");
    expect(wait_ms(process, 60000), KILLED_BY + SIGKILL, "a wait with a limit");
    expect(qemu_process_kill(process, SIGKILL, NULL), false, "a signal for one that has ended");
    close(in);
    qemu_process_free(process);
    /* A handle that is freed while the child lives leaves it alone. */
    process = start(afterwards, &in);
    {
        pid_t pid = qemu_process_pid(process);

        qemu_process_free(process);
        close(in);
        expect(wait_for(pid), 0, "the child of a handle that was freed");
    }
    expect(has_child(), false, "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    for (int i = 0; i < AFTERWARDS; i++) {
        if (run_watched(use, &i, names[i])) {
            is_str(watched->words, "", "the child is known by its id");
        }
    }
    return done();
}
