/* A module that error-address.c opens: it uses the library on its own account. */
#include "error-module.h"

static Error **const static_abort = &error_abort;
static Error **const static_fatal = &error_fatal;

static void fail(Error **errp)
{
    error_setg(errp, "from the module");
}

static void fail_at(int which)
{
    fail(which == 0 ? &error_abort : &error_fatal);
}

const struct error_module *error_module(void);
const struct error_module *error_module(void)
{
    static struct error_module module;

    module = (struct error_module){&error_abort, &error_fatal, &static_abort, &static_fatal, fail, fail_at};
    return &module;
}
