/*
 * The child cannot unblock its signals because the program's own pthread_sigmask() fails there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-sigmask.h"
#include "unblock-fails.h"

static void close_stderr(void)
{
    close(STDERR_FILENO);
}

/* A pipe that nobody reads: writing to it is SIGPIPE, unless that is blocked. */
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
    struct unblocking unblocking = {
        .arrange = sigmask_fails_in_child, .error = EPERM, .errp = ERRP_ABORT, .prepare = prepare};
    struct ending ending;

    printf("# stderr is %s\n", what);
    ending = fork_and_fail_to_unblock(&unblocking);
    check_processes(&ending);
    is_str(ending.text, "", "nobody hears anything");
}

int main(void)
{
    static const int errors[] = {EPERM, EINVAL, EFAULT, 133, 134, 4095, 12345, 2147483647};

    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        check_unblocking("interposed", sigmask_fails_in_child, errors[i]);
    }
    check_stderr("closed", close_stderr);
    check_stderr("a broken pipe", break_stderr);
    return done();
}
