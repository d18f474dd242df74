/*
 * fork() fails because the user may have no more processes. The limit does not bind root, so root becomes another user.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fork-fails.h"
#include "no-leak-check.h"

enum { NOBODY = 65534 };

static bool allow_no_process(void)
{
    const struct rlimit none = {0, 0};

    return (geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0) && setrlimit(RLIMIT_NPROC, &none) == 0;
}

static void arrange(int error)
{
    (void)error;
    if (!allow_no_process()) {
        _exit(97);
    }
}

static void try_it(void *arg)
{
    (void)arg;
    if (!allow_no_process()) {
        _exit(97);
    }
}

int main(void)
{
    struct ending ending = run_child(try_it, NULL);

    if (ending.status != 0) {
        skip_all("this process is root, but may not become another user");
    }
    check_failure("RLIMIT_NPROC", arrange, EAGAIN, "cannot fork child process");
    return done();
}
