/*
 * The child's signals. By default all 64 have their default disposition and none is blocked, libc's own 32 and 33
 * included. With QEMU_SPAWN_SIGNALS_INHERIT they are as after plain fork() and exec. Two lists change single signals.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <semaphore.h>

#include "spawn.h"

static sem_t never;

static void handler(int signum)
{
    (void)signum;
}

static void *wait_for_cancel(void *arg)
{
    while (sem_wait(&never) != 0) {
    }
    return arg;
}

/* Cancels a thread, so that libc installs the handlers for its own signals. */
static void use_threads(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, wait_for_cancel, NULL) != 0 || pthread_cancel(thread) != 0 ||
        pthread_join(thread, NULL) != 0) {
        bail("pthread_create");
    }
}

/* signal(signum, SIG_IGN) by the kernel's call: libc refuses its own signals. */
static void ignore_by_kernel(long signum)
{
#ifdef __mips__
    const unsigned long action[16] = {0, 1};
#else
    const unsigned long action[16] = {1};
#endif

    if (syscall(SYS_rt_sigaction, signum, action, NULL, sizeof(uint64_t)) != 0) {
        bail("rt_sigaction");
    }
}

/* Each signal is ignored or has a handler, and all that can be blocked are. For libc's own it takes kernel calls. */
static void spoil_signals(void)
{
    uint64_t all = ~UINT64_C(0);

    ignore_by_kernel(32);
    ignore_by_kernel(33);

    for (int sig = 1; sig < NSIG; sig++) {
        signal(sig, sig % 2 ? SIG_IGN : handler);
    }
    signal(SIGCHLD, handler); /* with SIGCHLD ignored, the kernel would reap the children */
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all)) != 0) {
        bail("rt_sigprocmask");
    }
}

/* Whether the child has this set of ignored signals and this mask. */
static void has(const QemuSpawnOptions *opts, uint64_t ignored, uint64_t blocked, const char *what)
{
    char expected[128];

    snprintf(expected, sizeof(expected), "ignored %016llx blocked %016llx\n", (unsigned long long)ignored,
             (unsigned long long)blocked);
    is_str(output_of(ARGS(SELF, "signals"), opts), expected, what);
}

/* All numbers, SIGKILL and libc's own included. */
static const int *every_signal(void)
{
    static int list[65];

    for (int sig = 1; sig <= 64; sig++) {
        list[sig - 1] = sig;
    }
    return list;
}

int main(int argc, char **argv)
{
    const uint64_t unchangeable = BIT(SIGKILL) | BIT(SIGSTOP) | BIT(32) | BIT(33);
    const uint64_t everything = ~UINT64_C(0);
    uint64_t ignored, blocked;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    if (!proc_tells_masks()) {
        skip_all("/proc shows the signal masks of the emulator, not of the program");
    }
    sem_init(&never, 0, 0);
    use_threads();
    spoil_signals();
    ignored = ignored_signals();
    blocked = status_set("/proc/thread-self/status", "SigBlk");
    ok((ignored & blocked & BIT(32)) && (ignored & blocked & BIT(33)), "the parent ignores and blocks even libc's own");

    has(NULL, 0, 0, "no options: every disposition is the default, and nothing is blocked");
    has(OPTIONS(.signals = QEMU_SPAWN_SIGNALS_DEFAULT), 0, 0, "DEFAULT: the same");
    has(OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT), ignored, blocked, "INHERIT: the ignored and blocked stay so");

    has(OPTIONS(.ignored = (const int[]){SIGPIPE, SIGHUP, 0}), BIT(SIGPIPE) | BIT(SIGHUP), 0,
        "DEFAULT, and two in the list of ignored ones");
    has(OPTIONS(.ignored = every_signal()), everything & ~unchangeable, 0, "the list may have all signals");
    has(OPTIONS(.defaulted = every_signal(), .ignored = (const int[]){SIGPIPE, 0}), BIT(SIGPIPE), 0,
        "a signal that is in both lists is ignored");
    has(OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT, .ignored = (const int[]){SIGUSR2, 0}), ignored | BIT(SIGUSR2),
        blocked, "INHERIT, and one that had a handler is ignored");
    has(OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT, .defaulted = (const int[]){SIGHUP, 0}), ignored & ~BIT(SIGHUP),
        blocked, "INHERIT, and one that was ignored is reset");
    has(OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT, .defaulted = every_signal()), ignored & (BIT(32) | BIT(33)),
        blocked, "INHERIT, and all are reset");
    has(OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT, .ignored = every_signal(), .defaulted = every_signal()),
        (everything & ~unchangeable) | (ignored & (BIT(32) | BIT(33))), blocked, "INHERIT, and all are ignored");

    ok(ignored_signals() == ignored, "the parent's dispositions have not changed");
    ok(status_set("/proc/thread-self/status", "SigBlk") == blocked, "and blocks what it blocked");
    return done();
}
