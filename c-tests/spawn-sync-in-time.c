/*
 * A program that ends by itself at the very moment at which its time is up: qemu_spawn_sync() succeeds, and does not say
 * that it was killed. A seccomp supervisor makes that moment: when the library kills the program, the call waits until
 * the program has ended by itself.
 *
 * SPDX-License-Identifier: MIT
 */
#include "supervisor.h"
#include "watched.h"

static struct {
    pid_t parent;
    bool started;
    bool held; /* the library wanted to kill the program, and found it ended */
} *shared;

/* The end of the pipe that keeps the program alive. Only the supervisor has it. */
static int leash;

/* Waits until a child of the parent is a zombie. */
static void await_zombie(void)
{
    pid_t list[8];
    int n;

    do {
        yield_a_moment();
        n = children_of(shared->parent, list, 8);
        for (int i = 0; i < n; i++) {
            if (list[i] != getpid() && stat_of(list[i]).state == 'Z') {
                return;
            }
        }
    } while (n > 1); /* beside this process */
}

static void supervise(int listener, const void *arg)
{
    struct seccomp_notif call;

    (void)arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (next_call(listener, &call)) {
        if ((pid_t)call.pid == shared->parent && leash != -1) {
            close(leash);
            leash = -1;
            await_zombie();
            shared->held = true;
        }
        let_go_on(listener, &call);
    }
    _exit(0);
}

static void run_in_time(void *arg)
{
    static const long numbers[] = {SYS_kill, SYS_pidfd_send_signal};
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;
    QemuProcessStatus status = {.exit_code = -1};
    Error *err = NULL;
    int fds[2], result;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        _exit(96);
    }
    leash = fds[1];
    shared->parent = getpid();
    fork_supervisor(numbers, 2, supervise, NULL);
    close(fds[1]);
    result = qemu_spawn_sync(
        ARGS(SELF, "line", "x"),
        OPTIONS(.failed_step = &step, .fds = &(QemuSpawnFd){fds[0], STDIN_FILENO}, .n_fds = 1), *(int64_t *)arg,
        &status, &err);
    shared->started = step == QEMU_SPAWN_STEP_NONE;
    tell("%d, %d: %s\n", result, ending_of(&status), err ? error_get_pretty(err) : "");
    error_free(err);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_supervisor();
    shared = shared_memory(sizeof(*shared));
    /* On a slow machine the time may be up before the program is executed. */
    for (int64_t ms = 50; ms < 60000 && !shared->started; ms *= 2) {
        memset(shared, 0, sizeof(*shared));
        run_watched(run_in_time, &ms, "a program that ends when its time is up");
    }
    ok(shared->held, "it had ended when it was to be killed");
    is_str(watched->words, "0, 1: \n", "its own status counts");
    return done();
}
