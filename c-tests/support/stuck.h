/*
 * Waits for a process that may be stuck for ever. If the kernel's memory for filters is locked up, a process that
 * installs a filter does not return from that call, and not even SIGKILL ends it. This was seen after hundreds of
 * thousands of filters in a short time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUCK_H
#define STUCK_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The state of a process as the letter that /proc shows, and its parent. Both are 0 if there is no such process. */
struct process_stat {
    char state;
    pid_t parent;
};

static struct process_stat stat_of(pid_t pid)
{
    struct process_stat stat = {0, 0};
    char path[64], text[512];
    const char *end;
    ssize_t n = -1;
    int fd, parent;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
    }
    text[n < 0 ? 0 : n] = '\0';
    end = strrchr(text, ')'); /* the name before it may have spaces and parentheses */
    if (end && sscanf(end + 1, " %c %d", &stat.state, &parent) == 2) {
        stat.parent = parent;
    }
    return stat;
}

__attribute__((__unused__)) static char process_state(pid_t pid)
{
    return stat_of(pid).state;
}

/* Waits for a child. False: the kernel has not let it go for a while, and it is abandoned. */
static bool ends(pid_t pid, int *status)
{
    enum { PATIENCE = 3000 }; /* looks, a millisecond apart */
    const struct timespec moment = {0, 1000000};

    for (int stuck = 0; stuck < PATIENCE;) {
        pid_t ended = waitpid(pid, status, WNOHANG);

        if (ended != 0) {
            return ended == pid;
        }
        stuck = process_state(pid) == 'D' ? stuck + 1 : 0;
        nanosleep(&moment, NULL);
    }
    return false;
}

#endif /* STUCK_H */
