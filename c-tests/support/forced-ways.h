/*
 * The three ways to make a child, each forced by a filter that forbids what is better. For tests that look for the same
 * on each of them; what the filters do is tested by spawn-ways.
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

enum { FORCED_WAYS = sizeof(forced_ways) / sizeof(*forced_ways) };

/* In a process made for that: from now on only this way is open. */
__attribute__((__unused__)) static void force_way(const struct forced_way *way)
{
    if (way->forbidden != 0 && (!forbid(way->forbidden, ENOSYS) || !is_forbidden(way->forbidden, ENOSYS))) {
        _exit(97);
    }
}

/* Without filters there is nothing to force. */
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
