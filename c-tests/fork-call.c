/*
 * qemu_fork_call(): a function runs in a forked child. Its result, its errno and its Error come back, and where it does
 * not return the caller learns why.
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>

#include "forked.h"

struct seen {
    pid_t pid;
    uint64_t mask;
    bool handles; /* SIGUSR1 has a handler */
    bool has_errp;
};

static struct seen *seen;

static int look(void *opaque, Error **errp)
{
    seen->pid = getpid();
    seen->mask = own_mask();
    seen->handles = has_handler(SIGUSR1);
    seen->has_errp = errp != NULL && errp != &error_fatal && errp != &error_abort && *errp == NULL;
    errno = EDOM;
    return *(int *)opaque;
}

/* What has happened to a call. */
static void check_failure(int result, int error, Error *err, int want, const char *text, const char *what)
{
    is_int(result, -1, what);
    is_int(error, want, "errno");
    is_str(err ? error_get_pretty(err) : NULL, text, "the text");
    ok(!has_children(), "nothing is left of the child");
    error_free(err);
}

#define FAILS(call, want, text)                                                                                        \
    do {                                                                                                               \
        Error *err = NULL;                                                                                             \
        int result, error;                                                                                             \
                                                                                                                       \
        errno = ERANGE;                                                                                                \
        result = (call);                                                                                               \
        error = errno;                                                                                                 \
        check_failure(result, error, err, (want), (text), #call);                                                      \
    } while (0)

static void test_result(void)
{
    int numbers[] = {0, 1, -1, 77, INT_MAX, INT_MIN};
    Error *err = NULL;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        errno = 0;
        is_int(qemu_fork_call(look, &numbers[i], NULL, -1, &err), numbers[i], "the function's result comes back");
        is_int(errno, EDOM, "and its errno");
        ok(!err, "there is no Error");
    }
    ok(seen->pid != getpid(), "it ran in another process");
    ok(!has_children(), "which has been reaped");
    ok(seen->has_errp, "it got the address of an Error pointer that is NULL");
    qemu_fork_call(look, &numbers[0], NULL, -1, NULL);
    ok(seen->has_errp, "also if the caller has none");
    qemu_fork_call(look, &numbers[0], NULL, -1, &error_abort);
    ok(seen->has_errp, "or &error_abort");
}

static void test_signals(void)
{
    int number = 0;
    uint64_t mask;

    signal(SIGUSR1, ignore_it);
    block_a_few();
    mask = own_mask();
    qemu_fork_call(look, &number, NULL, -1, NULL);
    ok(seen->mask == 0 && !seen->handles, "the function has clean signals");
    qemu_fork_call(look, &number, FORK_OPTIONS(.flags = QEMU_FORK_KEEP_SIGNALS), -1, NULL);
    ok(seen->mask == mask && seen->handles, "KEEP_SIGNALS: it has the caller's mask and handlers");
    ok(own_mask() == mask, "the caller keeps its mask");
    signal(SIGUSR1, SIG_DFL);
    unblock_all();
}

static int set_error(void *opaque, Error **errp)
{
    error_setg(errp, "cannot open '%s'", (char *)opaque);
    errno = ENOTDIR;
    return -5;
}

static char *long_text(size_t length)
{
    char *text = malloc(length + 1);

    if (!text) {
        bail("malloc");
    }
    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

static void test_error(void)
{
    Error *err = NULL;
    char *text = long_text(HOST_LIMIT);

    is_int(qemu_fork_call(set_error, (char[]){"a"}, NULL, -1, &err), -5, "a function that fails: its result");
    is_int(errno, ENOTDIR, "its errno");
    is_str(err ? error_get_pretty(err) : NULL, "cannot open 'a'", "its text");
    error_free(err);
    err = NULL;
    is_int(qemu_fork_call(set_error, text, NULL, -1, &err), -5, "with a long text");
    ok(err && strlen(error_get_pretty(err)) == HOST_LIMIT + strlen("cannot open ''"), "all of it comes back");
    error_free(err);
    is_int(qemu_fork_call(set_error, (char[]){"a"}, NULL, -1, NULL), -5, "with NULL for errp it is dropped");
    free(text);
#ifndef HOST_ERROR_API
    text = long_text(100000);
    err = NULL;
    is_int(qemu_fork_call(set_error, text, NULL, -1, &err), -5, "with a text that is too long");
    ok(err && strlen(error_get_pretty(err)) == 32 * 1024 - 1, "32 KiB of it come back");
    error_free(err);
    free(text);
#endif
}

#ifndef HOST_ERROR_API
static int set_all(void *opaque, Error **errp)
{
    (void)opaque;
    error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "no device");
    error_append_hint(errp, "Try another.\n");
    error_append_hint(errp, "Or none.\n");
    return -1;
}

static void call_with_fatal(void *arg)
{
    (void)arg;
    qemu_fork_call(set_all, NULL, NULL, -1, &error_fatal);
}

static void test_class_and_hint(void)
{
    Error *err = NULL;
    struct ending ending;

    qemu_fork_call(set_all, NULL, NULL, -1, &err);
    is_str(err ? error_get_pretty(err) : NULL, "no device", "the text");
    is_int(err ? (int)error_get_class(err) : -1, ERROR_CLASS_DEVICE_NOT_FOUND, "the class comes back");
    error_free(err);
    ending = run_child(call_with_fatal, NULL);
    exits_with(&ending, 1, "&error_fatal");
    is_str(ending.text, "no device\nTry another.\nOr none.\n", "the text and the hint");
    is_int(ending.atexit_runs, 1, "the atexit handlers run in the caller, and not in the child");
}
#endif

__attribute__((__noreturn__)) static int exit_with(void *opaque, Error **errp)
{
    (void)errp;
    _exit(*(int *)opaque);
}

static int die_of(void *opaque, Error **errp)
{
    const struct rlimit no_core = {0, 0};

    (void)errp;
    setrlimit(RLIMIT_CORE, &no_core);
    kill(getpid(), *(int *)opaque);
    return 0;
}

__attribute__((__noreturn__)) static int sleep_for_ever(void *opaque, Error **errp)
{
    (void)opaque;
    (void)errp;
    for (;;) {
        pause();
    }
}

static void test_no_return(void)
{
    int number = 3;

    FAILS(qemu_fork_call(exit_with, &number, NULL, -1, &err), ECANCELED,
          "the forked function did not return: exited with status 3");
    number = 0;
    FAILS(qemu_fork_call(exit_with, &number, NULL, -1, &err), ECANCELED,
          "the forked function did not return: exited with status 0");
    number = SIGTERM;
    FAILS(qemu_fork_call(die_of, &number, NULL, -1, &err), ECANCELED,
          "the forked function did not return: killed by signal 15 (SIGTERM)");
    number = SIGKILL;
    FAILS(qemu_fork_call(die_of, &number, NULL, -1, &err), ECANCELED,
          "the forked function did not return: killed by signal 9 (SIGKILL)");
    FAILS(qemu_fork_call(sleep_for_ever, NULL, NULL, 50, &err), ETIMEDOUT,
          "the forked function did not end within 50 ms and was killed");
    FAILS(qemu_fork_call(sleep_for_ever, NULL, NULL, 0, &err), ETIMEDOUT,
          "the forked function did not end within 0 ms and was killed");
}

/* The result is not lost, whatever the function does to its descriptors. */
static int close_all(void *opaque, Error **errp)
{
    for (int fd = 0; fd < 1024; fd++) {
        close(fd);
    }
    return set_error(opaque, errp);
}

static int count_fds(void *opaque, Error **errp)
{
    int count = 0;

    (void)opaque;
    (void)errp;
    for (int fd = 3; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

static int tell_stdio(void *opaque, Error **errp)
{
    int count = 0;

    (void)opaque;
    (void)errp;
    for (int fd = 0; fd < 3; fd++) {
        count += is_dev_null(fd);
    }
    return count;
}

static int tell_session(void *opaque, Error **errp)
{
    (void)opaque;
    (void)errp;
    return getsid(0) == getpid();
}

static int tell_death_signal(void *opaque, Error **errp)
{
    int signum = -1;

    (void)opaque;
    (void)errp;
    prctl(PR_GET_PDEATHSIG, &signum);
    return signum;
}

static void test_options(void)
{
    int extra = fcntl(0, F_DUPFD, 100);
    Error *err = NULL;

    qemu_fork_call(close_all, (char[]){"a"}, NULL, -1, &err);
    is_str(err ? error_get_pretty(err) : NULL, "cannot open 'a'", "a function that closes all descriptors: its text");
    error_free(err);
    ok(qemu_fork_call(count_fds, NULL, NULL, -1, NULL) > 0, "the function has the caller's descriptors");
    is_int(qemu_fork_call(count_fds, NULL, FORK_OPTIONS(.flags = QEMU_FORK_CLOSE_FDS), -1, NULL), 0,
           "CLOSE_FDS: none from 3 on");
    is_int(qemu_fork_call(tell_stdio, NULL, FORK_OPTIONS(.flags = QEMU_FORK_NULL_STDIO), -1, NULL), 3,
           "NULL_STDIO: all three are /dev/null");
    is_int(qemu_fork_call(tell_session, NULL, NULL, -1, NULL), 0, "the session is the caller's");
    is_int(qemu_fork_call(tell_session, NULL, FORK_OPTIONS(.flags = QEMU_FORK_SETSID), -1, NULL), 1,
           "SETSID: a session of its own");
    is_int(qemu_fork_call(tell_death_signal, NULL, NULL, -1, NULL), 0, "there is no death signal");
    is_int(qemu_fork_call(tell_death_signal, NULL, FORK_OPTIONS(.death_signal = SIGUSR2), -1, NULL), SIGUSR2,
           "death_signal");
    close(extra);
}

static void test_arguments(void)
{
    int number = 0;

    seen->pid = 0;
    FAILS(qemu_fork_call(NULL, NULL, NULL, -1, &err), EINVAL, "cannot fork: fn is NULL");
    FAILS(qemu_fork_call(look, &number, FORK_OPTIONS(.flags = UINT64_C(1) << 4), -1, &err), EINVAL,
          "cannot fork: the options have an unknown flag, 1 << 4");
    FAILS(qemu_fork_call(look, &number, FORK_OPTIONS(.flags = UINT64_C(1) << 63), -1, &err), EINVAL,
          "cannot fork: the options have an unknown flag, 1 << 63");
    FAILS(qemu_fork_call(look, &number, FORK_OPTIONS(.death_signal = -1), -1, &err), EINVAL,
          "cannot fork: death_signal -1 is no signal");
    FAILS(qemu_fork_call(look, &number, &(QemuForkOptions){.size = 3}, -1, &err), EINVAL,
          "cannot fork: the options' size is 3, and not sizeof(QemuForkOptions)");
    is_int(seen->pid, 0, "the function was not called");
}

static void call_with_output(void *arg)
{
    int number = 0;

    (void)arg;
    fprintf(stdout, "# once\n");
    qemu_fork_call(look, &number, NULL, -1, NULL);
}

static void test_nothing_twice(void)
{
    struct ending ending;
    char text[256];
    int ends[2], saved = dup(STDOUT_FILENO);

    if (pipe(ends) != 0) {
        bail("pipe");
    }
    fflush(NULL);
    dup2(ends[1], STDOUT_FILENO);
    ending = run_child(call_with_output, NULL);
    dup2(saved, STDOUT_FILENO);
    close(ends[1]);
    close(saved);
    read_all(ends[0], text, sizeof(text));
    close(ends[0]);
    exits_with(&ending, 0, "a caller with output in its buffer");
    is_str(text, "# once\n", "the output is written once");
    is_int(ending.atexit_runs, 1, "the atexit handlers run once");
}

int main(void)
{
    int before = count_open();

    alarm(net_seconds());
    seen = (struct seen *)shared_memory(sizeof(*seen));
    test_result();
    test_signals();
    test_error();
#ifndef HOST_ERROR_API
    test_class_and_hint();
#endif
    test_no_return();
    test_options();
    test_arguments();
    test_nothing_twice();
    is_int(count_open(), before, "no descriptor is left");
    return done();
}
