/*
 * A traced child stops at every signal. A stop is not an end: for wait, stop, sync, kill and free the child is alive
 * until it has ended. Any child may ask to be traced by its parent, and must not escape control by that. A parent that
 * traces its child on purpose loses none of the stops to the handle.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ptrace.h>

#include "older-kernel.h"
#include "watched.h"

/* ---- in the program that was spawned ---- */

/* Stops. Runs for ever if it is continued. */
static int be_traced(int signum)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        return 99;
    }
    alarm(100);
    raise(signum);
    pause_for_ever();
}

/* Ends at once. */
static int be_traced_and_end(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 4 : 99;
}

/* Stops at an execve(), with SIGTRAP. */
static int be_traced_at_exec(void)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        return 99;
    }
    execl(SELF, SELF, "pause", (char *)NULL);
    return 98;
}

/* ---- in the test ---- */

static const char *name_of(const char *const *argv)
{
    static char text[64];

    snprintf(text, sizeof(text), "%s %s", argv[1], argv[2] ? argv[2] : "");
    return text;
}

/* Makes sure that the test has no such child any more, whatever the handle's state. */
static void be_rid_of(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) != -1 || errno == EINTR) {
    }
}

static void be_rid_of_all(void)
{
    pid_t list[16];
    int n = children_of(getpid(), list, 16);

    for (int i = 0; i < n; i++) {
        be_rid_of(list[i]);
    }
}

static void await_trace_stop(pid_t pid)
{
    char state = 0;

    while (state != 't') {
        state = process_state(pid);
        if (state == 0 || state == 'Z') {
            bail("the program has not stopped");
        }
        yield_a_moment();
    }
}

static QemuProcess *spawn_stopped(const char *const *argv)
{
    QemuProcess *process = must_spawn(argv, NULL);

    await_trace_stop(qemu_process_pid(process));
    return process;
}

/* The test's calls have not ended the child, and no other code has reaped it. */
static void is_alive(pid_t pid, const char *what)
{
    ok(process_state(pid) == 't', "%s: the program is still there, and stopped", what);
}

static void check_alive(const char *const *argv)
{
    QemuProcess *process = spawn_stopped(argv);
    pid_t pid = qemu_process_pid(process);

    is_int(wait_ms(process, 0), TIMED_OUT, "a look: it has not ended");
    is_int(wait_ms(process, 0), TIMED_OUT, "another look");
    is_int(wait_ms(process, 30), TIMED_OUT, "a wait: it has not ended");
    ok(qemu_process_kill(process, 0, NULL), "it can be signalled");
    is_alive(pid, name_of(argv));
    ok(qemu_process_kill(process, SIGKILL, NULL), "it is killed");
    is_int(wait_ms(process, -1), KILLED_BY + SIGKILL, "by that it ends");
    qemu_process_free(process);
    ok(kill(pid, 0) == -1 && errno == ESRCH, "and is gone");
    be_rid_of(pid);
}

static void check_stop(const char *const *argv)
{
    QemuProcess *process = spawn_stopped(argv);
    pid_t pid = qemu_process_pid(process);
    QemuProcessStatus status = {.exit_code = -1};
    Error *err = NULL;

    /* A stopped program does not act on SIGTERM. */
    ok(qemu_process_stop(process, 10, &status, &err) && !err, "%s: it is made to end", name_of(argv));
    is_int(ending_of(&status), KILLED_BY + SIGKILL, "by SIGKILL");
    ok(kill(pid, 0) == -1 && errno == ESRCH, "and is gone");
    qemu_process_free(process);
    be_rid_of(pid);
}

static void check_sync(const char *const *argv)
{
    QemuProcessStatus status = {.exit_code = -1};
    int limit_ms = 100, result;

    /* On a slow machine the limit may be over before the program is executed. Then there is no status. */
    do {
        errno = 0;
        result = qemu_spawn_sync(argv, NULL, limit_ms, &status, NULL);
        limit_ms *= 2;
    } while (result == -1 && errno == ETIMEDOUT && ending_of(&status) == NOT_WAITED && limit_ms < 60000);
    ok(result == -1 && errno == ETIMEDOUT, "%s: qemu_spawn_sync() waits as long as it was told", name_of(argv));
    is_int(ending_of(&status), KILLED_BY + SIGKILL, "and kills it");
    is_int(children_of(getpid(), (pid_t[4]){0}, 4), 0, "it is gone");
    be_rid_of_all();
}

static void check_free(const char *const *argv)
{
    QemuProcess *process = spawn_stopped(argv);
    pid_t pid = qemu_process_pid(process);

    qemu_process_free(process);
    is_alive(pid, "a handle is freed");
    be_rid_of(pid);
}

/*
 * A program first asks to be traced, and then stops or ends, perhaps before the spawn has returned. The spawn must
 * count it as executed.
 */
static void check_quick(const QemuSpawnOptions *opts, const char *what)
{
    enum { ROUNDS = 60 };
    int failed = 0, wrong = 0;
    char number[16];

    snprintf(number, sizeof(number), "%d", SIGUSR2);
    for (int i = 0; i < ROUNDS; i++) {
        QemuProcess *process = spawn(i % 2 == 0 ? ARGS(SELF, "traced", number) : ARGS(SELF, "traced-end"), opts);
        QemuProcessStatus status = {.exit_code = -1};
        pid_t pid;

        if (!process) {
            failed++;
            be_rid_of_all();
            continue;
        }
        pid = qemu_process_pid(process);
        if (i % 2 == 0) {
            kill(pid, SIGKILL);
        }
        qemu_process_wait(process, -1, &status, NULL);
        /* Killed before it has stopped or after. */
        wrong += ending_of(&status) != (i % 2 == 0 ? KILLED_BY + SIGKILL : 4);
        qemu_process_free(process);
        be_rid_of(pid);
    }
    if (!is_int(failed, 0, what)) {
        printf("# the last: %s\n", told.message);
    }
    is_int(wrong, 0, "and each end is its own");
}

struct waiter {
    QemuProcess *process;
    int end;
};

static void *wait_for_end(void *arg)
{
    struct waiter *waiter = arg;

    waiter->end = wait_ms(waiter->process, -1);
    return NULL;
}

/* A thread waits for the end when the child stops. The stop neither ends the wait nor keeps the thread busy. */
static void check_patient(void)
{
    int ends[2];
    struct waiter waiter = {.end = NOT_WAITED};
    QemuSpawnFd map[1];
    pthread_t thread;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    map[0] = (QemuSpawnFd){ends[0], STDIN_FILENO};
    waiter.process = must_spawn(ARGS(SELF, "traced-later", "12"), OPTIONS(.fds = map, .n_fds = 1));
    close(ends[0]);
    pid = qemu_process_pid(waiter.process);
    if (pthread_create(&thread, NULL, wait_for_end, &waiter) != 0) {
        bail("pthread_create");
    }
    for (int i = 0; i < 20; i++) {
        yield_a_moment();
    }
    put_byte(ends[1], 'x');
    close(ends[1]);
    while (process_state(pid) != 't' && process_state(pid) != 'Z' && process_state(pid) != 0) {
        yield_a_moment();
    }
    for (int i = 0; i < 20; i++) {
        yield_a_moment();
    }
    is_int(wait_ms(waiter.process, 0), TIMED_OUT, "it has stopped while a thread waits: it has not ended");
    kill(pid, SIGKILL);
    pthread_join(thread, NULL);
    is_int(waiter.end, KILLED_BY + SIGKILL, "the wait ends with the program");
    qemu_process_free(waiter.process);
    be_rid_of(pid);
}

/* The parent traces it on purpose, and looks at the handle between its stops. */
static void check_tracer(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"),
                                      OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT));
    int in = qemu_process_take_fd(process, STDIN_FILENO), out = qemu_process_take_fd(process, STDOUT_FILENO);
    pid_t pid = qemu_process_pid(process);
    int status = 0;

    put_byte(in, 'x');
    get_byte(out); /* it is in its main() */
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0) {
        skip("a tracer", strerror(errno));
    } else {
        kill(pid, SIGUSR2);
        await_trace_stop(pid);
        is_int(wait_ms(process, 0), TIMED_OUT, "a tracer looks at its handle");
        is_int(wait_ms(process, 20), TIMED_OUT, "and waits a while");
        ok(qemu_process_kill(process, 0, NULL), "and signals it");
        is_int(waitpid(pid, &status, WNOHANG | __WALL), pid, "the stop is still the tracer's to take");
        ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR2, "with its signal");
        is_int(ptrace(PTRACE_CONT, pid, NULL, NULL), 0, "the tracer continues it");
    }
    close(in);
    close(out);
    is_int(end_of(process), 0, "it ends by itself");
    be_rid_of(pid);
}

static void checks(void)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", SIGUSR2);
    check_alive(ARGS(SELF, "traced", number));
    snprintf(number, sizeof(number), "%d", SIGSTOP);
    check_alive(ARGS(SELF, "traced", number));
    snprintf(number, sizeof(number), "%d", SIGSEGV); /* one that would leave a core dump */
    check_alive(ARGS(SELF, "traced", number));
    check_alive(ARGS(SELF, "traced-at-exec"));
    snprintf(number, sizeof(number), "%d", SIGUSR2);
    check_stop(ARGS(SELF, "traced", number));
    check_sync(ARGS(SELF, "traced", number));
    check_free(ARGS(SELF, "traced", number));
    check_quick(NULL, "a program that is traced at once has been executed");
    if (geteuid() == 0) {
        check_quick(OPTIONS(.flags = QEMU_SPAWN_SET_GID, .gid = getgid()), "one whose ids were set");
    } else {
        skip("one whose ids were set", "only root can: run the tests as root");
    }
    check_patient();
    check_tracer();
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        char byte;

        if (strcmp(argv[1], "traced-later") == 0 && read(STDIN_FILENO, &byte, 1) != 1) {
            return 99;
        }
        if (strcmp(argv[1], "traced-end") == 0) {
            return be_traced_and_end();
        }
        if (strcmp(argv[1], "traced-at-exec") == 0) {
            return be_traced_at_exec();
        }
        return strncmp(argv[1], "traced", 6) == 0 ? be_traced(atoi(argv[2])) : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (IS_EMULATED) {
        skip_all("the emulator has no ptrace()");
    }
    check_here_and_on_older_kernel(checks);
    return done();
}
