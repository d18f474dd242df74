/*
 * The marks: numbers of system calls that do not exist.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_MARKS_H
#define BENCH_MARKS_H

enum { MARK_START = 0x70760000, MARK_RETURNED, MARK_REAPED };

#endif /* BENCH_MARKS_H */
