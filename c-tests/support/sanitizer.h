/*
 * Whether the program is built with AddressSanitizer (meson setup -Db_sanitize=address), which has a malloc of its own,
 * a leak checker that starts a thread when the process exits, and makes every fork much slower; or runs under valgrind.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SANITIZER_H
#define SANITIZER_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

/* Valgrind puts a library of its own before all others. */
__attribute__((__unused__)) static bool is_under_valgrind(void)
{
    const char *before = getenv("LD_PRELOAD");

    return before && strstr(before, "/vgpreload_");
}

#endif /* SANITIZER_H */
