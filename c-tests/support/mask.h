/*
 * Sets of signals as 64 bits, bit 0 for signal 1, as /proc shows them: a thread's mask, a process's handlers.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MASK_H
#define MASK_H

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

#define BIT(signum) (UINT64_C(1) << ((signum) - 1))

/* The signals that libc keeps for itself, which cannot be blocked: glibc 32 and 33, musl 34 too. */
#define LIBC_SIGNALS ((BIT(SIGRTMIN) - 1) & ~(BIT(32) - 1))
#define ALL_BLOCKABLE (~(LIBC_SIGNALS | BIT(SIGKILL) | BIT(SIGSTOP)))
/* The same, without those that this machine lacks: qemu-user has no signal 64, because it needs one itself. */
#define BLOCKABLE (ALL_BLOCKABLE & existing_signals)

static uint64_t existing_signals = ~UINT64_C(0);

/* One line of a status file of /proc, "SigBlk" say. No malloc: a child may call this. False if it cannot be read. */
__attribute__((__unused__)) static bool read_status_set(const char *path, const char *field, uint64_t *set)
{
    char text[8192];
    size_t length = 0;
    ssize_t n;
    const char *line;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return false;
    }
    while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0) {
        length += (size_t)n;
    }
    close(fd);
    text[length] = '\0';
    line = strstr(text, field);
    if (!line || line[strlen(field)] != ':') {
        return false;
    }
    *set = 0;
    for (line += strlen(field) + 1; *line && *line != '\n'; line++) {
        if (*line >= '0' && *line <= '9') {
            *set = *set << 4 | (uint64_t)(*line - '0');
        } else if (*line >= 'a' && *line <= 'f') {
            *set = *set << 4 | (uint64_t)(*line - 'a' + 10);
        }
    }
    return true;
}

/* The same for a line that must be there. */
__attribute__((__unused__)) static uint64_t status_set(const char *path, const char *field)
{
    uint64_t set;

    if (!read_status_set(path, field, &set)) {
        bail(path);
    }
    return set;
}

__attribute__((__unused__)) static uint64_t bits_of(const sigset_t *set)
{
    uint64_t bits = 0;

    for (int sig = 1; sig <= 64 && sig < NSIG; sig++) {
        bits |= sigismember(set, sig) == 1 ? BIT(sig) : 0;
    }
    return bits;
}

/* Tries each signal, before main(), because a filter may forbid that later. */
__attribute__((__constructor__)) static void find_existing_signals(void)
{
    uint64_t all = ~UINT64_C(0), old = 0;

    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all)) == 0) {
        (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, &existing_signals, sizeof(old));
    }
}

/* Whether /proc shows this program's own masks. Under an emulator it shows the emulator's. */
__attribute__((__unused__)) static bool proc_tells_masks(void)
{
    sigset_t saved, set;
    bool same;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 4);
    sigprocmask(SIG_SETMASK, &set, &saved);
    same = status_set("/proc/thread-self/status", "SigBlk") == (BIT(SIGUSR2) | BIT(SIGRTMIN + 4));
    sigprocmask(SIG_SETMASK, &saved, NULL);
    return same;
}

/* The calling thread's mask, also if a filter forbids to ask for it. */
__attribute__((__unused__)) static uint64_t own_mask(void)
{
    int saved_errno = errno;
    uint64_t bits;
    sigset_t set;

    bits = sigprocmask(SIG_SETMASK, NULL, &set) == 0 ? bits_of(&set) : status_set("/proc/thread-self/status", "SigBlk");
    errno = saved_errno;
    return bits;
}

/* Sets a mask that no process has by accident. */
__attribute__((__unused__)) static void block_a_few(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGRTMIN + 3);
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0) {
        bail("sigprocmask");
    }
}

#endif /* MASK_H */
