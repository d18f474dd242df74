/*
 * qemu_fork_version() and the header's numbers say the same.
 *
 * SPDX-License-Identifier: MIT
 */
#include <qemu-fork.h>

#include "error-api.h"
#include "tap.h"

int main(void)
{
    char expected[64];

    snprintf(expected, sizeof(expected), "%d.%d.%d", QEMU_FORK_VERSION_MAJOR, QEMU_FORK_VERSION_MINOR,
             QEMU_FORK_VERSION_MICRO);
#ifdef HOST_ERROR_API
    strcat(expected, " (host-error)");
#endif
    is_str(qemu_fork_version(), expected, "the library has the header's version, and the right Error API");
    ok(qemu_fork_version() == qemu_fork_version(), "the text is a constant");
    return done();
}
