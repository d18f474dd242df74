/*
 * For a program that forbids itself new threads, which AddressSanitizer's leak checker needs when the process exits.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef NO_LEAK_CHECK_H
#define NO_LEAK_CHECK_H

#include "sanitizer.h"

#if UNDER_ASAN
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

#endif /* NO_LEAK_CHECK_H */
