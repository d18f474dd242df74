/*
 * A file in memory that a child opens by its name: nothing has to be inherited for it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/mman.h>
#include <unistd.h>

#include "worker.h"

struct mailbox new_mailbox(void)
{
    struct mailbox box = {.fd = memfd_create("mailbox", MFD_CLOEXEC)};

    if (box.fd < 0) {
        die("memfd_create");
    }
    snprintf(box.path, sizeof(box.path), "/proc/%d/fd/%d", (int)getpid(), box.fd);
    return box;
}
