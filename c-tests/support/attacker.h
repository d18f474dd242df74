/*
 * A process of another user, who is hostile: as soon as the test's process has a child that belongs to that user, it
 * does to it what it likes. It is there before the test's process is, and has none of its filters.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ATTACKER_H
#define ATTACKER_H

#include "another-user.h"
#include "watched.h"

/* In shared memory. */
static struct attack {
    pid_t parent;  /* whose children are attacked; 0: nobody's */
    int succeeded; /* how often it did something to one */
    int stop;      /* the attacker ends */
} *attack;

/* Does it to one child, or cannot. */
typedef void Deed(pid_t child);

/* To be called by the deed as soon as it has had an effect. */
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

/* Starts it as NOBODY. The deed must not touch the attacker's own parent, who is root's. */
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
