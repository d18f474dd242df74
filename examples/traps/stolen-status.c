/*
 * Another part of the program takes the exit status.
 *
 * A library that waits for any child gets ours as well. waitpid() is then ECHILD, and a loop "until it returns the pid"
 * never ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "trap.h"

static const char *const program[] = {"/bin/sh", "-c", "exit 3", NULL};

/* What a careless library does, here at the worst moment. */
static void reap_any_child(void)
{
    while (wait(NULL) < 0 && errno == EINTR) {
    }
}

static bool lost_by_waitpid(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execv(program[0], (char **)program);
        _exit(127);
    }
    reap_any_child();
    if (waitpid(pid, &status, 0) == pid) {
        return false;
    }
    printf("waitpid(): %s\n", strerror(errno));
    return errno == ECHILD;
}

static bool lost_by_handle(void)
{
    QemuProcess *process = qemu_spawn(program, NULL, &error_fatal);
    QemuProcessStatus status;
    bool lost;

    reap_any_child();
    lost = qemu_process_wait(process, -1, &status, &error_fatal) != 1;
    if (status.end == QEMU_PROCESS_UNKNOWN) {
        printf("qemu_process_wait(): it has ended; only Linux 6.15 and newer know how\n");
    } else {
        printf("qemu_process_wait(): exited with status %d\n", status.exit_code);
        lost = lost || status.exit_code != 3;
    }
    qemu_process_free(process);
    return lost;
}

int main(void)
{
    bool trapped = lost_by_waitpid();

    return outcome(trapped, !lost_by_handle());
}
