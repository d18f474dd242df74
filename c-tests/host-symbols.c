/*
 * Host mode: the library defines no error_*() of its own. This program defines all of QEMU's, so it could not be linked
 * if the static library had one, too. argv[1] is the shared library, in which the names are looked up.
 *
 * SPDX-License-Identifier: MIT
 */
#include <dlfcn.h>

#include <qemu-fork.h>

#include "host-error.h"
#include "tap.h"

/* The functions that host-error.c lacks. Only the names matter, not the types. */
#define NAMES(X)                                                                                                  \
    X(error_append_hint) X(error_copy) X(error_free_or_abort) X(error_init) X(error_prepend) X(error_propagate)   \
    X(error_propagate_prepend) X(error_report_err) X(error_reportf_err) X(error_set_internal)                     \
    X(error_setg_file_open_internal) X(error_vprepend) X(warn_report_err) X(warn_reportf_err)                     \
    X(qemu_error_set) X(qemu_error_prepend) X(qemu_error_append_hint)

#define DEFINE(name) void name(void); void name(void) {}
#define LIST(name) #name,

NAMES(DEFINE)

static const char *const names[] = {
    NAMES(LIST) "error_abort", "error_fatal", "error_free", "error_get_class", "error_get_pretty",
    "error_setg_internal", "error_setg_errno_internal",
};

int main(int argc, char **argv)
{
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);

    (void)argc;
    if (!library) {
        printf("# %s\n", dlerror());
        bail("dlopen");
    }
    ok(dlsym(library, "qemu_fork") != NULL, "the shared library has qemu_fork");
    ok(qemu_fork_version() != NULL, "the library is linked");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        ok(dlsym(library, names[i]) == NULL, "it has no %s", names[i]);
    }
    dlclose(library);
    return done();
}
