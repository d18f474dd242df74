/*
 * qemu_fork_full(): a copy of the process, with options. What the child cannot do is the parent's error, and there is no
 * child then.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forked.h"
#include "seccomp.h"

/* What the child finds. */
struct seen {
    int error;
    uint64_t mask;
    bool handles;
    int fds; /* from 3 on */
    int nulls;
    bool leads;
    int death_signal;
};

static struct seen *seen;

/* How many of stdin, stdout and stderr are /dev/null. */
static int count_nulls(void)
{
    return is_dev_null(0) + is_dev_null(1) + is_dev_null(2);
}

static void tell(void)
{
    seen->error = errno;
    seen->mask = own_mask();
    seen->handles = has_handler(SIGUSR1);
    seen->fds = 0;
    for (int fd = 3; fd < 1024; fd++) {
        seen->fds += fcntl(fd, F_GETFD) != -1;
    }
    seen->nulls = count_nulls();
    seen->leads = getsid(0) == getpid();
    prctl(PR_GET_PDEATHSIG, &seen->death_signal);
    _exit(7);
}

/* Forks a child that tells what it finds. */
static const struct seen *child_of(const QemuForkOptions *opts)
{
    Error *err = NULL;
    pid_t pid;

    memset(seen, 0, sizeof(*seen));
    errno = ERANGE;
    pid = qemu_fork_full(opts, &err);
    if (pid == 0) {
        tell();
    }
    if (pid < 0) {
        printf("# %s\n", err ? error_get_pretty(err) : "(no error)");
        error_free(err);
    }
    ok(pid > 0 && errno == ERANGE && !err, "the parent gets a process id, and errno is as it was");
    ok(pid > 0 && wait_for(pid) == 7 << 8, "the child goes on in the caller's code");
    is_int(seen->error, ERANGE, "its errno is as it was");
    return seen;
}

static void test_options(void)
{
    int fds, extra = fcntl(0, F_DUPFD, 100);
    uint64_t mask;

    signal(SIGUSR1, ignore_it);
    block_a_few();
    mask = own_mask();
    fds = child_of(NULL)->fds;
    ok(seen->mask == 0 && !seen->handles, "NULL: it has clean signals");
    ok(fds > 0 && !seen->leads && seen->nulls == count_nulls() && seen->death_signal == 0, "and the rest is the parent's");
    child_of(FORK_OPTIONS(.flags = 0));
    ok(seen->mask == 0 && !seen->handles && seen->fds == fds, "options that are zero: the same");

    child_of(FORK_OPTIONS(.flags = QEMU_FORK_KEEP_SIGNALS));
    ok(seen->mask == mask && seen->handles, "KEEP_SIGNALS: it has the parent's mask and handlers");
    is_int(seen->fds, fds, "and no descriptor of the library's");
    child_of(FORK_OPTIONS(.flags = QEMU_FORK_CLOSE_FDS));
    is_int(seen->fds, 0, "CLOSE_FDS: no descriptor from 3 on");
    ok(seen->nulls == count_nulls(), "and the others are the parent's");
    child_of(FORK_OPTIONS(.flags = QEMU_FORK_NULL_STDIO));
    is_int(seen->nulls, 3, "NULL_STDIO: all three are /dev/null, and survive exec");
    is_int(seen->fds, fds, "there is no other descriptor");
    child_of(FORK_OPTIONS(.flags = QEMU_FORK_SETSID));
    ok(seen->leads && seen->mask == 0 && !seen->handles, "SETSID: it leads a session, with clean signals");
    child_of(FORK_OPTIONS(.death_signal = SIGUSR2));
    is_int(seen->death_signal, SIGUSR2, "death_signal");
    child_of(FORK_OPTIONS(.flags = QEMU_FORK_KEEP_SIGNALS | QEMU_FORK_CLOSE_FDS | QEMU_FORK_NULL_STDIO |
                                   QEMU_FORK_SETSID, .death_signal = SIGUSR2));
    ok(seen->mask == mask && seen->handles && seen->fds == 0 && seen->nulls == 3 && seen->leads &&
           seen->death_signal == SIGUSR2, "all at once");
    ok(own_mask() == mask, "the parent keeps its mask");
    close(extra);
    unblock_all();
    signal(SIGUSR1, SIG_DFL);
}

/* With stdin, stdout and stderr closed, and with a table that is full. */
static void use_odd_tables(void *arg)
{
    const struct rlimit few = {64, 64};
    bool is_full = *(bool *)arg;

    if (!is_full) {
        close(0);
        close(1);
        close(2);
    } else {
        setrlimit(RLIMIT_NOFILE, &few);
        while (dup(0) != -1) {
        }
        close(62); /* for the pipe */
        close(63);
    }
    if (qemu_fork_full(FORK_OPTIONS(.flags = QEMU_FORK_NULL_STDIO | QEMU_FORK_CLOSE_FDS), NULL) == 0) {
        tell();
    }
    _exit(wait(NULL) > 0 ? 0 : 1);
}

static void test_tables(void)
{
    for (int is_full = 0; is_full < 2; is_full++) {
        struct ending ending = run_child(use_odd_tables, &(bool){is_full});

        exits_with(&ending, 0, is_full ? "a full table" : "stdin, stdout and stderr are closed");
        ok(seen->nulls == 3 && seen->fds == 0, "NULL_STDIO and CLOSE_FDS do what they say");
    }
}

/* ---- a child that cannot do it ---- */

struct fault {
    QemuForkOptions opts;
    long calls[4]; /* the system calls that fail in the child, ended by 0 */
    int error;
    const char *text; /* before the reason; NULL: it works nevertheless */
};

static const struct fault *fault;

static void break_calls(void)
{
    size_t n = 0;

    while (fault->calls[n]) {
        n++;
    }
    if (n > 0 && !fail_calls(fault->error, fault->calls, n)) {
        _exit(97);
    }
}

struct outcome {
    pid_t pid;
    int error;
    bool childless;
    int fds;
    char text[256];
};

static struct outcome *outcome;

static void fork_and_tell(const QemuForkOptions *opts)
{
    Error *err = NULL;
    int before = count_open();
    pid_t pid;

    pid = qemu_fork_full(opts, &err);
    outcome->error = errno;
    if (pid == 0) {
        tell();
    }
    outcome->pid = pid;
    if (outcome->pid > 0) {
        (void)wait_for(outcome->pid);
    }
    outcome->childless = !has_children();
    outcome->fds = count_open() - before;
    snprintf(outcome->text, sizeof(outcome->text), "%s", err ? error_get_pretty(err) : "");
    error_free(err);
}

static void try_fault(void *arg)
{
    const struct rlimit usual = {1024, 1024};

    /* Without a list, every number that the limit allows is tried. */
    setrlimit(RLIMIT_NOFILE, &usual);
    fault = arg;
    if (pthread_atfork(NULL, NULL, break_calls) != 0) {
        _exit(96);
    }
    fork_and_tell(&fault->opts);
}

static void check_outcome(const struct ending *ending, int error, const char *text)
{
    exits_with(ending, 0, text);
    is_int(outcome->pid, -1, "the result is -1");
    is_int(outcome->error, error, "errno is the cause");
    is_str(outcome->text, text, "the text");
    ok(outcome->childless, "the child has been reaped");
    is_int(outcome->fds, 0, "no descriptor is left");
}

#define WITH(...) {.size = sizeof(QemuForkOptions), __VA_ARGS__}

static void test_faults(void)
{
    static struct fault faults[] = {
        {WITH(.flags = QEMU_FORK_SETSID), {SYS_setsid}, EPERM, "cannot start a session"},
        {WITH(.flags = QEMU_FORK_NULL_STDIO), {SYS_openat}, EMFILE, "cannot open '/dev/null'"},
        {WITH(.flags = QEMU_FORK_CLOSE_FDS), {SYS_getdents64, SYS_close_range}, EPERM, "cannot close the other descriptors"},
        {WITH(.flags = QEMU_FORK_CLOSE_FDS), {SYS_close_range}, ENOSYS, NULL},
        {WITH(.flags = QEMU_FORK_CLOSE_FDS), {SYS_close_range, SYS_openat}, ENOSYS, NULL},
        {WITH(.death_signal = SIGTERM), {SYS_prctl}, EACCES, "cannot set the death signal"},
        {WITH(.flags = QEMU_FORK_SETSID), {SYS_rt_sigprocmask}, EPERM, "cannot unblock signals"},
        {WITH(.flags = QEMU_FORK_KEEP_SIGNALS), {SYS_rt_sigprocmask}, EPERM, "cannot unblock signals"},
    };

    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        struct ending ending = run_child(try_fault, &faults[i]);
        char text[256];

        if (faults[i].text) {
            snprintf(text, sizeof(text), "%s: %s", faults[i].text, strerror(faults[i].error));
            check_outcome(&ending, faults[i].error, text);
        } else {
            exits_with(&ending, 0, "without close_range()");
            ok(outcome->pid > 0, "there is a child");
            is_int(seen->fds, 0, "it has no descriptor from 3 on");
        }
    }
}

/* ---- a child that ends too early ---- */

static pid_t *holder;
static int keeps_pipe;

static void end_early(void)
{
    if (keeps_pipe) {
        /* Another process that has the pipe, as one that another thread makes at that moment. */
#ifdef __s390x__
        pid_t pid = (pid_t)syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
        pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif

        if (pid == 0) {
            for (;;) {
                pause();
            }
        }
        *holder = pid;
    }
    kill(getpid(), SIGKILL);
}

static void fork_that_ends_early(void *arg)
{
    keeps_pipe = *(int *)arg;
    if (pthread_atfork(NULL, NULL, end_early) != 0) {
        _exit(96);
    }
    fork_and_tell(FORK_OPTIONS(.flags = QEMU_FORK_KEEP_SIGNALS));
    if (keeps_pipe && *holder > 0) {
        kill(*holder, SIGKILL);
    }
}

static void test_early_end(void)
{
    for (int i = 0; i < 2; i++) {
        struct ending ending = run_child(fork_that_ends_early, &i);

        check_outcome(&ending, ECANCELED, "process ended by signal 9 (SIGKILL) before it had begun");
    }
}

/* ---- no child at all ---- */

static void fork_without(void *arg)
{
    const struct rlimit few = {3, 64};

    if (*(int *)arg == 0) {
        setrlimit(RLIMIT_NOFILE, &few);
    } else {
        seccomp_fail_fork(EAGAIN);
    }
    fork_and_tell(FORK_OPTIONS(.flags = QEMU_FORK_CLOSE_FDS));
}

static void test_no_child(void)
{
    char text[256];
    struct ending ending = run_child(fork_without, &(int){0});

    snprintf(text, sizeof(text), "cannot make a pipe: %s", strerror(EMFILE));
    check_outcome(&ending, EMFILE, text);
    ending = run_child(fork_without, &(int){1});
    snprintf(text, sizeof(text), "cannot fork child process: %s", strerror(EAGAIN));
    check_outcome(&ending, EAGAIN, text);
}

static void test_arguments(void)
{
    const struct {
        QemuForkOptions opts;
        const char *text;
    } rows[] = {
        {WITH(.flags = 1 << 4), "cannot fork: the options have an unknown flag, 1 << 4"},
        {WITH(.death_signal = 1000), "cannot fork: death_signal 1000 is no signal"},
        {{.size = 0}, "cannot fork: the options' size is 0, and not sizeof(QemuForkOptions)"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        Error *err = NULL;

        is_int(qemu_fork_full(&rows[i].opts, &err), -1, "options that make no sense");
        is_int(errno, EINVAL, "errno");
        is_str(err ? error_get_pretty(err) : NULL, rows[i].text, "the text");
        error_free(err);
        ok(!has_children(), "nothing has happened");
    }
}

/* ---- the death signal ---- */

static void fork_and_end(void *arg)
{
    const int *ends = arg;

    if (qemu_fork_full(FORK_OPTIONS(.death_signal = SIGKILL), NULL) == 0) {
        close(ends[0]);
        for (;;) {
            pause();
        }
    }
    _exit(0);
}

static void test_death_signal(void)
{
    char text[16];
    int ends[2];
    pid_t pid;

    if (pipe(ends) != 0 || (pid = fork()) == -1) {
        bail("pipe");
    }
    if (pid == 0) {
        fork_and_end(ends);
    }
    close(ends[1]);
    is_int(wait_for(pid), 0, "a parent ends");
    read_all(ends[0], text, sizeof(text));
    close(ends[0]);
    ok(true, "and its child with it");
}

static void *fork_here(void *arg)
{
    (void)arg;
    child_of(FORK_OPTIONS(.flags = QEMU_FORK_CLOSE_FDS | QEMU_FORK_SETSID));
    return NULL;
}

int main(void)
{
    int before = count_open();
    const char *why = why_no_seccomp();
    pthread_t thread;

    alarm(net_seconds());
    seen = (struct seen *)shared_memory(sizeof(*seen));
    outcome = (struct outcome *)shared_memory(sizeof(*outcome));
    holder = (pid_t *)shared_memory(sizeof(*holder));
    test_options();
    test_tables();
    if (why) {
        skip("a change that fails in the child", why);
    } else {
        test_faults();
        test_no_child();
    }
    test_early_end();
    test_arguments();
    test_death_signal();
    if (pthread_create(&thread, NULL, fork_here, NULL) != 0) {
        bail("pthread_create");
    }
    pthread_join(thread, NULL);
    is_int(count_open(), before, "no descriptor is left");
    return done();
}
