/*
 * A deliberate difference from QEMU: pthread_sigmask() returns its error and need not set errno. QEMU shows what errno
 * happens to be; qemu_fork() shows what was returned, and sets errno to it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>

#include "error-api.h"
#include "interpose-sigmask.h"
#include "tap.h"

static void check(int returned, int stale)
{
    char message[256];
    Error *err = NULL;

    snprintf(message, sizeof(message), "cannot block signals: %s", strerror(returned));
    printf("# pthread_sigmask() returns %d, errno is stale with %d and then spoilt\n", returned, stale);
    sigmask_fails_here(returned);
    errno = stale;
    is_int(qemu_fork(&err), -1, "the result is -1");
    is_int(errno, returned, "errno is what pthread_sigmask() returned");
    is_str(err ? error_get_pretty(err) : NULL, message, "the message has it too");
    error_free(err);

    errno = stale;
    is_int(qemu_fork(NULL), -1, "the result is -1 where nobody wants the message");
    is_int(errno, returned, "errno is what pthread_sigmask() returned");
}

int main(void)
{
    check(EPERM, ENOTTY);
    check(ENOSYS, 0);
    check(EINVAL, EPERM);
    check(ENOTTY, SPOILT_ERRNO);
    return done();
}
