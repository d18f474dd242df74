/*
 * A child that this process may not signal, because it has become another user: a call that should end it says that it
 * could not be killed. And a child that the kernel keeps in spite of SIGKILL: the call does not wait for long, and says
 * so. Once such a child ends, the library reaps it, and the program need not.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ptrace.h>

#include "another-user.h"
#include "watched.h"

enum { LEASH_FD = 7, SHORT_MS = 30 };

static int leash[2];

/* This process is root until its child tells it that it has begun. */
static void drop_rights(int signum)
{
    (void)signum;
    (void)!setresuid(NOBODY, NOBODY, NOBODY);
}

/* In the program: ends when the test lets go of the leash. */
static int immortal(bool tells)
{
    char byte;

    if (tells) {
        kill(getppid(), SIGUSR1);
    }
    (void)!read(LEASH_FD, &byte, 1);
    return 0;
}

static void is_reaped_later(pid_t pid)
{
    QemuProcess *process;

    if (!has_child()) {
        tell("it does not live on\n");
    }
    close(leash[1]);
    if (pid > 0) {
        await_end(pid);
    }
    /* Any call of the library reaps it. */
    for (int i = 0; i < 1000 && has_child(); i++) {
        process = spawn(ARGS("/nowhere"), NULL);
        qemu_process_free(process);
        yield_a_moment();
    }
    if (has_child()) {
        tell("it is not reaped\n");
    }
    progress();
}

static void begin(void)
{
    struct sigaction action = {.sa_handler = drop_rights};

    if (pipe2(leash, O_CLOEXEC) != 0 || sigaction(SIGUSR1, &action, NULL) != 0) {
        _exit(96);
    }
}

static void sync_with_limit(void *arg)
{
    int64_t timeout_ms = 200;
    Error *err;
    int result;

    (void)arg;
    begin();
    /* If the program has not begun within the limit, it was killed before this process lost the right to do so. */
    do {
        const QemuSpawnFd fds[] = {{leash[0], LEASH_FD}};

        err = NULL;
        errno = 0;
        result = qemu_spawn_sync(ARGS(SELF, "tell"), OPTIONS(.fds = fds, .n_fds = 1), timeout_ms, NULL, &err);
        told.error = errno;
        snprintf(told.message, sizeof(told.message), "%s", err ? error_get_pretty(err) : "");
        error_free(err);
        timeout_ms *= 2;
        progress();
    } while (geteuid() == 0 && timeout_ms < 60000);
    if (result != -1 || told.error != ETIMEDOUT || !strstr(told.message, "did not end within ") ||
        !strstr(told.message, " lives on, because it could not be killed: Operation not permitted")) {
        tell("result %d, errno %d, \"%s\"\n", result, told.error, told.message);
    }
    is_reaped_later(0);
}

static void stop_it(void *arg)
{
    char expected[128];
    QemuProcess *process;
    Error *err = NULL;
    pid_t pid;
    bool stopped;

    (void)arg;
    begin();
    process = must_spawn(ARGS(SELF, "immortal"),
                         OPTIONS(.fds = (const QemuSpawnFd[]){{leash[0], LEASH_FD}}, .n_fds = 1));
    pid = qemu_process_pid(process);
    drop_rights(0);
    errno = 0;
    stopped = qemu_process_stop(process, SHORT_MS, NULL, &err);
    snprintf(expected, sizeof(expected), "cannot send signal %d to process %d: %s", SIGTERM, (int)pid,
             strerror(EPERM));
    if (stopped || errno != EPERM || !err || strcmp(error_get_pretty(err), expected) != 0) {
        tell("stop: %d, errno %d, \"%s\"\n", stopped, errno, err ? error_get_pretty(err) : "");
    }
    error_free(err);
    if (wait_ms(process, 0) != TIMED_OUT) {
        tell("the handle does not see that it lives\n");
    }
    qemu_process_free(process);
    progress();
    is_reaped_later(pid);
}

/* ---- one that SIGKILL does not end ---- */

/*
 * The first process of a PID namespace ends only after all others in it are gone, and a zombie stays until its tracer
 * has seen it.
 */
static struct {
    pid_t parent;
    int traced, let_go;
} *hold;

static pid_t only_child_of(pid_t pid)
{
    pid_t list[2];

    return pid > 0 && children_of(pid, list, 2) > 0 ? list[0] : 0;
}

/* Traces the child of the process's child. */
__attribute__((__noreturn__)) static void trace(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (!__atomic_load_n(&hold->let_go, __ATOMIC_SEQ_CST)) {
        pid_t first = only_child_of(__atomic_load_n(&hold->parent, __ATOMIC_SEQ_CST)), second = only_child_of(first);

        if (second > 0 && !hold->traced && ptrace(PTRACE_SEIZE, second, NULL, NULL) == 0) {
            __atomic_store_n(&hold->traced, 1, __ATOMIC_SEQ_CST);
        }
        yield_a_moment();
    }
    _exit(0);
}

/* In the program: the first process, with a child. */
static int with_child(void)
{
    pid_t pid = fork();

    if (pid == -1) {
        return 96;
    }
    pause_for_ever();
}

static void outlive_kill(void *arg)
{
    const bool *by_stop = arg;
    char expected[64];
    QemuProcess *process = NULL;
    Error *err = NULL;
    pid_t pid = 0;
    bool done;

    if (unshare(CLONE_NEWPID) != 0) {
        _exit(FOREIGN);
    }
    __atomic_store_n(&hold->parent, getpid(), __ATOMIC_SEQ_CST);
    if (*by_stop) {
        process = must_spawn(ARGS(SELF, "with-child"), NULL);
        while (!__atomic_load_n(&hold->traced, __ATOMIC_SEQ_CST)) {
            yield_a_moment();
        }
        pid = qemu_process_pid(process);
        done = qemu_process_stop(process, 0, NULL, &err);
    } else {
        done = qemu_spawn_sync(ARGS(SELF, "with-child"), NULL, 3000, NULL, &err) == 0;
    }
    progress();
    snprintf(expected, sizeof(expected), "process %d (", (int)pid);
    if (!hold->traced || done || errno != ETIMEDOUT || !err || !strstr(error_get_pretty(err), ") does not end") ||
        !strstr(error_get_pretty(err), *by_stop ? expected : "did not end within 3000 ms")) {
        tell("traced %d, done %d, errno %d, \"%s\"\n", hold->traced, done, errno, err ? error_get_pretty(err) : "");
    }
    error_free(err);
    qemu_process_free(process);
    if (!has_child()) {
        tell("it has ended\n");
    }
    __atomic_store_n(&hold->let_go, 1, __ATOMIC_SEQ_CST);
    /* This process makes no other child: its namespace's first one has ended. */
    for (int i = 0; i < 20000 && has_child(); i++) {
        qemu_process_free(qemu_spawn(ARGS("/nowhere"), NULL, NULL));
        yield_a_moment();
    }
    if (has_child()) {
        tell("it is not reaped\n");
    }
}

static bool may_trace(void)
{
    pid_t pid = fork();
    bool may;

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        pause_for_ever();
    }
    may = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
    kill(pid, SIGKILL);
    wait_for(pid);
    return may;
}

static void test_outlives(bool by_stop, const char *what)
{
    pid_t tracer;

    memset(hold, 0, sizeof(*hold));
    fflush(NULL);
    tracer = fork();
    if (tracer == -1) {
        bail("fork");
    }
    if (tracer == 0) {
        trace();
    }
    if (run_watched(outlive_kill, &by_stop, what)) {
        is_str(watched->words, "", "it is told after a second, and reaped once it ends");
    }
    kill(tracer, SIGKILL);
    wait_for(tracer);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "with-child") == 0) {
        return with_child();
    }
    if (argc > 1 && strcmp(argv[1], "tell") == 0) {
        return immortal(true);
    }
    if (argc > 1 && strcmp(argv[1], "immortal") == 0) {
        return immortal(false);
    }
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    need_root();
    if (run_watched(sync_with_limit, NULL, "a limit of time for a program that may not be killed")) {
        is_str(watched->words, "", "it is told, and reaped once it ends");
    }
    if (run_watched(stop_it, NULL, "a stop of a program that may not be signalled")) {
        is_str(watched->words, "", "it is told, and reaped once it ends");
    }
    if (!may_trace()) {
        skip("a process that the kernel keeps", "ptrace() is forbidden here");
        return done();
    }
    hold = shared_memory(sizeof(*hold));
    test_outlives(true, "a stop of a process that the kernel keeps");
    test_outlives(false, "a limit of time for a process that the kernel keeps");
    return done();
}
