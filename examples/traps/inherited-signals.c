/*
 * The program inherits what the parent blocks and ignores.
 *
 * A thread that starts helpers has SIGTERM blocked, so that the main thread handles it. A helper that blocks SIGTERM
 * cannot be asked to end, and one that ignores SIGPIPE goes on writing when there is no reader any more.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include "trap.h"

static const char *const script[] = {"/bin/sh", "-c", "kill -s PIPE $$; kill -s TERM $$; exit 7", NULL};

static bool survives_by_fork(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execv(script[0], (char **)script);
        _exit(127);
    }
    status = wait_status(pid);
    printf("fork() and execv(): %s\n", WIFEXITED(status) ? "the program survives SIGPIPE and SIGTERM" : "it dies");
    return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static bool survives_by_spawn(void)
{
    QemuProcessStatus status;

    qemu_spawn_sync(script, NULL, -1, &status, &error_fatal);
    printf("qemu_spawn(): %s\n", status.term_signal == SIGPIPE ? "it dies of the first" : "it survives");
    return status.term_signal != SIGPIPE;
}

int main(void)
{
    bool trapped, safe;
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    trapped = survives_by_fork();
    safe = !survives_by_spawn();
    return outcome(trapped, safe);
}
