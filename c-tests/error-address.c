/*
 * &error_abort and &error_fatal are compared by address. So each must have one address in the program, its static data,
 * the library, and a module that is opened later. argv[1] is the module's path.
 *
 * SPDX-License-Identifier: MIT
 */
#include <dlfcn.h>

#include <qemu-fork.h>

#include "child.h"
#include "interpose-fork.h"
#include "modules/error-module.h"
#include "unexpected.h"

static Error **const static_abort = &error_abort;
static Error **static_fatal = &error_fatal;

static const struct error_module *module;

static void program_fails(void *arg)
{
    error_setg((Error **)arg, "from the program");
}

static void fork_fails(void *arg)
{
    interposed_fork.error = EAGAIN;
    qemu_fork((Error **)arg);
}

static void module_fails(void *arg)
{
    module->fail((Error **)arg);
}

static void module_fails_at(void *arg)
{
    module->fail_at(*(int *)arg);
}

static void check_abort(void (*function)(void *), void *arg, const char *name, const char *text, const char *what)
{
    struct ending ending = run_child(function, arg);

    dies_of(&ending, SIGABRT, what);
    is_unexpected(ending.text, name, NULL, 0, text, "stderr says that it was unexpected");
}

static void check_fatal(void (*function)(void *), void *arg, const char *text, const char *what)
{
    struct ending ending = run_child(function, arg);

    exits_with(&ending, 1, what);
    is_str(ending.text, text, "stderr is the message");
}

int main(int argc, char **argv)
{
    const struct error_module *(*open_module)(void);
    Error *err = NULL;
    int which;
    void *handle, *function;

    (void)argc;
    handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        printf("# %s\n", dlerror());
        bail("dlopen");
    }
    function = dlsym(handle, "error_module");
    if (!function) {
        bail("dlsym");
    }
    memcpy(&open_module, &function, sizeof(function));
    module = open_module();

    ok(&error_abort != &error_fatal, "&error_abort and &error_fatal differ");
    ok(static_abort == &error_abort, "&error_abort in the program's static data");
    ok(static_fatal == &error_fatal, "&error_fatal in the program's static data");
    ok(module->abort_address == &error_abort, "&error_abort in the module's code");
    ok(module->fatal_address == &error_fatal, "&error_fatal in the module's code");
    ok(*module->static_abort == &error_abort, "&error_abort in the module's static data");
    ok(*module->static_fatal == &error_fatal, "&error_fatal in the module's static data");

    check_abort(program_fails, &error_abort, "program_fails", "from the program\n", "the program's error_setg()");
    check_fatal(program_fails, &error_fatal, "from the program\n", "the program's error_setg()");
    check_abort(fork_fails, static_abort, "qemu_fork",
                "cannot fork child process: Resource temporarily unavailable\n", "qemu_fork() with static data");
    check_fatal(fork_fails, static_fatal, "cannot fork child process: Resource temporarily unavailable\n",
                "qemu_fork() with static data");
    check_abort(module_fails, &error_abort, "fail", "from the module\n", "the module with the program's address");
    check_fatal(module_fails, &error_fatal, "from the module\n", "the module with the program's address");
    which = 0;
    check_abort(module_fails_at, &which, "fail", "from the module\n", "the module with its own address");
    which = 1;
    check_fatal(module_fails_at, &which, "from the module\n", "the module with its own address");

    module->fail(&err);
    is_str(err ? error_get_pretty(err) : NULL, "from the module", "a module's Error can be used here");
    error_free(err);
    ok(error_abort == NULL && error_fatal == NULL, "both are still NULL");
    ok(*static_abort == NULL && **module->static_fatal == NULL, "seen through the other addresses, too");
    is_int(dlclose(handle), 0, "the module can be closed");
    return done();
}
