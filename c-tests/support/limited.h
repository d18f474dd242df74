/*
 * Spawns with a limit of time, and what is left after them. Every byte that the program allocates is counted, so
 * include this before all other headers, and call need_own_malloc() first.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LIMITED_H
#define LIMITED_H

#include "interpose-malloc.h"

#include "handle.h"

enum { NO_LIMIT_MS = 1000000 };

/* What is asked of qemu_spawn_sync(), and its answer. */
struct spawning {
    const char *program;
    const char *what; /* NULL: it ends with 0 */
    const char *argv[4]; /* a child that goes on in spite of all finds them as they were */
    uint64_t flags;
    int death_signal;
    int64_t limit_ms;
    int result, error;
    QemuSpawnStep step;
    char message[256];
};

__attribute__((__unused__)) static void *spawn_and_wait(void *arg)
{
    struct spawning *spawning = arg;
    QemuSpawnOptions *opts = OPTIONS(.flags = spawning->flags, .death_signal = spawning->death_signal,
                                     .failed_step = &spawning->step);
    Error *err = NULL;

    spawning->argv[0] = spawning->program;
    spawning->argv[1] = spawning->what ? spawning->what : "exit";
    spawning->argv[2] = "0";
    spawning->step = (QemuSpawnStep)-1;
    spawning->result = qemu_spawn_sync(spawning->argv, opts, spawning->limit_ms, NULL, &err);
    spawning->error = errno;
    snprintf(spawning->message, sizeof(spawning->message), "%s", err ? error_get_pretty(err) : "");
    error_free(err);
    return NULL;
}

/*
 * Every call of the library reaps the children that have ended since, and frees what was lent to them; even a call that
 * makes no sense. One that makes a child could leave that one.
 */
__attribute__((__unused__)) static void let_library_clean_up(void)
{
    while (count_threads() > 1) {
        yield_a_moment();
    }
    qemu_spawn(NULL, NULL, NULL);
}

__attribute__((__unused__)) static void until_nothing_is_left(void)
{
    while (has_child()) {
        qemu_spawn(NULL, NULL, NULL);
        yield_a_moment();
    }
    let_library_clean_up();
}

#endif /* LIMITED_H */
