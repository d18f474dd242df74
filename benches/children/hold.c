/*
 * hold MILLISECONDS: writes a line and ends, but its child holds stdout for so long.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include "raw.h"

static const char line[] = "what the parent captures\n";

static void hold(const char *milliseconds)
{
    struct timespec time = {0};
    long number = 0;

    for (; *milliseconds; milliseconds++) {
        number = number * 10 + *milliseconds - '0';
    }
    time.tv_sec = number / 1000;
    time.tv_nsec = number % 1000 * 1000000;
    raw_call(SYS_nanosleep, (long)&time, 0, 0);
    raw_exit(0);
}

void start_in_c(long *stack)
{
    if (stack[0] > 1 && raw_call6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) == 0) {
        hold((const char *)stack[2]);
    }
    raw_exit(raw_call(SYS_write, 1, (long)line, sizeof(line) - 1) != sizeof(line) - 1);
}
