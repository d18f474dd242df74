/*
 * Functions for the tests of the process handle, beyond spawn.h: endings as one number, and limits for calls that might
 * hang.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HANDLE_H
#define HANDLE_H

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "spawn.h"

/* How a child ended, as end_of() returns it: its exit status, or KILLED_BY plus the signal. */
enum { UNKNOWN_END = -1, TIMED_OUT = -2, NOT_WAITED = -3, KILLED_BY = 1000 };

__attribute__((__unused__)) static int ending_of(const QemuProcessStatus *status)
{
    switch (status->end) {
    case QEMU_PROCESS_EXITED:
        return status->exit_code;
    case QEMU_PROCESS_SIGNALED:
        return KILLED_BY + status->term_signal;
    case QEMU_PROCESS_UNKNOWN:
        return UNKNOWN_END;
    default:
        return NOT_WAITED;
    }
}

/* Calls qemu_process_wait(). Returns the result as one number. */
__attribute__((__unused__)) static int wait_ms(QemuProcess *process, int64_t timeout_ms)
{
    QemuProcessStatus status = {.exit_code = -1};
    Error *err = NULL;
    int result = qemu_process_wait(process, timeout_ms, &status, &err);

    if (err) {
        printf("# %s\n", error_get_pretty(err));
        error_free(err);
        return NOT_WAITED;
    }
    return result == 1 ? ending_of(&status) : result == 0 ? TIMED_OUT : NOT_WAITED;
}

/* Waits until a child of this process has ended, and leaves it to be reaped. */
__attribute__((__unused__)) static void await_end(pid_t pid)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0) {
        if (errno != EINTR) {
            bail("waitid");
        }
    }
}

/* Waits until a child of this process is stopped. */
__attribute__((__unused__)) static void await_stop(pid_t pid)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT) != 0) {
        if (errno != EINTR) {
            bail("waitid");
        }
    }
}

/* Reads a byte from the other side; 0 at the end of the file. */
__attribute__((__unused__)) static char get_byte(int fd)
{
    char byte = 0;
    ssize_t n;

    do {
        n = read(fd, &byte, 1);
    } while (n == -1 && errno == EINTR);
    return n == 1 ? byte : 0;
}

__attribute__((__unused__)) static void put_byte(int fd, char byte)
{
    if (write(fd, &byte, 1) != 1) {
        bail("write");
    }
}

/* The number of open descriptors of this process. */
__attribute__((__unused__)) static int count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

/* The number of threads of this process. */
__attribute__((__unused__)) static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    int count = 0;

    while (tasks && (entry = readdir(tasks)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    if (tasks) {
        closedir(tasks);
    }
    return count;
}

/* Lets other threads run for a moment. Nothing is measured with it. */
__attribute__((__unused__)) static void yield_a_moment(void)
{
    const struct timespec moment = {0, 200000};

    nanosleep(&moment, NULL);
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* Lets other threads run for so long that a thread that spins is noticed. */
__attribute__((__unused__)) static void give_time_to_spin(void)
{
    for (int i = 0; i < 300; i++) {
        yield_a_moment();
    }
}

/*
 * How often a test looks whether a thread sleeps. In an emulator that does not get a processor all the time, the time
 * that it lacks counts as work of the thread, so one look may be wrong. A thread that spins is never found asleep.
 */
enum { LOOKS = 10 };

/* How often the calling thread has gone to sleep. */
static long sleeps(void)
{
    struct rusage usage = {.ru_nvcsw = 0};

    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/* Calls wait_ms(), and checks that the thread slept for most of the time, and did not just lack a processor. */
__attribute__((__unused__)) static int wait_measured(QemuProcess *process, int64_t timeout_ms, bool *slept)
{
    int64_t start = clock_us(CLOCK_MONOTONIC), worked = clock_us(CLOCK_THREAD_CPUTIME_ID);
    long slept_before = sleeps();
    int end = wait_ms(process, timeout_ms);

    worked = clock_us(CLOCK_THREAD_CPUTIME_ID) - worked;
    *slept = worked < (clock_us(CLOCK_MONOTONIC) - start) / 4 && sleeps() > slept_before;
    return end;
}

/* Ends the test if it hangs. The limit is so long that no machine is too slow for it. */
__attribute__((__unused__)) static void cast_net(void)
{
    alarm(net_seconds());
}

#endif /* HANDLE_H */
