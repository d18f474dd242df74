/*
 * fork() fails because a seccomp filter says so, with each error number that a caller may meet.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fork-fails.h"
#include "seccomp.h"

int main(void)
{
    need_seccomp();
    check_failure("seccomp", seccomp_fail_fork, EAGAIN, "cannot fork child process");
    check_failure("seccomp", seccomp_fail_fork, ENOMEM, "cannot fork child process");
    check_failure("seccomp", seccomp_fail_fork, ENOSYS, "cannot fork child process");
    check_failure("seccomp", seccomp_fail_fork, EPERM, "cannot fork child process");
    return done();
}
