/*
 * What the library believes about the platform, against the platform's C headers, and against its kernel where the
 * headers do not tell: they show the old signal sets of 32-bit processors.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "tap.h"

#define BELIEVED(name) extern const int64_t abi_##name
#define CHECK(name, value) is_int(abi_##name, (long long)(value), #name)

BELIEVED(pid_t_size);
BELIEVED(pid_t_minus_one);
BELIEVED(int_size);
BELIEVED(size_t_size);
BELIEVED(EINTR);
BELIEVED(ENOSYS);
int *abi_errno_location(void);

#ifndef _WIN32
BELIEVED(NSIG);
BELIEVED(SIG_SETMASK);
BELIEVED(SIGKILL);
BELIEVED(SIGSTOP);
BELIEVED(sigset_t_size);
BELIEVED(sigset_t_align);
BELIEVED(sigaction_size);

static void check_signals(void)
{
#ifdef _SIG_MAXSIG /* FreeBSD: NSIG is of the time before real-time signals */
    CHECK(NSIG, _SIG_MAXSIG + 1);
#elif defined _NSIG
    CHECK(NSIG, _NSIG);
#else
    CHECK(NSIG, NSIG);
#endif
    CHECK(SIG_SETMASK, SIG_SETMASK);
    CHECK(SIGKILL, SIGKILL);
    CHECK(SIGSTOP, SIGSTOP);
    CHECK(sigset_t_size, sizeof(sigset_t));
    CHECK(sigset_t_align, _Alignof(sigset_t));
    CHECK(sigaction_size, sizeof(struct sigaction));
}
#endif

#ifdef __linux__
BELIEVED(SYS_rt_sigaction);
BELIEVED(kernel_sigset_size);
BELIEVED(kernel_sigaction_size);

/* The kernel wants one size of sets and no other. It reads a sigaction no farther than the library writes one. */
static void check_kernel(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction action;

    CHECK(SYS_rt_sigaction, SYS_rt_sigaction);
    if (memory == MAP_FAILED || mprotect(memory + page, page, PROT_NONE) != 0) {
        bail("mmap");
    }
    for (long size = 1; size <= 32; size *= 2) {
        is_int(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, size), size == abi_kernel_sigset_size ? 0 : -1,
               "rt_sigaction() takes a set of this size, or does not");
    }
    sigaction(SIGUSR1, &ignore, NULL);
    is_int(syscall(SYS_rt_sigaction, SIGUSR1, memory + page - abi_kernel_sigaction_size, NULL, abi_kernel_sigset_size), 0,
           "rt_sigaction() reads no more than the library has");
    sigaction(SIGUSR1, NULL, &action);
    ok(action.sa_handler == SIG_DFL && action.sa_flags == 0, "and finds the default disposition");
}
#endif

int main(void)
{
    CHECK(pid_t_size, sizeof(pid_t));
    CHECK(pid_t_minus_one, (pid_t)-1);
    CHECK(int_size, sizeof(int));
    CHECK(size_t_size, sizeof(size_t));
    CHECK(EINTR, EINTR);
    CHECK(ENOSYS, ENOSYS);
    ok(abi_errno_location() == &errno, "errno is where it is");
#ifndef _WIN32
    check_signals();
#endif
#ifdef __linux__
    check_kernel();
#endif
    return done();
}
