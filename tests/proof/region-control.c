/*
 * Replacements for the library's object, most of them with one fault, which region.py must find. They are never linked.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CHILD __attribute__((__section__(".text.qemu_fork_child"), __noinline__))

int control_variable;
void (*control_pointer)(void);
void control_elsewhere(void);

#ifdef CONTROL_PANIC
void _ZN4core9panicking5panic17h0123456789abcdefE(void);

void control_machinery(void)
{
    _ZN4core9panicking5panic17h0123456789abcdefE();
}
#endif

CHILD static void child(long number)
{
    sigset_t none;

    (void)number;
#if defined CONTROL_OUTSIDE
    puts("a child must not");
#elif defined CONTROL_VARIABLE
    control_variable = 1;
#elif defined CONTROL_INDIRECT
    control_pointer();
#elif defined CONTROL_ELSEWHERE
    control_elsewhere();
#elif defined CONTROL_UNKNOWN && defined __x86_64__
    __asm__ volatile("mov %0, %%rax\n\tsyscall" : : "r"(number) : "rax", "rcx", "r11", "memory");
#endif
    __builtin_memset(&none, 0, sizeof none);
    if (write(STDERR_FILENO, &none, 1) != 1) {
        _exit(1);
    }
}

#if defined CONTROL_SPAWN_CALLS || defined CONTROL_SPAWN_RETURNS
/* The code that a spawn runs in its child. */
CHILD int spawned(void *unused)
{
    (void)unused;
#ifdef CONTROL_SPAWN_RETURNS
    return 0;
#else
    _exit(1);
#endif
}

int control_spawn(char *stack)
{
    return clone(spawned, stack, CLONE_VM | CLONE_VFORK, NULL);
}
#endif

#if defined CONTROL_TRAMPOLINE && defined __x86_64__
/* Its child returns, to a parent that may have ended. The compiler gives the library's function this name. */
CHILD long _ZN9qemu_fork5child10trampoline6clone317h0123456789abcdefE(void *arguments, long size)
{
    long result = 435;

    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tnop\n1:" : "+a"(result) : "D"(arguments), "S"(size)
                     : "rcx", "r11", "memory");
    return result;
}

long control_enter(void *arguments)
{
    return _ZN9qemu_fork5child10trampoline6clone317h0123456789abcdefE(arguments, 64);
}
#endif

__attribute__((__noinline__, __section__(".text.elsewhere"))) void control_elsewhere(void)
{
    __asm__ volatile("");
}

pid_t qemu_fork(long number)
{
    int saved = errno;
    pid_t pid = fork();

    if (pid == 0) {
#ifdef CONTROL_WAY_IN
        control_elsewhere();
#endif
        child(number);
#ifdef CONTROL_WAY_OUT
        control_elsewhere();
#endif
        errno = saved;
        return 0;
    }
    return pid;
}
