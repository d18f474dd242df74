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

#include "../peers/qemu-c.h"
#include "../worker/worker.h"

static uint64_t forks(unsigned times, pid_t (*make)(void), bool until_reaped)
{
    uint64_t sum = 0;

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
            sum += (until_reaped ? now() : returned) - begin;
        }
    }
    return sum;
}

static pid_t our_fork(void)
{
    return qemu_fork(NULL);
}

static uint64_t fork_return(unsigned times) { return forks(times, fork, false); }
static uint64_t fork_done(unsigned times) { return forks(times, fork, true); }
static uint64_t qemu_fork_return(unsigned times) { return forks(times, our_fork, false); }
static uint64_t qemu_fork_done(unsigned times) { return forks(times, our_fork, true); }
static uint64_t qemu_c_done(unsigned times) { return forks(times, qemu_c_fork, true); }

/* One rt_sigaction() that resets a signal. */
static uint64_t raw_sigaction(unsigned times)
{
    unsigned long action[5] = {0};
    uint64_t begin = now();

    for (unsigned i = 0; i < times; i++) {
        syscall(SYS_rt_sigaction, SIGUSR1, action, NULL, 8);
    }
    return now() - begin;
}

static const struct probe probes[] = {
    {"fork_return", fork_return}, {"fork_done", fork_done},     {"qemu_fork_return", qemu_fork_return},
    {"qemu_fork_done", qemu_fork_done}, {"qemu_c_done", qemu_c_done}, {"raw_sigaction", raw_sigaction},
};
PROBES(probes)
