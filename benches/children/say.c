/*
 * Writes a line, which the parent captures.
 *
 * SPDX-License-Identifier: MIT
 */
#include "raw.h"

static const char line[] = "what the parent captures\n";

void start_in_c(long *stack)
{
    (void)stack;
    raw_exit(raw_call(SYS_write, 1, (long)line, sizeof(line) - 1) != sizeof(line) - 1);
}
