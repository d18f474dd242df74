/*
 * A child has been reaped, and its process id is used again: by a process that is not a child of this program, the
 * stranger, or by another child. The handle must not signal or reap it. A helper process makes the stranger with the
 * wanted id.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

/* The pipes for orders to the helper process and for its answers. */
static int orders[2], answers[2];

/* The kernel's struct clone_args of Linux 5.5, which older headers do not have. */
union clone_with_id {
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size;
    };
    char bytes[CLONE3_SIZE];
};

/* Makes a child with this id. It ends with status 0 when it gets a byte, unless a signal ends it before. */
static pid_t make_child(pid_t id, int byte_from)
{
    union clone_with_id args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&id, .set_tid_size = 1};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

    if (pid == 0) {
        char byte;

        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        _exit(read(byte_from, &byte, 1) == 1 ? 0 : 1);
    }
    return pid;
}

static void answer(int number)
{
    if (write(answers[1], &number, sizeof(number)) != sizeof(number)) {
        _exit(1);
    }
}

/*
 * An order is the id for a stranger, and later any number, which lets it end. The answers: 0 or the errno with which it
 * could not be made; and its wait status.
 */
__attribute__((__noreturn__)) static void serve(void)
{
    int bytes[2], order;

    close(orders[1]);
    close(answers[0]);
    if (pipe(bytes) != 0) {
        _exit(1);
    }
    while (read(orders[0], &order, sizeof(order)) == sizeof(order)) {
        pid_t stranger = make_child((pid_t)order, bytes[0]);

        answer(stranger == -1 ? errno : 0);
        if (stranger != -1 && read(orders[0], &order, sizeof(order)) == sizeof(order)) {
            put_byte(bytes[1], 'g');
            answer(wait_for(stranger));
            /* If a signal ended the stranger before, the byte is still in the pipe. */
            fcntl(bytes[0], F_SETFL, O_NONBLOCK);
            (void)get_byte(bytes[0]);
            fcntl(bytes[0], F_SETFL, 0);
        }
    }
    _exit(0);
}

/* The helper must not be a child of this process, whose only children are those that it spawns. */
static void start_helper(void)
{
    pid_t pid;

    if (pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        if (fork() != 0) {
            _exit(0);
        }
        /* A reader of the test's output must not wait for this process. */
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        serve();
    }
    wait_for(pid);
    close(orders[0]);
    close(answers[1]);
}

static int ask(int order)
{
    int number = -1;

    if (write(orders[1], &order, sizeof(order)) != sizeof(order) ||
        read(answers[0], &number, sizeof(number)) != sizeof(number)) {
        bail("the helper process is gone");
    }
    return number;
}

static void reap_by_handle(QemuProcess *process)
{
    qemu_process_wait(process, -1, NULL, NULL);
}

static void steal(QemuProcess *process)
{
    (void)wait_for(qemu_process_pid(process));
}

static void let_go(QemuProcess *process)
{
    qemu_process_detach(process);
    steal(process);
}

static void kill_it(QemuProcess *process)
{
    errno = 0;
    ok(!qemu_process_kill(process, SIGKILL, NULL) && errno == ESRCH, "it cannot be signalled: ESRCH");
}

static void stop_it(QemuProcess *process)
{
    ok(qemu_process_stop(process, -1, NULL, NULL), "it has been stopped");
}

static void wait_for_it(QemuProcess *process)
{
    ok(qemu_process_wait(process, -1, NULL, NULL) == 1, "a wait without a limit returns");
}

static void cannot_give_ids(const char *what, int error)
{
    char why[128];

    snprintf(why, sizeof(why), "the id of a process cannot be chosen here (root can, from Linux 5.5 on): %s",
             strerror(error));
    skip(what, why);
}

/* @reap: how the child is reaped. @use: what is then done with the handle. */
static void test_stranger(void (*reap)(QemuProcess *), void (*use)(QemuProcess *), const char *what)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "7"), NULL);
    int error, end;

    reap(process);
    error = ask((int)qemu_process_pid(process));
    if (error != 0) {
        cannot_give_ids(what, error);
    } else {
        use(process);
        qemu_process_free(process);
        process = NULL;
        end = ask(0);
        if (!ok(end == 0, "%s, and its id belongs to a stranger, which is neither signalled nor reaped", what)) {
            printf("# the stranger ended with wait status 0x%x\n", (unsigned)end);
        }
    }
    qemu_process_free(process);
}

/* Another child of this program has the id. Without a pidfd the handle can know only if it has seen the end before. */
static void test_other_child(void (*reap)(QemuProcess *), void (*use)(QemuProcess *), const char *what)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "7"), NULL);
    int bytes[2], before;
    pid_t child;

    if (pipe2(bytes, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    reap(process);
    before = wait_ms(process, 0);
    child = make_child(qemu_process_pid(process), bytes[0]);
    if (child == -1) {
        cannot_give_ids(what, errno);
    } else {
        use(process);
        put_byte(bytes[1], 'g');
        await_end(child);
        is_int(wait_ms(process, -1), before, "the handle returns the same status as before");
        use(process);
        qemu_process_free(process);
        process = NULL;
        ok(wait_for(child) == 0, "%s, and its id belongs to another child, which is neither signalled nor reaped",
           what);
    }
    qemu_process_free(process);
    close(bytes[0]);
    close(bytes[1]);
}

/* In a fork of the program, which has not seen the end. A child of the fork has the id. */
static void look_in_fork(QemuProcess *process, int go_from, int *error)
{
    int bytes[2];
    pid_t child;
    bool holds;

    if (get_byte(go_from) != 'g' || pipe2(bytes, O_CLOEXEC) != 0) {
        _exit(96);
    }
    child = make_child(qemu_process_pid(process), bytes[0]);
    if (child == -1) {
        *error = errno;
        _exit(0);
    }
    (void)qemu_process_wait(process, 0, NULL, NULL);
    holds = !qemu_process_kill(process, SIGKILL, NULL);
    put_byte(bytes[1], 'g');
    await_end(child);
    (void)qemu_process_wait(process, 10, NULL, NULL);
    qemu_process_free(process);
    _exit(holds && has_child() && wait_for(child) == 0 ? 0 : 1);
}

static void test_child_of_fork(void)
{
    static const char what[] = "in a fork of the program, its own child with the id is neither signalled nor reaped";
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "7"), NULL);
    int *error = shared_memory(sizeof(*error));
    int bytes[2], status;
    pid_t pid;

    if (pipe2(bytes, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        cast_net();
        close(bytes[1]);
        look_in_fork(process, bytes[0], error);
    }
    is_int(end_of(process), 7, "the parent still gets the status of its child");
    put_byte(bytes[1], 'g');
    status = wait_for(pid);
    if (*error != 0) {
        cannot_give_ids(what, *error);
    } else {
        is_int(status, 0, what);
    }
    close(bytes[0]);
    close(bytes[1]);
}

static void checks(void)
{
    static const struct {
        void (*reap)(QemuProcess *);
        const char *what;
    } ways[] = {
        {reap_by_handle, "reaped by its handle"},
        {steal, "reaped by other code"},
        {let_go, "detached, and reaped by other code"},
    };

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        test_stranger(ways[i].reap, kill_it, ways[i].what);
        test_stranger(ways[i].reap, stop_it, ways[i].what);
        test_stranger(ways[i].reap, wait_for_it, ways[i].what);
        test_other_child(ways[i].reap, kill_it, ways[i].what);
        test_other_child(ways[i].reap, stop_it, ways[i].what);
        test_other_child(ways[i].reap, wait_for_it, ways[i].what);
    }
    test_child_of_fork();
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    start_helper();
    check_here_and_on_older_kernel(checks);
    return done();
}
