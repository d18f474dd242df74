/*
 * Starts one child between marks. These are system calls that do nothing, which benches/counts sees.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "../counts/marks.h"
#include "worker.h"

void between_marks(const struct peer *peer)
{
    const char *argv[] = {children.tiny, NULL};
    struct child child;

    /* The first starts find out what the kernel can do, bind symbols, and fill malloc's lists. */
    until_done(peer, 3);
    syscall(MARK_START);
    if (!peer->start(&child, argv)) {
        die(peer->name);
    }
    syscall(MARK_RETURNED);
    peer->finish(&child);
    syscall(MARK_REAPED);
}
