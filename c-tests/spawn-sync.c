/* qemu_spawn_sync(): runs a program to its end, or kills it when its time is up; nothing is left in either case. */
#include "spawn.h"

static void kills(int64_t timeout, const char *name)
{
    static struct state before;
    QemuProcessStatus status = {.end = (QemuProcessEnd)0};
    QemuSpawnStep step = QEMU_SPAWN_STEP_EXEC;
    char expected[256];
    Error *err = NULL;
    int result, seen;

    look_at_state(&before);
    errno = 0;
    result = qemu_spawn_sync(ARGS(name, "stubborn"),
                             OPTIONS(.executable = SELF, .flags = QEMU_SPAWN_NULL_STDOUT, .failed_step = &step),
                             timeout,
                             &status, &err);
    seen = errno;
    ok(result == -1 && seen == ETIMEDOUT, "after %lld ms: ETIMEDOUT", (long long)timeout);
    ok(status.end == QEMU_PROCESS_END_SIGNALED && status.term_signal == SIGKILL, "it was killed by SIGKILL");
    is_int(step, QEMU_SPAWN_STEP_NONE, "no step has failed");
    snprintf(expected, sizeof(expected), "'%s' did not end within %lld ms and was killed", name, (long long)timeout);
    is_str(err ? error_get_pretty(err) : NULL, expected, "the message says so");
    if (err) {
        error_free(err);
    }
    ok(!has_child(), "it was reaped");
    is_same_state(&before, "all else is as it was");
    errno = 0;
    ok(qemu_spawn_sync(ARGS(SELF, "pause"), NULL, timeout, NULL, NULL) == -1 && errno == ETIMEDOUT,
       "neither the status nor the error need be wanted");
}

int main(int argc, char **argv)
{
    QemuSpawnStep step = QEMU_SPAWN_STEP_EXEC;
    QemuProcessStatus status;
    Error *err = NULL;
    int result;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    errno = ERANGE;
    result = qemu_spawn_sync(ARGS(SELF, "exit", "3"), OPTIONS(.failed_step = &step), -1, &status, &err);
    ok(result == 0 && !err && errno == ERANGE, "it ran and ended: 0, no error, errno as it was");
    ok(status.end == QEMU_PROCESS_END_EXITED && status.exit_code == 3, "with its status");
    is_int(step, QEMU_SPAWN_STEP_NONE, "no step has failed");
    result = qemu_spawn_sync(ARGS(SELF, "signal", "15"), NULL, 100000, &status, &err);
    ok(result == 0 && status.end == QEMU_PROCESS_END_SIGNALED && status.term_signal == 15,
       "killed by something else within its time: 0, too");
    is_int(qemu_spawn_sync(ARGS(SELF, "exit", "1"), NULL, -7, NULL, NULL), 0, "any negative time is for ever");

    errno = 0;
    status.exit_code = 99;
    result = qemu_spawn_sync(ARGS("/nowhere"), OPTIONS(.failed_step = &step), -1, &status, &err);
    ok(result == -1 && errno == ENOENT, "what cannot be started: -1 and errno");
    is_int(step, QEMU_SPAWN_STEP_EXEC, "the step");
    is_int(status.exit_code, 99, "the status is not touched");
    ok(err && strncmp(error_get_pretty(err), "cannot execute '/nowhere': ", 27) == 0, "the error");
    error_free(err);

    kills(0, "at once");
    kills(20, "after a while");
    return done();
}
