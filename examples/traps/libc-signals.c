/*
 * posix_spawn() leaves two signals ignored.
 *
 * When it is asked to reset all signals, glibc (for example 2.36) makes the program ignore 32 and 33, which its threads
 * use. The programs that it starts inherit this.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include "trap.h"

extern char **environ;

static const char *const program[] = {"/bin/cat", "/proc/self/status", NULL};

/* Reads what the program prints: the set of signals that it ignores, as the kernel has it. */
static unsigned long long ignored(int fd)
{
    unsigned long long set = ~0ULL;
    FILE *file = fdopen(fd, "r");
    char line[256];

    while (file && fgets(line, sizeof(line), file)) {
        sscanf(line, "SigIgn: %llx", &set);
    }
    fclose(file);
    return set;
}

static unsigned long long ignored_by_posix_spawn(void)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    unsigned long long set;
    int pipe_ends[2];
    sigset_t all;
    pid_t pid;

    if (pipe(pipe_ends) != 0) {
        abort();
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (posix_spawn(&pid, program[0], &actions, &attributes, (char **)program, environ) != 0) {
        abort();
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    set = ignored(pipe_ends[0]);
    wait_status(pid);
    printf("posix_spawn(), all signals to be reset: ignored are %016llx\n", set);
    return set;
}

static unsigned long long ignored_by_qemu_spawn(void)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_PIPE_STDOUT};
    QemuProcess *process = qemu_spawn(program, &options, &error_fatal);
    unsigned long long set = ignored(qemu_process_take_fd(process, 1));

    qemu_process_wait(process, -1, NULL, &error_fatal);
    qemu_process_free(process);
    printf("qemu_spawn(): ignored are %016llx\n", set);
    return set;
}

int main(void)
{
    unsigned long long by_libc = ignored_by_posix_spawn();
    bool safe = ignored_by_qemu_spawn() == 0;

    if (by_libc == 0 && safe) {
        cannot_show("this libc's posix_spawn() resets all signals");
    }
    return outcome(by_libc == 3ULL << 31, safe);
}
