/*
 * A process of another, hostile user. As soon as the test's process has a child that belongs to that user, it attacks
 * the child. It is started before the test's process installs filters, and has none of them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ATTACKER_H
#define ATTACKER_H

#include "another-user.h"
#include "watched.h"

/* In shared memory. */
static struct attack {
    pid_t parent;  /* the process whose children are attacked; or 0 */
    int succeeded; /* how often an attack had an effect */
    int stop;      /* the attacker ends */
} *attack;

/* Attacks one child, with or without success. */
typedef void Deed(pid_t child);

/* The deed calls this as soon as it has had an effect. */
__attribute__((__unused__)) static void deed_succeeded(void)
{
    __atomic_add_fetch(&attack->succeeded, 1, __ATOMIC_SEQ_CST);
}

__attribute__((__noreturn__)) static void attack_for_ever(Deed *deed)
{
    while (!__atomic_load_n(&attack->stop, __ATOMIC_SEQ_CST)) {
        pid_t parent = __atomic_load_n(&attack->parent, __ATOMIC_SEQ_CST);
        pid_t list[8];
        int n = parent > 0 ? children_of(parent, list, 8) : 0;

        for (int i = 0; i < n; i++) {
            deed(list[i]);
        }
        if (n == 0) {
            sched_yield();
        }
    }
    _exit(0);
}

/* Starts the attacker as NOBODY. The deed must not touch the attacker's own parent, which is root's. */
__attribute__((__unused__)) static pid_t start_attacker(Deed *deed)
{
    pid_t pid;

    attack = shared_memory(sizeof(*attack));
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        become(NOBODY);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        attack_for_ever(deed);
    }
    return pid;
}

__attribute__((__unused__)) static void stop_attacker(pid_t pid)
{
    __atomic_store_n(&attack->stop, 1, __ATOMIC_SEQ_CST);
    wait_for(pid);
}

#endif /* ATTACKER_H */
