/*
 * posix_spawn(): in its usual form, and with every signal reset.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "../worker/worker.h"
#include "read.h"
#include "reap.h"

static bool plain_start(struct child *child, const char *const argv[])
{
    errno = posix_spawn(&child->pid, argv[0], NULL, NULL, (char *const *)argv, environ);
    return errno == 0;
}

static bool spawn_clean(struct child *child, const posix_spawn_file_actions_t *actions, const char *const argv[])
{
    posix_spawnattr_t attributes;
    sigset_t all, none;

    posix_spawnattr_init(&attributes);
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    errno = posix_spawn(&child->pid, argv[0], actions, &attributes, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attributes);
    return errno == 0;
}

static bool clean_start(struct child *child, const char *const argv[])
{
    return spawn_clean(child, NULL, argv);
}

static size_t clean_capture(const char *const argv[], char *buffer, size_t size)
{
    posix_spawn_file_actions_t actions;
    struct child child;
    bool started;
    size_t length;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return 0;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    started = spawn_clean(&child, &actions, argv);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    length = read_to_end(ends[0], buffer, size);
    return started && reap(&child) == 0 ? length : 0;
}

static const struct peer spawns[] = {
    {"posix_spawn", plain_start, reap, NULL},
    {"posix_spawn_clean", clean_start, reap, clean_capture},
};
PEERS(spawns)
