/*
 * A call that succeeds leaves errno alone, whatever malloc(), realloc() and free() do to it; POSIX lets them, and older
 * C libraries do. A call that fails has its own errno.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc.h"
#include "older-kernel.h"

enum { MINE = 4242, SPOILED = 4711 };

static void spoil(const char *name)
{
    (void)name;
    errno = SPOILED;
}

/* Makes a call, which must give `right` and leave errno alone. */
#define KEEPS_ERRNO(call, right)                                            \
    do {                                                                    \
        bool is_right;                                                      \
        int after;                                                          \
                                                                            \
        interposed_malloc.hook = spoil;                                     \
        errno = MINE;                                                       \
        is_right = (call)right;                                             \
        after = errno;                                                      \
        interposed_malloc.hook = NULL;                                      \
        ok(is_right && after == MINE, "%s leaves errno alone", #call);      \
        if (after != MINE) {                                                \
            printf("# it is %d\n", after);                                  \
        }                                                                   \
    } while (0)

#define FAILS_WITH(error, call, right)                                      \
    do {                                                                    \
        Error *err = NULL;                                                  \
        bool is_right;                                                      \
        int after;                                                          \
                                                                            \
        interposed_malloc.hook = spoil;                                     \
        errno = MINE;                                                       \
        is_right = (call)right;                                             \
        after = errno;                                                      \
        interposed_malloc.hook = NULL;                                      \
        ok(is_right && after == (error) && err, "%s: %s", #call, #error);   \
        if (after != (error)) {                                             \
            printf("# it is %d\n", after);                                  \
        }                                                                   \
        error_free(err);                                                    \
    } while (0)

#define DONE(call) ((call), 1)

static void test_handle(void)
{
    const char *const *cat = ARGS(SELF, "cat"), *const *quick = ARGS(SELF, "exit", "3");
    const QemuSpawnOptions *pipes = OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN);
    QemuProcessStatus status;
    QemuProcessUsage usage;
    QemuProcess *process, *other;
    char *text;
    int fd;

    KEEPS_ERRNO(process = qemu_spawn(cat, pipes, NULL), != NULL);
    KEEPS_ERRNO(qemu_process_pid(process), > 0);
    KEEPS_ERRNO(qemu_process_pidfd(process), >= -1);
    KEEPS_ERRNO(qemu_process_way(process), != NULL);
    KEEPS_ERRNO(qemu_process_wait(process, 0, &status, NULL), == 0);
    KEEPS_ERRNO(qemu_process_wait(process, 20, &status, NULL), == 0);
    FAILS_WITH(EBUSY, qemu_process_usage(process, &usage, &err), == false);
    KEEPS_ERRNO(qemu_process_kill(process, 0, NULL), == true);
    KEEPS_ERRNO(fd = qemu_process_take_fd(process, STDIN_FILENO), >= 0);
    close(fd);
    KEEPS_ERRNO(qemu_process_wait(process, -1, &status, NULL), == 1);
    KEEPS_ERRNO(qemu_process_wait(process, -1, &status, NULL), == 1);
    KEEPS_ERRNO(qemu_process_usage(process, &usage, NULL), == true);
    KEEPS_ERRNO(text = qemu_process_status_str(&status), != NULL);
    free(text);
    KEEPS_ERRNO(qemu_process_status_check(&status, "it", NULL), == true);
    FAILS_WITH(ESRCH, qemu_process_kill(process, 0, &err), == false);
    KEEPS_ERRNO(DONE(qemu_process_free(process)), == 1);

    process = must_spawn(cat, pipes);
    KEEPS_ERRNO(other = qemu_process_adopt(qemu_process_pid(process), NULL), != NULL);
    KEEPS_ERRNO(qemu_process_stop(process, 90000, &status, NULL), == true);
    KEEPS_ERRNO(DONE(qemu_process_free(other)), == 1);
    KEEPS_ERRNO(DONE(qemu_process_free(process)), == 1);
    process = must_spawn(ARGS(SELF, "stubborn"), OPTIONS(.flags = QEMU_SPAWN_NULL_STDOUT));
    KEEPS_ERRNO(qemu_process_stop(process, 0, &status, NULL), == true);
    qemu_process_free(process);
    process = must_spawn(quick, NULL);
    KEEPS_ERRNO(DONE(qemu_process_detach(process)), == 1);
    await_end(qemu_process_pid(process));
    KEEPS_ERRNO(qemu_process_wait(process, 90000, &status, NULL), == 1);
    KEEPS_ERRNO(DONE(qemu_process_free(process)), == 1);
    waitpid(-1, NULL, 0);
    KEEPS_ERRNO(DONE(qemu_process_free(NULL)), == 1);
}

static void test_failures(void)
{
    const char *const *nowhere = ARGS("/nowhere/at/all"), *const *quick = ARGS(SELF, "exit", "3");
    const char *const *cat = ARGS(SELF, "pause");
    QemuProcessStatus status = {.end = QEMU_PROCESS_EXITED, .exit_code = 3};

    FAILS_WITH(ENOENT, qemu_spawn(nowhere, NULL, &err), == NULL);
    FAILS_WITH(ENOENT, qemu_spawn_sync(nowhere, NULL, 90000, NULL, &err), == -1);
    FAILS_WITH(EIO, qemu_process_status_check(&status, "it", &err), == false);
    FAILS_WITH(ECHILD, qemu_process_adopt(getpid(), &err), == NULL);
    KEEPS_ERRNO(qemu_spawn_sync(quick, NULL, -1, &status, NULL), == 0);
    KEEPS_ERRNO(qemu_spawn_sync(quick, NULL, 90000, &status, NULL), == 0);
    FAILS_WITH(ETIMEDOUT, qemu_spawn_sync(cat, NULL, 0, &status, &err), == -1);
}

static void test_runs(void)
{
    const char *const *both = ARGS(SELF, "both"), *const *fails = ARGS(SELF, "exit", "3");
    const QemuRunOptions *check = &(QemuRunOptions){.size = sizeof(*check), .flags = QEMU_RUN_CHECK};
    QemuRunResult result = {.size = sizeof(result)};
    QemuRun *run;
    char *text;
    int done;

    KEEPS_ERRNO(qemu_run(both, NULL, NULL, &result, NULL), == true);
    KEEPS_ERRNO(DONE(qemu_run_result_clear(&result)), == 1);
    FAILS_WITH(EIO, qemu_run(fails, NULL, check, &result, &err), == false);
    qemu_run_result_clear(&result);
    KEEPS_ERRNO(run = qemu_run_start(both, NULL, NULL, NULL), != NULL);
    KEEPS_ERRNO(qemu_run_fd(run), >= 0);
    KEEPS_ERRNO(qemu_run_process(run), != NULL);
    do {
        interposed_malloc.hook = spoil;
        errno = MINE;
        done = qemu_run_step(run, &result, NULL);
        interposed_malloc.hook = NULL;
    } while (done == 0 && errno == MINE);
    ok(done == 1 && errno == MINE, "qemu_run_step() leaves errno alone");
    qemu_run_result_clear(&result);
    KEEPS_ERRNO(DONE(qemu_run_free(run)), == 1);
    run = qemu_run_start(ARGS(SELF, "pause"), NULL, NULL, NULL);
    KEEPS_ERRNO(DONE(qemu_run_cancel(run)), == 1);
    KEEPS_ERRNO(DONE(qemu_run_free(run)), == 1);
    KEEPS_ERRNO(text = qemu_command_str(fails), != NULL);
    free(text);
}

static void checks(void)
{
    test_handle();
    test_failures();
    test_runs();
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    need_own_malloc();
    cast_net();
    needs_programs();
    check_here_and_on_older_kernel(checks);
    return done();
}
