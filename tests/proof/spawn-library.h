/*
 * The functions of the library under test that the parts for qemu_spawn() call.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SPAWN_LIBRARY_H
#define PROOF_SPAWN_LIBRARY_H

#include "common.h"

#include "qemu-fork.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>

static const char *const argv_true[] __attribute__((__unused__)) = {"/bin/true", NULL};
static const char *const argv_name[] __attribute__((__unused__)) = {"true", NULL}; /* to be searched for */

static struct {
    QemuProcess *(*spawn)(const char *const *argv, const struct QemuSpawnOptions *opts, Error **errp);
    int (*sync)(const char *const *argv, const struct QemuSpawnOptions *opts, int64_t timeout_ms,
                struct QemuProcessStatus *status, Error **errp);
    int (*wait)(const QemuProcess *proc, int64_t timeout_ms, struct QemuProcessStatus *status, Error **errp);
    void (*free)(QemuProcess *proc);
    int (*pidfd)(const QemuProcess *proc);
    int (*take_fd)(QemuProcess *proc, int child_fd);
} lib;

static inline void need_spawn(void)
{
    lib.spawn = dlsym(library.handle, "qemu_spawn");
    lib.sync = dlsym(library.handle, "qemu_spawn_sync");
    lib.wait = dlsym(library.handle, "qemu_process_wait");
    lib.free = dlsym(library.handle, "qemu_process_free");
    lib.pidfd = dlsym(library.handle, "qemu_process_pidfd");
    lib.take_fd = dlsym(library.handle, "qemu_process_take_fd");
    if (!lib.spawn || !lib.sync || !lib.wait || !lib.free || !lib.pidfd || !lib.take_fd) {
        skip("%s does not export qemu_spawn", library.path);
    }
}

/* Whether this process has a child that has ended and was not reaped. */
static inline bool has_child(void)
{
    siginfo_t information;

    return waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/*
 * A failed child or a trial child that has not ended yet is reaped by a later call. What was lent to a child is freed
 * then, too; @always makes one later call at least.
 */
static inline void call_later(bool always)
{
    enum { LATER_CALLS = 20 };

    for (int i = 0; i < LATER_CALLS && (has_child() || (always && i == 0)); i++) {
        QemuProcess *process = lib.spawn(argv_true, NULL, NULL);

        if (process) {
            lib.wait(process, -1, NULL, NULL);
            lib.free(process);
        }
    }
}

#endif /* PROOF_SPAWN_LIBRARY_H */
