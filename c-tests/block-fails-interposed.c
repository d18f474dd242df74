/*
 * The signals cannot be blocked because the program's own pthread_sigmask() fails: fork() is not even called.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fork-fails.h"
#include "interpose-fork.h"
#include "interpose-sigmask.h"

int main(void)
{
    Error *err = NULL;

    check_failure("interposed", sigmask_fails_here, EPERM, "cannot block signals");
    check_failure("interposed", sigmask_fails_here, EINVAL, "cannot block signals");
    check_failure("interposed", sigmask_fails_here, 12345, "cannot block signals");

    interposed_fork.calls = 0;
    sigmask_fails_here(EPERM);
    is_int(qemu_fork(&err), -1, "it fails");
    is_int(interposed_fork.calls, 0, "fork() is not called");
    error_free(err);
    return done();
}
