/*
 * The signals cannot be blocked because a seccomp filter forbids it. The error says so, and nothing is forked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fork-fails.h"
#include "seccomp.h"

int main(void)
{
    need_seccomp();
    check_failure("seccomp", seccomp_fail_sigmask, EPERM, "cannot block signals");
    check_failure("seccomp", seccomp_fail_sigmask, ENOSYS, "cannot block signals");
    return done();
}
