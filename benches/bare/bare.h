/*
 * What the library is measured against that nobody has in a library: QEMU's way in C, and the system calls that the
 * promises ask for with nothing around them. They are in a shared library of their own, as ours is, so that a child has
 * as many pages to fault in.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What QEMU's qemu_fork() does, told in our words. */
pid_t qemu_c_fork(void);

/* What qemu_fork() cannot do without, and no error that is told. */
pid_t bare_fork(void);

/* What qemu_spawn() cannot do without, and no error that is told. */
pid_t bare_spawn(const char *const argv[], int *pidfd);

/* Waits for the end of a process, and closes its descriptor. Its exit status, or -1. */
int bare_wait(int pidfd);

#endif /* BENCH_BARE_H */
