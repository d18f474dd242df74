/*
 * kill() reaches another process.
 *
 * A process id is free once the child has been reaped, and the system gives it to another process. Usually
 * that takes a while; here it is done at once, which needs root.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "trap.h"

static const char *const program[] = {"/bin/cat", NULL};
static int parents_end[2]; /* a pipe that is at its end when the parent is */

static void live_until_killed(void)
{
    char byte;

    close(parents_end[1]);
    _exit((int)read(parents_end[0], &byte, 1));
}

/* A new process with this id, which lives until it is killed. */
static pid_t stranger(pid_t id)
{
    struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&id, .set_tid_size = 1};
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

    if (pid == 0) {
        live_until_killed();
    }
    if (pid < 0) {
        cannot_show(errno == EEXIST ? "another process has got the id already"
                                    : "only root may choose a process id, and only with clone3()");
    }
    return pid;
}

/* Reaps the child without its owner's knowledge. The owner calls send_sigterm. Returns whether another process ends. */
static bool stranger_dies(pid_t pid, bool (*send_sigterm)(pid_t, QemuProcess *), QemuProcess *process)
{
    int status;

    kill(pid, SIGKILL);
    wait(NULL);
    stranger(pid);
    if (!send_sigterm(pid, process)) {
        printf("there is no process to get it\n");
        kill(pid, SIGKILL);
    }
    status = wait_status(pid);
    if (WTERMSIG(status) == SIGTERM) {
        printf("a stranger has got it\n");
    }
    return WTERMSIG(status) == SIGTERM;
}

static bool by_kill(pid_t pid, QemuProcess *process)
{
    (void)process;
    printf("kill(): ");
    return kill(pid, SIGTERM) == 0;
}

static bool by_handle(pid_t pid, QemuProcess *process)
{
    (void)pid;
    printf("qemu_process_kill(): ");
    return qemu_process_kill(process, SIGTERM, NULL);
}

int main(void)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_PIPE_STDIN};
    QemuProcess *process;
    bool trapped, safe;
    pid_t pid;

    if (pipe2(parents_end, O_CLOEXEC) != 0) {
        abort();
    }
    pid = fork();
    if (pid == 0) {
        live_until_killed();
    }
    trapped = stranger_dies(pid, by_kill, NULL);
    process = qemu_spawn(program, &options, &error_fatal);
    safe = !stranger_dies(qemu_process_pid(process), by_handle, process);
    qemu_process_free(process);
    return outcome(trapped, safe);
}
