/*
 * System calls for programs without libc, so that the start is measured and not the program.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
static inline long raw_call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* The program begins at start_in_c, with the address of what the kernel has put on the stack: argc, and then argv. */
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start_in_c\n");
#elif defined(__aarch64__)
static inline long raw_call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

__asm__(".globl _start\n_start: mov x0, sp\n bl start_in_c\n");
#else
#error "benches: there is no code for this processor yet"
#endif

static inline long raw_call(long number, long a, long b, long c)
{
    return raw_call6(number, a, b, c, 0, 0, 0);
}

static inline long long raw_now(void)
{
    struct timespec now;

    raw_call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

__attribute__((__noreturn__)) static inline void raw_exit(int status)
{
    for (;;) {
        raw_call(SYS_exit_group, status, 0, 0);
    }
}

__attribute__((__noreturn__)) void start_in_c(long *stack);

#endif /* BENCH_RAW_H */
