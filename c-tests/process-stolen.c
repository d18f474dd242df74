/*
 * Another part of the program reaps the child: by waitpid(-1), by ignoring SIGCHLD, by SA_NOCLDWAIT. Linux 6.15 and
 * newer still know the status; otherwise it is unknown. No wait is endless, and none fails.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/utsname.h>

#include "older-kernel.h"

enum { CHILDREN = 40 };

/* Whether there is a descriptor of a child; and whether the kernel keeps for it the status of one that was reaped. */
static bool has_pidfd, is_kept;

static bool kernel_is_at_least(int major, int minor)
{
    struct utsname name;
    int is_major, is_minor;

    return uname(&name) == 0 && sscanf(name.release, "%d.%d", &is_major, &is_minor) == 2 &&
           (is_major > major || (is_major == major && is_minor >= minor));
}

/* A distribution may have ported it to an older kernel, and an emulator may not pass it on. */
static bool is_right(int got, int real)
{
    return (has_pidfd && got == real) || (!is_kept && got == UNKNOWN_END);
}

static const char *what_is_right(void)
{
    return is_kept ? "the real status" : has_pidfd ? "the real status, or unknown" : "unknown, without a descriptor";
}

static void check(int got, int real, const char *what)
{
    if (!ok(is_right(got, real), "%s: %s", what, what_is_right())) {
        printf("# got %d, wanted %d\n", got, real);
    }
}

/* Makes every call on the handle of a child that is gone. */
static void check_handle(QemuProcess *process, int real, const char *what)
{
    QemuProcessStatus status = {.exit_code = -1};
    Error *err = NULL;
    int first;

    first = wait_ms(process, -1);
    check(first, real, what);
    is_int(wait_ms(process, 0), first, "the same again, at a look");
    is_int(wait_ms(process, 1000), first, "the same again, within a second");
    errno = 0;
    ok(!qemu_process_kill(process, SIGKILL, NULL) && errno == ESRCH, "it cannot be signalled: ESRCH, not ECHILD");
    ok(qemu_process_stop(process, 1000, &status, &err) && !err, "it has been stopped");
    is_int(ending_of(&status), first, "with the same status");
    qemu_process_free(process);
}

static void test_reaped_before(const char *what, const char *how, int real)
{
    QemuProcess *process = must_spawn(ARGS(SELF, what, how), NULL);
    int status;

    if (waitpid(-1, &status, 0) != qemu_process_pid(process)) {
        bail("waitpid");
    }
    check_handle(process, real, "reaped before anybody asked");
}

/* The first call after the theft is a look, and not a wait for ever. */
static void test_looked_at(int64_t timeout_ms)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "9"), NULL);
    int status, got;

    if (waitpid(-1, &status, 0) != qemu_process_pid(process)) {
        bail("waitpid");
    }
    got = wait_ms(process, timeout_ms);
    ok(is_right(got, 9), "asked for %lld ms after the theft: %s", (long long)timeout_ms, what_is_right());
    qemu_process_free(process);
}

/* A thread that takes every child that it can get. */
static bool stop_reaping;
static int reaped;

static void *reap(void *arg)
{
    while (!__atomic_load_n(&stop_reaping, __ATOMIC_SEQ_CST)) {
        if (waitpid(-1, NULL, 0) > 0) {
            reaped++;
        } else {
            sched_yield();
        }
    }
    return arg;
}

static void test_reaper(void)
{
    int wrong = 0, unknown = 0, handles = 0;
    pthread_t thread;

    if (pthread_create(&thread, NULL, reap, NULL) != 0) {
        bail("pthread_create");
    }
    for (int i = 0; i < CHILDREN; i++) {
        char number[16];
        QemuProcess *process;
        int got;

        snprintf(number, sizeof(number), "%d", i);
        process = must_spawn(ARGS(SELF, "exit", number), NULL);
        handles++;
        if (i % 3 == 0) {
            got = wait_ms(process, -1);
        } else if (i % 3 == 1) {
            got = wait_ms(process, 90000);
        } else {
            while ((got = wait_ms(process, 0)) == TIMED_OUT) {
                sched_yield();
            }
        }
        wrong += got != i && !is_right(got, i); /* the thread may have come too late */
        unknown += got == UNKNOWN_END;
        qemu_process_free(process);
    }
    __atomic_store_n(&stop_reaping, true, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    printf("# another thread got %d of %d, %d are unknown\n", reaped, handles, unknown);
    is_int(wrong, 0, "with a thread that reaps everything, no status is wrong");
}

static void test_ignored(const char *what)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "11"), NULL);

    check_handle(process, 11, what);
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    is_int(wait_ms(process, 0), TIMED_OUT, "a living child is not mistaken for one that was reaped");
    is_int(wait_ms(process, 20), TIMED_OUT, "nor later");
    ok(qemu_process_kill(process, SIGUSR1, NULL), "it can be signalled");
    check_handle(process, KILLED_BY + SIGUSR1, what);
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    ok(qemu_process_stop(process, 90000, NULL, NULL), "it can be stopped");
    check_handle(process, KILLED_BY + SIGTERM, what);
}

static void test_sync_ignored(const char *what)
{
    QemuProcessStatus status = {.exit_code = -1};
    Error *err = NULL;

    is_int(qemu_spawn_sync(ARGS(SELF, "exit", "12"), NULL, -1, &status, &err), 0, "qemu_spawn_sync() succeeds");
    check(ending_of(&status), 12, what);
    is_int(qemu_spawn_sync(ARGS(SELF, "stubborn"), OPTIONS(.flags = QEMU_SPAWN_NULL_STDOUT), 0, &status, NULL), -1,
           "what takes too long is killed");
    is_int(errno, ETIMEDOUT, "ETIMEDOUT, not ECHILD");
}

static void checks(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    QemuProcess *process;

    process = must_spawn(ARGS(SELF, "exit", "0"), NULL);
    has_pidfd = qemu_process_pidfd(process) != -1;
    is_kept = has_pidfd && kernel_is_at_least(6, 15) && !IS_EMULATED;
    end_of(process);
    test_looked_at(0);
    test_looked_at(1000);
    test_reaped_before("exit", "7", 7);
    test_reaped_before("signal", "10", KILLED_BY + 10);
    test_reaper();

    signal(SIGCHLD, SIG_IGN);
    test_ignored("SIGCHLD is ignored");
    test_sync_ignored("SIGCHLD is ignored");
    sigaction(SIGCHLD, &action, NULL);
    test_ignored("SA_NOCLDWAIT");
    test_sync_ignored("SA_NOCLDWAIT");
    signal(SIGCHLD, SIG_DFL);
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    check_here_and_on_older_kernel(checks);
    return done();
}
