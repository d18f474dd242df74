/*
 * The control in C: it does what qemu_fork() of QEMU 2.5 to 7.2 does, in code of our own. It blocks all signals, forks,
 * restores the mask in the parent, and in the child resets each disposition by sigaction() and then empties the mask.
 *
 * It has QEMU's known differences from this library. errno in the child is EINVAL, left over from the signals that
 * cannot be reset. If pthread_sigmask() fails, errno is taken for the reason, although that function does not set it.
 * With -DCONTROL_AMENDED it does not have these differences. Then every dynamic part must pass it, because the parts
 * judge what a library does, not which library it is.
 *
 * It has no Error API, so experiments that need one are left out.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

pid_t qemu_fork(void **errp);

static void complain(const char *what, const char *why)
{
    char line[160];
    size_t n = strlen(what);

    memcpy(line, what, n);
    for (; *why && n < sizeof(line) - 1; why++) {
        line[n++] = *why;
    }
    line[n++] = '\n';
    if (write(2, line, n) < 0) {
        return;
    }
}

pid_t qemu_fork(void **errp)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    int saved_errno = errno;
    sigset_t all, none, before;
    int failure;
    pid_t pid;

    (void)errp;
    sigfillset(&all);
    failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failure != 0) {
#ifdef CONTROL_AMENDED
        errno = failure;
#endif
        return -1;
    }
    pid = fork();
    if (pid != 0) {
        int fork_errno = errno;

        pthread_sigmask(SIG_SETMASK, &before, NULL);
        errno = pid < 0 ? fork_errno : saved_errno;
        return pid;
    }
    for (int sig = 1; sig < NSIG; sig++) {
        sigaction(sig, &standard, NULL);
    }
    sigemptyset(&none);
    failure = pthread_sigmask(SIG_SETMASK, &none, NULL);
    if (failure != 0) {
#ifdef CONTROL_AMENDED
        errno = failure;
#endif
        complain("cannot unblock signals: ", strerror(errno));
        _exit(1);
    }
#ifdef CONTROL_AMENDED
    errno = saved_errno;
#endif
    return 0;
}
