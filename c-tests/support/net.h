/*
 * How long a test may hang before it is ended. No machine that runs `make check` is so slow. An emulator of a whole
 * machine may be, and sets QEMU_FORK_TEST_NET to more.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef NET_H
#define NET_H

#include <stdlib.h>

/* In seconds, for alarm(). */
static unsigned net_seconds(void)
{
    const char *text = getenv("QEMU_FORK_TEST_NET");
    int seconds = text ? atoi(text) : 0;

    return seconds > 0 ? (unsigned)seconds : 100;
}

#endif /* NET_H */
