/*
 * What a caller of qemu_fork() sees if there is no child: one row for each kind of errp.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FORK_FAILS_H
#define FORK_FAILS_H

#include <qemu-fork.h>

#include "child.h"
#include "errp-kinds.h"
#include "mask.h"
#include "unexpected.h"

struct failure {
    void (*arrange)(int); /* makes the call fail, with this error number */
    int error;
    enum errp_kind errp;
};

/* The report of a process that survives. */
struct report {
    bool returned;
    pid_t pid;
    int error;
    bool same_mask;
    bool no_child;
    bool set;
    int class;
    char message[512];
};

static struct report *report;

static void call_qemu_fork(void *arg)
{
    const struct failure *failure = (const struct failure *)arg;
    Error *err = NULL;
    Error **errp = errp_of(failure->errp, &err);
    uint64_t mask;

    block_a_few();
    mask = own_mask();
    failure->arrange(failure->error);
    errno = ERANGE;
    report->pid = qemu_fork(errp);
    report->error = errno;
    if (report->pid == 0) {
        _exit(0);
    }
    report->same_mask = own_mask() == mask;
    report->no_child = waitpid(-1, NULL, 0) == -1 && errno == ECHILD;
    report->set = err != NULL;
    if (err) {
        report->class = error_get_class(err);
        snprintf(report->message, sizeof(report->message), "%s", error_get_pretty(err));
        error_free(err);
    }
    report->returned = true;
}

static struct ending fail(struct failure *failure, enum errp_kind errp)
{
    if (!report) {
        report = (struct report *)shared_memory(sizeof(*report));
    }
    memset(report, 0, sizeof(*report));
    failure->errp = errp;
    printf("# errp is %s\n", errp_names[errp]);
    return run_child(call_qemu_fork, failure);
}

static void check_return(const struct failure *failure, const struct ending *ending)
{
    exits_with(ending, 0, "the process goes on");
    ok(report->returned, "qemu_fork() returns");
    is_int(report->pid, -1, "the result is -1");
    is_int(report->error, failure->error, "errno is the cause");
    ok(report->same_mask, "the mask is what it was");
    ok(report->no_child, "there is no child");
    is_str(ending->text, "", "nothing is on stderr");
}

/* Checks every row. `how` says what makes the call fail; `summary` is the message without its reason. */
__attribute__((__unused__)) static void check_failure(const char *how, void (*arrange)(int), int error,
                                                      const char *summary)
{
    struct failure failure = {.arrange = arrange, .error = error};
    struct ending ending;
    char message[256];
    char line[sizeof(message) + 1];

    snprintf(message, sizeof(message), "%s: %s", summary, strerror(error));
    snprintf(line, sizeof(line), "%s\n", message);

    printf("# %s: %s\n", how, message);
    ending = fail(&failure, ERRP_NULL);
    check_return(&failure, &ending);

    ending = fail(&failure, ERRP_ERR);
    check_return(&failure, &ending);
    ok(report->set, "err is set");
    is_str(report->message, message, "the message says what and why");
    is_int(report->class, ERROR_CLASS_GENERIC_ERROR, "the class is the generic one");

    ending = fail(&failure, ERRP_FATAL);
    exits_with(&ending, 1, "the process");
    is_int(ending.atexit_runs, 1, "its atexit handlers run");
    is_str(ending.text, line, "the message is on stderr");
    ok(!report->returned, "qemu_fork() does not return");

    ending = fail(&failure, ERRP_ABORT);
    dies_of(&ending, SIGABRT, "the process");
    is_int(ending.atexit_runs, 0, "no atexit handler runs");
    is_unexpected(ending.text, "qemu_fork", NULL, 0, line, "the place and the message are on stderr");

    ending = fail(&failure, ERRP_SET);
    dies_of(&ending, SIGABRT, "the process");
    is_int(ending.atexit_runs, 0, "no atexit handler runs");
    has_words(ending.text, "stderr names both errors", "an earlier one", message, NULL);
}

#endif /* FORK_FAILS_H */
