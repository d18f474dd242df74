/*
 * System calls that wait until another process, the supervisor, lets them go on or makes them fail. So a child is held
 * at a known place for as long as the test needs, and nothing depends on time. (Seccomp user notification, Linux 5.5.)
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <sys/ioctl.h>

#include "forced-ways.h"

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1U
#endif
#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U
struct seccomp_notif {
    uint64_t id;
    uint32_t pid, flags;
    struct seccomp_data data;
};
struct seccomp_notif_resp {
    uint64_t id;
    int64_t val;
    int32_t error;
    uint32_t flags;
};
#define SECCOMP_IOCTL_NOTIF_RECV _IOWR('!', 0, struct seccomp_notif)
#define SECCOMP_IOCTL_NOTIF_SEND _IOWR('!', 1, struct seccomp_notif_resp)
#endif

/*
 * From now on these calls, here and in all that this process starts, wait for the supervisor. That is a process forked
 * after this, which reads from the descriptor. -1: this kernel cannot do it.
 */
__attribute__((__unused__)) static int ask_supervisor(const long *numbers, size_t n)
{
    struct sock_filter code[64];
    struct sock_fprog program = {0, code};

    code[program.len++] = LOAD(nr);
    for (size_t i = 0; i < n; i++) {
        code[program.len++] = UNLESS_EQUAL(numbers[i], 1);
        code[program.len++] = ANSWER(SECCOMP_RET_USER_NOTIF);
    }
    code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
    /* Root needs no NO_NEW_PRIVS, which would change what some tests check. */
    if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* The next call that waits. False: no process is left that could make one. */
__attribute__((__unused__)) static bool next_call(int listener, struct seccomp_notif *call)
{
    for (;;) {
        struct pollfd poll_fd = {listener, POLLIN, 0};

        if (poll(&poll_fd, 1, -1) == 1 && !(poll_fd.revents & POLLIN)) {
            return false;
        }
        memset(call, 0, sizeof(*call));
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) == 0) {
            return true;
        }
        if (errno != EINTR && errno != ENOENT) {
            return false;
        }
    }
}

static bool answer(int listener, const struct seccomp_notif *call, int64_t value, int error, unsigned flags)
{
    struct seccomp_notif_resp response = {call->id, value, -error, flags};

    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

/* Lets the call go on. False: the caller has gone meanwhile. */
__attribute__((__unused__)) static bool let_go_on(int listener, const struct seccomp_notif *call)
{
    return answer(listener, call, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

__attribute__((__unused__)) static bool fail_call(int listener, const struct seccomp_notif *call, int error)
{
    return answer(listener, call, 0, error, 0);
}

/*
 * Forks a supervisor, and then lets these calls of this process wait for it. It is forked before the filter is
 * installed, or it would wait for itself. It takes the listener from this process by its number. supervise() must not
 * return.
 */
__attribute__((__unused__)) static pid_t fork_supervisor(const long *numbers, size_t n,
                                                         void (*supervise)(int listener, const void *arg),
                                                         const void *arg)
{
    int listener, ready[2], taken[2];
    pid_t parent = getpid(), supervisor;

    if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(taken, O_CLOEXEC) != 0) {
        _exit(96);
    }
    supervisor = fork();
    if (supervisor == 0) {
        char byte;
        int pidfd = (int)syscall(SYS_pidfd_open, parent, 0);

        listener = read(ready[0], &byte, 1) == 1 ? (int)syscall(438 /* pidfd_getfd */, pidfd, (int)byte, 0) : -1;
        if (listener == -1) {
            kill(parent, SIGKILL);
            _exit(1);
        }
        put_byte(taken[1], 'x');
        supervise(listener, arg);
    }
    listener = ask_supervisor(numbers, n);
    if (listener == -1 || supervisor == -1 || listener > 127) {
        _exit(95);
    }
    put_byte(ready[1], (char)listener);
    get_byte(taken[0]); /* the supervisor has its copy */
    close(listener);
    close(ready[0]);
    close(ready[1]);
    close(taken[0]);
    close(taken[1]);
    return supervisor;
}

/* Why nothing can be supervised here; NULL if it can. */
static const char *why_no_supervisor(void)
{
    static const long number = SYS_getppid;
    pid_t pid = fork();

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        int listener = ask_supervisor(&number, 1);
        struct seccomp_notif call;
        pid_t caller;

        if (listener == -1) {
            _exit(1);
        }
        caller = fork();
        if (caller == 0) {
            _exit(syscall(SYS_getppid) > 0 ? 0 : 1);
        }
        _exit(caller > 0 && next_call(listener, &call) && let_go_on(listener, &call) && wait_for(caller) == 0 ? 0 : 1);
    }
    return wait_for(pid) == 0 ? NULL : "there is no seccomp user notification here that lets calls go on (Linux 5.5)";
}

__attribute__((__unused__)) static void need_supervisor(void)
{
    const char *why;

    need_forced_ways();
    why = why_no_supervisor();
    if (why) {
        skip_all(why);
    }
}

#endif /* SUPERVISOR_H */
