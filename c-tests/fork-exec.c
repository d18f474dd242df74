/*
 * The purpose of qemu_fork(): a program that the child executes starts with no signal blocked, ignored or pending,
 * whatever its parent has done with them. The program is this one, with an argument.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>

#include "child.h"
#include "mask.h"

static void handler(int signum)
{
    (void)signum;
}

/* 0, or which of the sets is not empty. glibc up to 2.39 may leave its own two ignored, through posix_spawn(). */
static int inspect(void)
{
    static const char *const fields[] = {"SigBlk", "SigIgn", "SigPnd", "ShdPnd"};

    for (int i = 0; i < 4; i++) {
        if (status_set("/proc/self/status", fields[i]) & ~LIBC_SIGNALS) {
            return 1 + i;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    sigset_t all;
    int status;
    pid_t pid;

    if (argc > 1) {
        return inspect();
    }
    for (int sig = 1; sig < NSIG; sig++) {
        signal(sig, sig % 2 ? SIG_IGN : handler); /* it refuses some */
    }
    signal(SIGCHLD, handler); /* if it were ignored, there would be no child to wait for */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    kill(getpid(), SIGUSR2);
    pid = qemu_fork(NULL);
    if (pid == 0) {
        execl("/proc/self/exe", argv[0], "inspect", (char *)NULL);
        _exit(errno == ENOEXEC ? FOREIGN : 127);
    }
    ok(pid > 0, "the parent gets a process id");
    status = wait_for(pid);
    if (status == FOREIGN << 8) {
        skip("the program that the child executes", "the system does not run programs of this processor by itself");
        return done();
    }
    is_int(status, 0, "no signal is blocked, ignored or pending in the program");
    return done();
}
