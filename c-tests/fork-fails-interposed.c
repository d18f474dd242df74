/*
 * The program's own fork() fails. The library calls it once, by its name, with every signal blocked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fork-fails.h"
#include "interpose-fork.h"

static void arrange(int error)
{
    interposed_fork.error = error;
}

int main(void)
{
    static const int errors[] = {EAGAIN, ENOMEM, ENOSYS, EPERM, 12345};

    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        check_failure("interposed", arrange, errors[i], "cannot fork child process");
    }

    printf("# what fork() itself sees\n");
    block_a_few();
    interposed_fork.calls = 0;
    interposed_fork.error = EAGAIN;
    is_int(qemu_fork(NULL), -1, "it fails");
    is_int(interposed_fork.calls, 1, "fork() is called once");
    ok((interposed_fork.mask & BLOCKABLE) == BLOCKABLE, "every signal is blocked then");
    return done();
}
