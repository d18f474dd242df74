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

static const char *const argv_true[] __attribute__((__unused__)) = {"/bin/true", NULL};

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

#endif /* PROOF_SPAWN_LIBRARY_H */
