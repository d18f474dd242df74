/*
 * What the library is compared with, and no library has: QEMU's way in C, and the bare system calls. They are in a
 * shared library of their own, like ours, so that a child has the same number of page faults.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Our own code with the steps of QEMU's qemu_fork(). */
pid_t qemu_c_fork(void);

/* The system calls that qemu_fork() needs, without error texts. */
pid_t bare_fork(void);

/* The system calls that qemu_spawn() needs, without error texts. */
pid_t bare_spawn(const char *const argv[], int *pidfd);

/* Waits for the end of a process, and closes its descriptor. Its exit status, or -1. */
int bare_wait(int pidfd);

#endif /* BENCH_BARE_H */
