/*
 * A child that this process may not signal, as a program that has become another user. A call that was to end it says
 * that it could not be killed and lives on. Once it ends, the library reaps it, and the program need not find it.
 *
 * SPDX-License-Identifier: MIT
 */
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
    /* Any call of the library does it. */
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
    /* If the program has not begun in that time, it was killed: the rights are still there. */
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

int main(int argc, char **argv)
{
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
    return done();
}
