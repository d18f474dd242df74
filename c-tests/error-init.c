/*
 * error_init(): what is printed begins with the program's name, whoever prints it, and with nothing before the call.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>
#include <qemu-fork/error.h>

#include "child.h"
#include "mask.h"
#include "seccomp.h"

static const char *argv0;

static void report(void *arg)
{
    Error *err = NULL;

    (void)arg;
    error_init(argv0);
    error_setg(&err, "message");
    error_append_hint(&err, "Hint.\n");
    error_report_err(err);
}

static void warn(void *arg)
{
    Error *err = NULL;

    (void)arg;
    error_init(argv0);
    error_setg(&err, "message");
    warn_reportf_err(err, "prefix: ");
}

static void fatal(void *arg)
{
    (void)arg;
    error_init(argv0);
    error_setg(&error_fatal, "message");
}

static void abortive(void *arg)
{
    (void)arg;
    error_init(argv0);
    qemu_error_set(&error_abort, "file.c", 3, "function", ERROR_CLASS_GENERIC_ERROR, 0, "message");
}

/* The child of qemu_fork() may not unblock its signals, and says so. */
static void in_child(void *arg)
{
    pid_t pid;

    (void)arg;
    error_init(argv0);
    sigmask_fails_in_child(EPERM);
    pid = qemu_fork(NULL);
    if (pid > 0) {
        wait_for(pid);
    }
}

static void check(void (*function)(void *), const char *name, const char *text)
{
    struct ending ending;

    printf("# %s\n", name);
    ending = run_child(function, NULL);
    is_str(ending.text, text, "stderr is exactly this");
}

static void check_all(const char *name, const char *prefix)
{
    char text[256];

    argv0 = name;
    snprintf(text, sizeof(text), "%smessage\nHint.\n", prefix);
    check(report, "error_report_err()", text);
    snprintf(text, sizeof(text), "%swarning: prefix: message\n", prefix);
    check(warn, "warn_reportf_err()", text);
    snprintf(text, sizeof(text), "%smessage\n", prefix);
    check(fatal, "&error_fatal", text);
    snprintf(text, sizeof(text), "Unexpected error in function() at file.c:3:\n%smessage\n", prefix);
    check(abortive, "&error_abort", text);
    if (why_no_seccomp()) {
        skip("a child of qemu_fork()", why_no_seccomp());
        return;
    }
    snprintf(text, sizeof(text), "%scannot unblock signals: %s\n", prefix, strerror(EPERM));
    check(in_child, "a child of qemu_fork()", text);
}

int main(void)
{
    check_all("tool", "tool: ");
    check_all("/usr/bin/tool", "tool: ");
    check_all("./a b/tool-1", "tool-1: ");
    check_all("folder/", ": ");
    check_all("", ": ");
    check_all(NULL, "");
    return done();
}
