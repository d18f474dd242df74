/*
 * A thread under SCHED_DEADLINE may not make a process: the kernel says EAGAIN, as it does for a limit on processes.
 * The error names the policy, and not a limit. With SCHED_FLAG_RESET_ON_FORK a spawn works as in any other thread.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sanitizer.h"
#include "watched.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif
#ifndef SYS_sched_setattr
#define SYS_sched_setattr -1
#endif

enum { RESET_ON_FORK = 1, BY_HELPER = 2 };

/* The first version of the kernel's struct sched_attr. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static bool get_deadline(bool reset_on_fork)
{
    struct attributes attributes = {
        .size = sizeof(attributes), .policy = SCHED_DEADLINE, .flags = reset_on_fork,
        .runtime = 30000000, .deadline = 100000000, .period = 100000000,
    };

    return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

static void *spawn_one(void *arg)
{
    int how = *(int *)arg;
    QemuProcess *process;

    if (!get_deadline(how & RESET_ON_FORK)) {
        _exit(97);
    }
    process = spawn(ARGS(SELF, "exit", "3"), OPTIONS(.death_signal = how & BY_HELPER ? SIGTERM : 0));
    progress();
    if (process) {
        tell("ended %d", end_of(process));
    } else {
        tell("errno %d, step %d: %s", told.error, (int)told.step, told.message);
    }
    return NULL;
}

static void spawn_here(void *arg)
{
    spawn_one(arg);
}

static void spawn_in_thread(void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, spawn_one, arg) != 0 || pthread_join(thread, NULL) != 0) {
        _exit(96);
    }
}

static void test(int how, const char *what, const char *words)
{
    if (run_watched(how & BY_HELPER ? spawn_in_thread : spawn_here, &how, what)) {
        is_str(watched->words, words, "what the caller gets");
    }
}

/* Why a thread cannot have a deadline here, if it cannot. */
static const char *why_no_deadline(void)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        _exit(get_deadline(false) ? 0 : 1);
    }
    status = wait_for(pid);
    return status == 0 ? NULL : "no thread may have a deadline here: that needs CAP_SYS_NICE, and all processors";
}

int main(int argc, char **argv)
{
    char text[256];
    const char *why;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (IS_EMULATED || is_under_valgrind()) {
        skip_all("its emulator makes processes of its own");
    }
    why = why_no_deadline();
    if (why) {
        skip_all(why);
    }
    snprintf(text, sizeof(text),
             "errno %d, step %d: cannot start a child process: %s (this thread has the policy SCHED_DEADLINE without "
             "SCHED_FLAG_RESET_ON_FORK)",
             EAGAIN, QEMU_SPAWN_STEP_FORK, strerror(EAGAIN));
    test(0, "a thread with a deadline", text);
    test(RESET_ON_FORK, "and with SCHED_FLAG_RESET_ON_FORK", "ended 3");
    snprintf(text, sizeof(text),
             "errno %d, step %d: cannot make the thread for death signal %d: %s (this thread has the policy "
             "SCHED_DEADLINE without SCHED_FLAG_RESET_ON_FORK)",
             EAGAIN, QEMU_SPAWN_STEP_DEATH_SIGNAL, SIGTERM, strerror(EAGAIN));
    test(BY_HELPER, "a thread with a deadline, and a death signal", text);
    test(BY_HELPER | RESET_ON_FORK, "and with SCHED_FLAG_RESET_ON_FORK", "ended 3");
    return done();
}
