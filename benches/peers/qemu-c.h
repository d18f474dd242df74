/*
 * QEMU's own qemu_fork(), told in our words.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_QEMU_C_H
#define BENCH_QEMU_C_H

#include <sys/types.h>

pid_t qemu_c_fork(void);

#endif /* BENCH_QEMU_C_H */
