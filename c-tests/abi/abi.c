/*
 * Compares sizes and numbers that the library has for the platform with the platform's C headers. Where the headers
 * have other values, as for the signal sets of 32-bit processors, the kernel is asked.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#ifndef _WIN32
#include <pthread.h>
#endif
#ifdef __linux__
#include <linux/ioctl.h>
#include <linux/types.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
/* Older kernel headers lack some of these. */
#if __has_include(<linux/close_range.h>)
#include <linux/close_range.h>
#endif
#if __has_include(<linux/pidfd.h>)
#include <linux/pidfd.h>
#endif
#if __has_include(<linux/sched.h>)
#include <linux/sched.h>
#endif
#if __has_include(<linux/wait.h>)
#include <linux/wait.h>
#endif
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
BELIEVED(PTHREAD_CANCEL_DISABLE);

static void check_signals(void)
{
#ifdef _SIG_MAXSIG /* FreeBSD: NSIG leaves out the real-time signals */
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
    CHECK(PTHREAD_CANCEL_DISABLE, PTHREAD_CANCEL_DISABLE);
}
#endif

#ifdef __linux__
BELIEVED(SYS_rt_sigaction);
BELIEVED(CLONE_CLEAR_SIGHAND);
BELIEVED(CLOSE_RANGE_UNSHARE);
BELIEVED(P_PID);
BELIEVED(P_PIDFD);
BELIEVED(PIDFD_GET_INFO);
BELIEVED(PIDFD_INFO_EXIT);
BELIEVED(kernel_sigset_size);
BELIEVED(kernel_sigaction_size);

/* Constants that older headers lack. Then the expected value is the one of newer kernel headers. */
static void check_young(void)
{
#ifdef CLONE_CLEAR_SIGHAND
    CHECK(CLONE_CLEAR_SIGHAND, CLONE_CLEAR_SIGHAND);
#else
    CHECK(CLONE_CLEAR_SIGHAND, 0x100000000);
#endif
#ifdef CLOSE_RANGE_UNSHARE
    CHECK(CLOSE_RANGE_UNSHARE, CLOSE_RANGE_UNSHARE);
#else
    CHECK(CLOSE_RANGE_UNSHARE, 2);
#endif
#ifdef P_PIDFD
    CHECK(P_PID, P_PID);
    CHECK(P_PIDFD, P_PIDFD);
#else
    CHECK(P_PID, 1);
    CHECK(P_PIDFD, 3);
#endif
#ifdef PIDFD_INFO_EXIT
    CHECK(PIDFD_INFO_EXIT, PIDFD_INFO_EXIT);
    /* The structure has grown. The number contains the size of its first version. */
    CHECK(PIDFD_GET_INFO, (unsigned)_IOC(_IOC_READ | _IOC_WRITE, 0xFF, _IOC_NR(PIDFD_GET_INFO), PIDFD_INFO_SIZE_VER0));
    is_int(offsetof(struct pidfd_info, exit_code), 60, "the offset of exit_code");
#else
    CHECK(PIDFD_INFO_EXIT, 8);
    CHECK(PIDFD_GET_INFO, (unsigned)_IOC(_IOC_READ | _IOC_WRITE, 0xFF, 11, 64));
#endif
}

/* The kernel accepts one size of signal sets only. It must not read more of a sigaction than the library has. */
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
               "rt_sigaction() accepts the library's size of a set and no other");
    }
    sigaction(SIGUSR1, &ignore, NULL);
    is_int(syscall(SYS_rt_sigaction, SIGUSR1, memory + page - abi_kernel_sigaction_size, NULL,
                   abi_kernel_sigset_size), 0,
           "rt_sigaction() reads no more than the library has");
    sigaction(SIGUSR1, NULL, &action);
    ok(action.sa_handler == SIG_DFL && action.sa_flags == 0, "it sets the default disposition");
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
    ok(abi_errno_location() == &errno, "the address of errno");
#ifndef _WIN32
    check_signals();
#endif
#ifdef __linux__
    check_kernel();
    check_young();
#endif
    return done();
}
