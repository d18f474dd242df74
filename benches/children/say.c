/*
 * Writes a line, which the parent captures; or as many MiB as its argument says.
 *
 * SPDX-License-Identifier: MIT
 */
#include "raw.h"

static const char line[] = "what the parent captures\n";

static char mebibyte[1 << 20];

static void pour(const char *number)
{
    long left = 0;

    /* No zeroes: who takes it as a string gets all of it. The compiler is not to make a call of memset() of this. */
    for (volatile char *byte = mebibyte; byte < mebibyte + sizeof(mebibyte); byte++) {
        *byte = 'x';
    }
    for (; *number; number++) {
        left = left * 10 + *number - '0';
    }
    for (left *= sizeof(mebibyte); left > 0;) {
        long n = raw_call(SYS_write, 1, (long)mebibyte, left < (long)sizeof(mebibyte) ? left : (long)sizeof(mebibyte));

        if (n <= 0) {
            raw_exit(1);
        }
        left -= n;
    }
    raw_exit(0);
}

void start_in_c(long *stack)
{
    if (stack[0] > 1) {
        pour((const char *)stack[2]);
    }
    raw_exit(raw_call(SYS_write, 1, (long)line, sizeof(line) - 1) != sizeof(line) - 1);
}
