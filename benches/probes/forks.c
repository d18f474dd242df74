/*
 * Forks whose child ends at once, and the unit in which the child's work is counted.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "../bare/bare.h"
#include "../worker/worker.h"

static double forks(unsigned times, pid_t (*make)(void), bool until_reaped)
{
    struct samples samples = {.n = 0};

    for (unsigned i = 0; i <= times; i++) { /* the first one is not counted */
        uint64_t begin = now(), returned;
        pid_t pid = make();
        int status;

        if (pid == 0) {
            _exit(0);
        }
        returned = now();
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            die("fork");
        }
        if (i > 0) {
            add_sample(&samples, (until_reaped ? now() : returned) - begin);
        }
    }
    return median(&samples);
}

static pid_t our_fork(void)
{
    return qemu_fork(NULL);
}

static double fork_return(unsigned times) { return forks(times, fork, false); }
static double fork_done(unsigned times) { return forks(times, fork, true); }
static double qemu_fork_return(unsigned times) { return forks(times, our_fork, false); }
static double qemu_fork_done(unsigned times) { return forks(times, our_fork, true); }
static double bare_fork_return(unsigned times) { return forks(times, bare_fork, false); }
static double bare_fork_done(unsigned times) { return forks(times, bare_fork, true); }
static double qemu_c_done(unsigned times) { return forks(times, qemu_c_fork, true); }

/* One rt_sigaction() that resets a signal. */
static double raw_sigaction(unsigned times)
{
    struct samples samples = {.n = 0};
    unsigned long action[5] = {0};

    for (unsigned i = 0; i < times; i++) {
        uint64_t begin = now();

        for (int n = 0; n < 100; n++) {
            syscall(SYS_rt_sigaction, SIGUSR1, action, NULL, 8);
        }
        add_sample(&samples, now() - begin);
    }
    return median(&samples) / 100;
}

static const struct probe probes[] = {
    {"fork_return", fork_return},           {"fork_done", fork_done},
    {"qemu_fork_return", qemu_fork_return}, {"qemu_fork_done", qemu_fork_done},
    {"bare_fork_return", bare_fork_return}, {"bare_fork_done", bare_fork_done},
    {"qemu_c_done", qemu_c_done},           {"raw_sigaction", raw_sigaction},
};
PROBES(probes)
