/*
 * Forks whose child ends at once.
 *
 * SPDX-License-Identifier: MIT
 */
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

static double qemu_fork_return(unsigned times) { return forks(times, our_fork, false); }
static double qemu_fork_done(unsigned times) { return forks(times, our_fork, true); }
static double bare_fork_return(unsigned times) { return forks(times, bare_fork, false); }
static double bare_fork_done(unsigned times) { return forks(times, bare_fork, true); }
static double qemu_c_done(unsigned times) { return forks(times, qemu_c_fork, true); }

static const struct probe probes[] = {
    {"qemu_fork_return", qemu_fork_return}, {"qemu_fork_done", qemu_fork_done},
    {"bare_fork_return", bare_fork_return}, {"bare_fork_done", bare_fork_done},
    {"qemu_c_done", qemu_c_done},
};
PROBES(probes)
