/*
 * Whether the program is built with AddressSanitizer (meson setup -Db_sanitize=address), which has a malloc of its own,
 * a leak checker that starts a thread when the process exits, and makes every fork much slower.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SANITIZER_H
#define SANITIZER_H

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

#endif /* SANITIZER_H */
