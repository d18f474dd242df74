/*
 * After a failed exec the child looks for the reason. A filter that kills it there does not hide the errno of the exec:
 * only the reason is missing in the text.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forced-ways.h"
#include "watched.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* From now on the first call of a look ends its process. */
static bool kill_looks(void)
{
    struct sock_filter code[] = {
        LOAD(nr),
        UNLESS_EQUAL(SYS_openat2, 1),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Whether a look ends its process. */
static bool looks_are_killed(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        syscall(SYS_openat2, -1, NULL, NULL, (size_t)0);
        _exit(0);
    }
    status = wait_for(pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void spawn_without_looks(void *arg)
{
    const struct forced_way *way = arg;
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;

    force_way(way);
    if (!kill_looks() || !looks_are_killed()) {
        tell("no filter\n");
    }
    spawn(ARGS("/nowhere/at/all"), NULL);
    tell("%d, step %d: %s\n", told.error, (int)told.step, told.message);
    progress();
    spawn(ARGS("surely-not-in-the-path"), OPTIONS(.flags = QEMU_SPAWN_SEARCH_PATH));
    tell("%d, step %d: %s\n", told.error, (int)told.step, told.message);
    progress();
    errno = 0;
    tell("%d", qemu_spawn_sync(ARGS("/"), OPTIONS(.failed_step = &step), 90000, NULL, NULL));
    tell(", %d, step %d\n", errno, (int)step);
    tell("%s", child_is_left() ? "a child is left\n" : "");
}

int main(int argc, char **argv)
{
    char expected[1024];
    bool survives;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    snprintf(expected, sizeof(expected),
             "%d, step %d: cannot execute '/nowhere/at/all': %s\n"
             "%d, step %d: cannot execute 'surely-not-in-the-path': %s\n-1, %d, step %d\n",
             ENOENT, QEMU_SPAWN_STEP_EXEC, strerror(ENOENT), ENOENT, QEMU_SPAWN_STEP_EXEC, strerror(ENOENT), EACCES,
             QEMU_SPAWN_STEP_EXEC);
    survives = survives_dump();
    for (int i = 0; i < FORCED_WAYS; i++) {
        if (!survives && strcmp(forced_ways[i].name, "fork") != 0) {
            skip(forced_ways[i].name, "before Linux 5.16 what dumps core ends who shares its memory, too");
            continue;
        }
        if (run_watched(spawn_without_looks, (void *)(uintptr_t)&forced_ways[i], forced_ways[i].name)) {
            is_str(watched->words, expected, "the errno of the exec is told, and its step");
        }
    }
    return done();
}
