/*
 * The least that a child can be: no libc, no loader. What is measured is then the starting and not the program.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/syscall.h>

void _start(void);

void _start(void)
{
#if defined(__x86_64__)
    __asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_exit_group;
    register long status __asm__("x0") = 0;
    __asm__ volatile("svc 0" : : "r"(number), "r"(status) : "memory");
#else
#error "benches: nobody has written this for your processor yet"
#endif
    __builtin_unreachable();
}
