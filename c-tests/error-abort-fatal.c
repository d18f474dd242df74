/*
 * Reaching &error_abort and &error_fatal by each of the functions that set an Error.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork/error.h>

#include "child.h"
#include "unexpected.h"

static int line; /* shared through fork: the parent finds out by calling with &err */

#define HERE(statement) (line = __LINE__, statement)

static void setg(void *arg)
{
    HERE(error_setg((Error **)arg, "message %d", 1));
}

static void setg_errno(void *arg)
{
    HERE(error_setg_errno((Error **)arg, EINVAL, "message %d", 2));
}

static void set(void *arg)
{
    HERE(error_set((Error **)arg, ERROR_CLASS_DEVICE_NOT_FOUND, "message %d", 3));
}

static void file_open(void *arg)
{
    HERE(error_setg_file_open((Error **)arg, ENOENT, "name"));
}

static void check(void (*function)(void *), const char *name, const char *text)
{
    struct ending ending;
    Error *err = NULL;

    function(&err); /* sets `line` */
    error_free(err);
    ending = run_child(function, &error_abort);
    dies_of(&ending, SIGABRT, name);
    is_int(ending.atexit_runs, 0, "no atexit handler runs");
    is_unexpected(ending.text, name, __FILE__, line, text, "stderr tells where the error was set");
    ending = run_child(function, &error_fatal);
    exits_with(&ending, 1, name);
    is_int(ending.atexit_runs, 1, "atexit handlers run");
    is_str(ending.text, text, "stderr is the message");
}

static void setg_big(void *arg)
{
    error_setg_internal((Error **)arg, "dir/file.c", 2147483647, "function", "%s", "message");
}

int main(void)
{
    struct ending ending;

    check(setg, "setg", "message 1\n");
    check(setg_errno, "setg_errno", "message 2: Invalid argument\n");
    check(set, "set", "message 3\n");
    check(file_open, "file_open", "Could not open 'name': No such file or directory\n");
    ending = run_child(setg_big, &error_abort);
    is_unexpected(ending.text, "function", "dir/file.c", 2147483647, "message\n", "the largest line number");
    ok(error_abort == NULL && error_fatal == NULL, "both are still NULL");
    return done();
}
