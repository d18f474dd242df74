/*
 * A program with a qemu_fork() from a library of its own, for preload.c. Its exit status tells whose it was: 2, its
 * own; 7, one that forks and resets SIGUSR1 in the child; 3, something else.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>

#ifdef HOST_ERROR_API
void error_setg_errno_internal(Error **errp, const char *src, int line, const char *func, int os_errno,
                               const char *fmt, ...);
void error_setg_errno_internal(Error **errp, const char *src, int line, const char *func, int os_errno,
                               const char *fmt, ...)
{
    (void)errp, (void)src, (void)line, (void)func, (void)os_errno, (void)fmt;
    abort();
}

const char *error_get_pretty(const Error *err);
const char *error_get_pretty(const Error *err)
{
    (void)err;
    abort();
}
#endif

int main(void)
{
    struct sigaction action;
    int status;
    pid_t pid;

    signal(SIGUSR1, SIG_IGN);
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL ? 7 : 3);
    }
    if (pid == -2) {
        return 2;
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}
