/*
 * The ways to make a spawn's child, and a filter that closes the better ones, for a process and all that it forks. The
 * last two copy the parent's memory. WAY_LIKE_FORK is what remains if only the call that libc's fork() makes is
 * allowed.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_SPAWN_WAYS_H
#define PROOF_SPAWN_WAYS_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum way { WAY_CLONE3, WAY_CLONE, WAY_FORK, WAY_LIKE_FORK, WAYS };

static const char *const way_names[WAYS] = {"clone3", "clone", "fork", "like-fork"};

/* The argument of clone() that has the flags, and the offset of its low half. */
#ifdef __s390x__
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif
enum { CLONE_FLAGS_PLACE = offsetof(struct seccomp_data, args) + 8 * CLONE_FLAGS +
                           (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0) };

/* Closes the ways before @way, in the calling process and what it forks, for good. */
static inline bool force_way(enum way way)
{
    /* A thread is always allowed. WAY_FORK refuses a child that shares the parent's memory. WAY_LIKE_FORK refuses
     * everything but the call of libc's fork(). */
    unsigned flags = way == WAY_FORK ? CLONE_VM : way == WAY_LIKE_FORK ? CLONE_CHILD_SETTID : 0;
    unsigned char with = way == WAY_LIKE_FORK ? 0 : 2, without = way == WAY_LIKE_FORK ? 2 : 0;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CLONE_FLAGS_PLACE),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, with, without),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

    return way == WAY_CLONE3 || (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                                 prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

#endif /* PROOF_SPAWN_WAYS_H */
