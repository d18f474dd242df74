/*
 * A filter keeps the child from unblocking its signals. Whatever errp is, the child says so on stderr and exits with
 * status 1, while qemu_fork() succeeds in the parent.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>

#include "child.h"
#include "errp-kinds.h"
#include "mask.h"
#include "seccomp.h"

struct unblocking {
    int error; /* what it fails with in the child */
    enum errp_kind errp;
    void (*prepare)(void); /* called before qemu_fork(), unless NULL */
};

static struct {
    pid_t pid;
    int error;
    int status;
    bool same_mask;
    bool untouched;
    bool child_returned;
} *unblock_report;

static void call_qemu_fork(void *arg)
{
    const struct unblocking *unblocking = (const struct unblocking *)arg;
    Error *err = NULL;
    Error **errp = errp_of(unblocking->errp, &err);
    Error *before = err;
    uint64_t mask;

    block_a_few();
    mask = own_mask();
    sigmask_fails_in_child(unblocking->error);
    if (unblocking->prepare) {
        unblocking->prepare();
    }
    errno = ERANGE;
    unblock_report->pid = qemu_fork(errp);
    if (unblock_report->pid == 0) {
        unblock_report->child_returned = true;
        _exit(0);
    }
    unblock_report->error = errno;
    unblock_report->same_mask = own_mask() == mask;
    unblock_report->untouched = err == before && !error_abort && !error_fatal;
    unblock_report->status = wait_for(unblock_report->pid);
    error_free(err);
}

static struct ending fork_and_fail_to_unblock(struct unblocking *unblocking)
{
    if (!unblock_report) {
        unblock_report = shared_memory(sizeof(*unblock_report));
    }
    memset(unblock_report, 0, sizeof(*unblock_report));
    return run_child(call_qemu_fork, unblocking);
}

/* What does not depend on where stderr leads. */
static void check_processes(const struct ending *ending)
{
    exits_with(ending, 0, "the parent");
    is_int(ending->atexit_runs, 1, "atexit handlers run in the parent only");
    ok(unblock_report->pid > 0, "the parent gets a process id");
    is_int(unblock_report->error, ERANGE, "errno is what it was");
    ok(unblock_report->same_mask, "the mask is what it was");
    ok(unblock_report->untouched, "*errp is what it was");
    ok(!unblock_report->child_returned, "qemu_fork() does not return in the child");
    is_int(unblock_report->status, 0x100, "the child's wait status is 0x100");
}

/* With each kind of errp. */
static void check_unblocking(int error)
{
    char line[256];

    snprintf(line, sizeof(line), "cannot unblock signals: %s\n", strerror(error));
    for (enum errp_kind i = ERRP_NULL; i < ERRP_KINDS; i++) {
        struct unblocking unblocking = {.error = error, .errp = i};
        struct ending ending;

        printf("# %s, errp is %s\n", strerror(error), errp_names[i]);
        ending = fork_and_fail_to_unblock(&unblocking);
        check_processes(&ending);
        is_str(ending.text, line, "stderr has the one line");
    }
}

static void close_stderr(void)
{
    close(STDERR_FILENO);
}

/* A pipe without a reader: writing to it causes SIGPIPE, unless that is blocked. */
static void break_stderr(void)
{
    int ends[2];

    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) == -1) {
        bail("pipe");
    }
    close(ends[0]);
    close(ends[1]);
}

static void check_stderr(const char *what, void (*prepare)(void))
{
    struct unblocking unblocking = {.error = EPERM, .errp = ERRP_ABORT, .prepare = prepare};
    struct ending ending;

    printf("# stderr is %s\n", what);
    ending = fork_and_fail_to_unblock(&unblocking);
    check_processes(&ending);
    is_str(ending.text, "", "nothing is written");
}

int main(void)
{
    static const int errors[] = {EPERM, EINVAL, EFAULT, ENOSYS, 133, 134, 4095};

    need_seccomp();
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        check_unblocking(errors[i]);
    }
    check_stderr("closed", close_stderr);
    check_stderr("a broken pipe", break_stderr);
    return done();
}
