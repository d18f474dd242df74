/*
 * Waiting: for a child that has ended, and from the end of a child to the return of the wait.
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "../worker/worker.h"

enum way { WAITPID, BARE, WAIT };

static void wait_by(enum way way, QemuProcess *process, bool lives)
{
    struct pollfd poll_one = {qemu_process_pidfd(process), POLLIN, 0};
    siginfo_t info;
    int status;

    if (way == WAITPID) {
        if (waitpid(qemu_process_pid(process), &status, 0) < 0) {
            die("waitpid");
        }
    } else if (way == BARE) {
        if ((lives && poll(&poll_one, 1, 10000) < 0) ||
            syscall(SYS_waitid, 3 /* P_PIDFD */, poll_one.fd, &info, WEXITED, NULL) < 0) {
            die("waitid");
        }
    } else if (qemu_process_wait(process, 10000, NULL, NULL) != 1) {
        die("qemu_process_wait");
    }
}

static double wait_for_zombies(unsigned times, enum way way)
{
    const char *argv[] = {children.tiny, NULL};
    struct samples samples = {.n = 0};

    for (unsigned i = 0; i <= times; i++) { /* the first one is not counted */
        QemuProcess *process = qemu_spawn(argv, NULL, NULL);
        siginfo_t info;
        uint64_t begin;

        if (!process || waitid(P_PID, (id_t)qemu_process_pid(process), &info, WEXITED | WNOWAIT) != 0) {
            die("a zombie");
        }
        begin = now();
        wait_by(way, process, false);
        if (i > 0) {
            add_sample(&samples, now() - begin);
        }
        qemu_process_free(process);
    }
    return median(&samples);
}

/* The child ends as soon as it has written the time. */
static double from_the_end(unsigned times, enum way way)
{
    static struct mailbox box;
    const char *argv[] = {children.end, box.path, NULL};
    struct samples samples = {.n = 0};

    if (!box.path[0]) {
        box = new_mailbox();
        if (ftruncate(box.fd, sizeof(uint64_t)) < 0) {
            die("ftruncate");
        }
    }
    for (unsigned i = 0; i <= times; i++) {
        QemuProcess *process = qemu_spawn(argv, NULL, NULL);
        uint64_t returned, end;

        if (!process) {
            die("qemu_spawn");
        }
        wait_by(way, process, true);
        returned = now();
        if (pread(box.fd, &end, sizeof(end), 0) != sizeof(end)) {
            die("the child's clock");
        }
        if (i > 0) {
            add_sample(&samples, returned - end);
        }
        qemu_process_free(process);
    }
    return median(&samples);
}

static double zombie_bare(unsigned times) { return wait_for_zombies(times, BARE); }
static double zombie_wait(unsigned times) { return wait_for_zombies(times, WAIT); }
static double end_waitpid(unsigned times) { return from_the_end(times, WAITPID); }
static double end_bare(unsigned times) { return from_the_end(times, BARE); }
static double end_wait(unsigned times) { return from_the_end(times, WAIT); }

static const struct probe probes[] = {
    {"zombie_bare", zombie_bare}, {"zombie_wait", zombie_wait}, {"end_waitpid", end_waitpid},
    {"end_bare", end_bare},       {"end_wait", end_wait},
};
PROBES(probes)
