/*
 * qemu_spawn_sync(): the program runs until it ends, or until the time is up and it is killed. Either way it is reaped.
 *
 * SPDX-License-Identifier: MIT
 */
#include "handle.h"

static QemuSpawnStep step;

/* Returns how the program ended, or -errno with the message in `told`. */
static int run(const char *const *argv, QemuSpawnOptions *opts, int64_t timeout_ms, QemuProcessStatus *status)
{
    Error *err = NULL;
    int result;

    *told.message = '\0';
    opts->failed_step = &step;
    step = (QemuSpawnStep)-1;
    result = qemu_spawn_sync(argv, opts, timeout_ms, status, &err);
    told.error = errno;
    if (err) {
        snprintf(told.message, sizeof(told.message), "%s", error_get_pretty(err));
        error_free(err);
    }
    if (result == 0) {
        return *told.message ? NOT_WAITED : ending_of(status);
    }
    return result == -1 && *told.message ? -told.error : NOT_WAITED;
}

static void ends_as(const char *what, const char *how, int64_t timeout_ms, int end)
{
    QemuProcessStatus status = {.exit_code = -1};

    ok(run(ARGS(SELF, what, how), OPTIONS(.flags = 0), timeout_ms, &status) == end, "%s %s, %lld ms: %d", what, how,
       (long long)timeout_ms, end);
    is_int(step, QEMU_SPAWN_STEP_NONE, "no step has failed");
    ok(!child_is_left(), "it has been reaped");
}

static void is_killed(const char *what, int64_t timeout_ms)
{
    QemuProcessStatus status = {.exit_code = -1};
    int before = count_descriptors();

    ok(run(ARGS(SELF, what), OPTIONS(.flags = QEMU_SPAWN_NULL_STDOUT), timeout_ms, &status) == -ETIMEDOUT,
       "%s, %lld ms: ETIMEDOUT", what, (long long)timeout_ms);
    ok(strstr(told.message, SELF) != NULL, "the message names the program: %s", told.message);
    if (step != QEMU_SPAWN_STEP_NONE) {
        ok(strstr(told.message, "took too long before it could execute") != NULL,
           "it was too late before it had executed the program, so the start has failed");
    } else {
        is_int(ending_of(&status), KILLED_BY + SIGKILL, "SIGKILL ended it");
        is_int(step, QEMU_SPAWN_STEP_NONE, "no step has failed");
    }
    ok(!child_is_left(), "it has been reaped");
    is_int(count_descriptors(), before, "no descriptor is left");
}

static void refuses_pipe(uint64_t flag, const char *name)
{
    QemuProcessStatus status;

    ok(run(ARGS(SELF, "exit", "0"), OPTIONS(.flags = flag), -1, &status) == -EINVAL, "%s is EINVAL", name);
    is_int(step, QEMU_SPAWN_STEP_ARGUMENTS, "the step: the arguments");
    ok(!child_is_left(), "nothing has been started");
}

static void test_no_start(void)
{
    QemuProcessStatus status;
    char expected[256];

    is_int(run(ARGS("/nowhere/at/all"), OPTIONS(.flags = 0), 90000, &status), -ENOENT, "no such program: ENOENT");
    is_int(step, QEMU_SPAWN_STEP_EXEC, "the step: exec");
    snprintf(expected, sizeof(expected), "cannot execute '/nowhere/at/all': %s", strerror(ENOENT));
    is_str(told.message, expected, "the message is that of qemu_spawn()");
    is_int(run(ARGS(SELF, "exit", "0"), OPTIONS(.cwd = "/nowhere"), 90000, &status), -ENOENT, "no such folder: ENOENT");
    is_int(step, QEMU_SPAWN_STEP_CWD, "the step: the working directory");
    is_int(run(ARGS(SELF, "exit", "0"), OPTIONS(.flags = UINT64_C(1) << 63), 0, &status), -EINVAL,
           "an unknown flag: EINVAL");
    is_int(step, QEMU_SPAWN_STEP_ARGUMENTS, "the step: the arguments");
    ok(!child_is_left(), "no child is left");
}

static void test_without_status(void)
{
    is_int(qemu_spawn_sync(ARGS(SELF, "exit", "3"), NULL, -1, NULL, NULL), 0, "status, options and errp may be NULL");
    errno = 0;
    is_int(qemu_spawn_sync(ARGS(SELF, "pause"), NULL, 0, NULL, NULL), -1, "also if the time is up");
    is_int(errno, ETIMEDOUT, "ETIMEDOUT");
    ok(!child_is_left(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    ends_as("exit", "0", -1, 0);
    ends_as("exit", "3", -1, 3);
    ends_as("exit", "3", INT64_MIN, 3);
    ends_as("exit", "255", 90000, 255);
    ends_as("exit", "3", INT64_MAX, 3);
    ends_as("signal", "10", -1, KILLED_BY + 10);
    ends_as("signal", "9", 90000, KILLED_BY + SIGKILL);
    is_killed("pause", 0);
    is_killed("pause", 20);
    is_killed("stubborn", 0);
    is_killed("stubborn", 20);
    refuses_pipe(QEMU_SPAWN_PIPE_STDIN, "QEMU_SPAWN_PIPE_STDIN");
    refuses_pipe(QEMU_SPAWN_PIPE_STDOUT, "QEMU_SPAWN_PIPE_STDOUT");
    refuses_pipe(QEMU_SPAWN_PIPE_STDERR, "QEMU_SPAWN_PIPE_STDERR");
    test_no_start();
    test_without_status();
    return done();
}
