/*
 * A program that is not linked with the shared library opens it with dlopen(), uses it and closes it. argv[1] is the
 * path of the library.
 *
 * SPDX-License-Identifier: MIT
 */
#include <dlfcn.h>

#include <sys/types.h>

#include "child.h"

typedef struct Error Error;

#ifdef HOST_ERROR_API
/* In host mode the library needs these functions from the program. Nothing fails here, so they are not called. */
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

static void find(void *handle, const char *name, void *function)
{
    void *found = dlsym(handle, name);

    if (!ok(found != NULL, "%s is there", name)) {
        exit(done());
    }
    memcpy(function, &found, sizeof(found));
}

static void *open_it(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!ok(handle != NULL, "the library opens with RTLD_NOW | RTLD_LOCAL")) {
        printf("# %s\n", dlerror());
        exit(done());
    }
    return handle;
}

static void use_it(void *handle)
{
    const char *(*version)(void);
    pid_t (*qemu_fork)(Error **);
    pid_t pid;

    find(handle, "qemu_fork", &qemu_fork);
    find(handle, "qemu_fork_version", &version);
    ok(version()[0] != '\0', "it is version %s", version());
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(7);
    }
    ok(pid > 0, "qemu_fork() makes a child");
    is_int(wait_for(pid), 7 << 8, "the child ends with its own status");
    ok(dlsym(RTLD_DEFAULT, "qemu_fork") == NULL, "its symbols are not global");
}

int main(int argc, char **argv)
{
    void *handle;

    (void)argc;
    ok(dlsym(RTLD_DEFAULT, "qemu_fork") == NULL, "the program is not linked with the library");
    for (int i = 0; i < 3; i++) {
        handle = open_it(argv[1]);
        use_it(handle);
        is_int(dlclose(handle), 0, "dlclose() succeeds");
        /* The library is never unloaded, because its helper thread may be running. */
        ok(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != NULL, "the library stays in memory");
    }
    return done();
}
