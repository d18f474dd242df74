/*
 * The three ways to make a child. Each is forced by a filter that forbids the better ones. This is for tests that check
 * the same on each way. The test spawn-ways checks the filters themselves.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FORCED_WAYS_H
#define FORCED_WAYS_H

#include "older-kernel.h"
#include "seccomp.h"

static const struct forced_way {
    const char *name;
    int forbidden;
} forced_ways[] = {
    {"clone3", 0},
    {"clone", NO_CLONE3},
    {"fork", NO_CLONE3 | NO_CLONE_VM},
};

/* Other processors have no clone3() in the library, which makes a child by clone() there where the best way is open. */
#if defined(__x86_64__) || defined(__aarch64__)
enum { LIBRARY_HAS_CLONE3 = 1 };
#else
enum { LIBRARY_HAS_CLONE3 = 0 };
#endif

/* Where the library's system calls are libc's, which stores errno, a child with a limit of time always has a copy of the
 * memory. */
#if defined(__x86_64__) || defined(__aarch64__) || (defined(__riscv) && __riscv_xlen == 64)
enum { LIBRARY_LENDS_MEMORY = 1 };
#else
enum { LIBRARY_LENDS_MEMORY = 0 };
#endif

/* What becomes of a thread that the kernel refuses with EINVAL: musl always says EAGAIN. */
#ifdef __GLIBC__
enum { THREAD_REFUSED = EINVAL };
#else
enum { THREAD_REFUSED = EAGAIN };
#endif

enum { FORCED_WAYS = sizeof(forced_ways) / sizeof(*forced_ways) };

/* From now on only this way is open. Call it in a process of its own. */
__attribute__((__unused__)) static void force_way(const struct forced_way *way)
{
    if (way->forbidden != 0 && (!forbid(way->forbidden, ENOSYS) || !is_forbidden(way->forbidden, ENOSYS))) {
        _exit(97);
    }
}

/* Skips the test if there are no filters, so that no way can be forced. */
__attribute__((__unused__)) static void need_forced_ways(void)
{
    if (IS_EMULATED) {
        skip_all("the emulator has no seccomp filters, and its own idea of processes");
    }
    if (is_under_valgrind()) {
        skip_all("valgrind itself crashes when a system call is made to fail");
    }
    need_seccomp();
}

#endif /* FORCED_WAYS_H */
