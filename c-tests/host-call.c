/*
 * Host mode: when the program's error_setg_errno_internal() is called, and with which arguments. errp is passed on
 * unchanged. The strings are constants, because QEMU keeps the pointers. Afterwards errno is the cause.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>

#include "child.h"
#include "host-error.h"
#include "interpose-fork.h"
#include "interpose-sigmask.h"

/* Whether the memory at this address can only be read and belongs to a file: a constant of a program or a library. */
static bool is_constant(const void *address)
{
    unsigned long start, end, at = (unsigned long)address;
    char line[4352], permissions[5], file[4097];
    FILE *maps = fopen("/proc/self/maps", "r");
    bool constant = false;

    if (!maps) {
        bail("/proc/self/maps");
    }
    while (fgets(line, sizeof(line), maps)) {
        int fields = sscanf(line, "%lx-%lx %4s %*s %*s %*s %4096s", &start, &end, permissions, file);

        if (fields >= 3 && start <= at && at < end) {
            constant = fields == 4 && file[0] == '/' && permissions[0] == 'r' && permissions[1] == '-';
        }
    }
    fclose(maps);
    return constant;
}

static void check_call(Error **errp, int error, const char *message)
{
    is_int(host_call.count, 1, "error_setg_errno_internal() is called once");
    ok(host_call.errp == errp, "with errp as it is");
    is_int(host_call.os_errno, error, "with the error number");
    is_str(host_call.message, message, "with the message, without its reason");
    is_str(host_call.func, "qemu_fork", "with the function");
    ok(host_call.src && strlen(host_call.src) > 3 && strlen(host_call.src) < 200, "with a file: %s", host_call.src);
    ok(host_call.line > 0 && host_call.line < 10000, "with a line: %d", host_call.line);
    ok(is_constant(host_call.func) && is_constant(host_call.src), "the strings are constants");
}

static void call_and_check(Error **errp, int error, const char *message, const char *what)
{
    const char *func, *src;

    printf("# %s, errp is %s\n", message, what);
    host_call.count = 0;
    errno = ERANGE;
    is_int(qemu_fork(errp), -1, "the result is -1");
    is_int(errno, error, "errno is the cause, although the host's function has spoilt it");
    is_int(host_call.errno_at_entry, error, "the host's function finds it, too");
    check_call(errp, error, message);
    func = host_call.func;
    src = host_call.src;
    (void)qemu_fork(NULL);
    ok(host_call.func == func && host_call.src == src, "they are the same constants the next time");
}

/* The host's function ends the process. So it runs in a child here, which makes the checks. */
static Error **ending_errp;
static struct host_call *last_call;

static void keep_call(void)
{
    *last_call = host_call;
}

static void die(int signum)
{
    (void)signum;
    keep_call();
}

static void fail_and_end(void *arg)
{
    (void)arg;
    atexit(keep_call);
    signal(SIGABRT, die);
    interposed_fork.error = EAGAIN;
    qemu_fork(ending_errp);
    _exit(77);
}

static struct ending end_by(Error **errp)
{
    ending_errp = errp;
    host_call.count = 0;
    return run_child(fail_and_end, NULL);
}

int main(void)
{
    Error *err = NULL, *first = NULL;
    struct ending ending;
    pid_t pid;

    last_call = shared_memory(sizeof(*last_call));

    printf("# success\n");
    pid = qemu_fork(&err);
    if (pid == 0) {
        _exit(host_call.count);
    }
    is_int(wait_for(pid), 0, "the child does not call the host's function");
    is_int(host_call.count, 0, "nor does the parent");
    ok(err == NULL, "err is untouched");
    error_setg(&first, "an earlier one");
    err = first;
    pid = qemu_fork(&err);
    if (pid == 0) {
        _exit(host_call.count);
    }
    is_int(wait_for(pid), 0, "a pointer to a set Error is no matter in the child");
    ok(err == first && host_call.count == 0, "nor in the parent");

    interposed_fork.error = EAGAIN;
    err = NULL;
    call_and_check(&err, EAGAIN, "cannot fork child process", "&err");
    is_str(error_get_pretty(err), "cannot fork child process: Resource temporarily unavailable",
           "the host has made its own Error of it");
    error_free(err);
    err = NULL;
    call_and_check(NULL, EAGAIN, "cannot fork child process", "NULL");
    interposed_fork.error = 12345;
    call_and_check(NULL, 12345, "cannot fork child process", "NULL");
    sigmask_fails_here(EPERM);
    call_and_check(&err, EPERM, "cannot block signals", "&err");
    error_free(err);
    sigmask_fails_here(0);
    interposed_fork.error = 0;

    printf("# errp is &error_fatal\n");
    ending = end_by(&error_fatal);
    host_call = *last_call;
    exits_with(&ending, 1, "the host ends the process");
    check_call(&error_fatal, EAGAIN, "cannot fork child process");
    printf("# errp is &error_abort\n");
    ending = end_by(&error_abort);
    host_call = *last_call;
    dies_of(&ending, SIGABRT, "the host ends the process");
    check_call(&error_abort, EAGAIN, "cannot fork child process");
    printf("# errp points to a set Error\n");
    ending = end_by(&first);
    host_call = *last_call;
    dies_of(&ending, SIGABRT, "the host ends the process");
    check_call(&first, EAGAIN, "cannot fork child process");
    error_free(first);
    return done();
}
