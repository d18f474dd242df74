/*
 * What the parent and the child find after a fork that succeeds.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>
#include "error-api.h"

#include "tap.h"

enum { BASE = 10 };

static void handler(int signum)
{
    (void)signum;
}

/* The child's verdict: 0, or BASE plus the first signal that is not as it should be, or a number below BASE. */
static int inspect_child(int errno_seen)
{
    sigset_t mask;

    if (errno_seen != ERANGE) {
        return 1;
    }
    if (sigprocmask(SIG_SETMASK, NULL, &mask) != 0) {
        return 2;
    }
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction action;

        if (sig >= 32 && sig < SIGRTMIN) {
            continue; /* libc's own */
        }
        if (sigaction(sig, NULL, &action) != 0 || action.sa_handler != SIG_DFL || action.sa_flags != 0 ||
            sigismember(&mask, sig) != 0) {
            return BASE + sig;
        }
    }
    return 0;
}

static bool same_mask(const sigset_t *a, const sigset_t *b)
{
    for (int sig = 1; sig < NSIG; sig++) {
        if (sigismember(a, sig) != sigismember(b, sig)) {
            return false;
        }
    }
    return true;
}

static void fork_with(const char *what, Error **errp, Error *expected)
{
    sigset_t before, after;
    int status = -1;
    int seen;
    pid_t pid;

    sigprocmask(SIG_SETMASK, NULL, &before);
    errno = ERANGE;
    pid = qemu_fork(errp);
    seen = errno;
    if (pid == 0) {
        _exit(inspect_child(seen));
    }
    printf("# errp is %s\n", what);
    ok(pid > 0, "the parent gets a process id");
    is_int(seen, ERANGE, "errno is what it was");
    ok(!errp || *errp == expected, "*errp is what it was");
    is_int(waitpid(pid, &status, 0), pid, "the child is there to be waited for");
    is_int(status, 0, "the child has errno, default dispositions and an empty mask");
    sigprocmask(SIG_SETMASK, NULL, &after);
    ok(same_mask(&before, &after), "the mask is what it was");
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigset_t blocked;
    Error *none = NULL;
    Error *already = NULL;

    for (int sig = 1; sig < NSIG; sig++) {
        sigaction(sig, &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGRTMAX, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigaddset(&blocked, SIGALRM);
    sigaddset(&blocked, SIGRTMIN + 3);
    sigprocmask(SIG_SETMASK, &blocked, NULL);

    fork_with("NULL", NULL, NULL);
    fork_with("&err", &none, NULL);
    fork_with("&error_abort", &error_abort, NULL);
    fork_with("&error_fatal", &error_fatal, NULL);
    error_setg(&already, "an earlier one");
    fork_with("a pointer to a set Error", &already, already);
    is_str(error_get_pretty(already), "an earlier one", "a set Error is left alone");
    error_free(already);
    return done();
}
