/*
 * end FILE: reads the clock last of all, and leaves the time in FILE, which it has mapped before.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "raw.h"

void start_in_c(long *stack)
{
    char **argv = (char **)(stack + 1);
    long fd = raw_call(SYS_openat, AT_FDCWD, (long)argv[1], O_RDWR);
    long place = raw_call6(SYS_mmap, 0, sizeof(long long), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

    if (place < 0 && place > -4096) {
        raw_exit(1);
    }
    *(volatile long long *)place = raw_now();
    raw_exit(0);
}
