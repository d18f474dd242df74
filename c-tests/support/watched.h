/*
 * Runs calls in a process of their own, because a defect may hang a call so that no signal in that process helps. The
 * process counts its steps. The test looks at it from outside, and ends it if it has slept for long without a step.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef WATCHED_H
#define WATCHED_H

#include "handle.h"
#include "stuck.h"

/* In shared memory: how far the process has come, and its report. */
struct watched {
    int progress;
    bool finished; /* it came to the end of its function */
    char words[4096];
    size_t length;
};

static struct watched *watched;

__attribute__((__unused__)) static void progress(void)
{
    __atomic_add_fetch(&watched->progress, 1, __ATOMIC_SEQ_CST);
}

/* A line for the test, which prints it if a check fails. */
__attribute__((__unused__, __format__(__printf__, 1, 2))) static void tell(const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(watched->words + watched->length, sizeof(watched->words) - watched->length, fmt, ap);
    va_end(ap);
    if (n > 0) {
        watched->length += (size_t)n;
        if (watched->length >= sizeof(watched->words)) {
            watched->length = sizeof(watched->words) - 1;
        }
    }
}

/* Finds the children of a process in /proc, zombies too. Returns their number. */
__attribute__((__unused__)) static int children_of(pid_t pid, pid_t *list, int room)
{
    DIR *listing = opendir("/proc");
    struct dirent *entry;
    int n = 0;

    while (listing && n < room && (entry = readdir(listing)) != NULL) {
        pid_t other = (pid_t)atoi(entry->d_name);

        if (other > 0 && stat_of(other).parent == pid) {
            list[n++] = other;
        }
    }
    if (listing) {
        closedir(listing);
    }
    return n;
}

/* Ends a process and its children. The children come first, because the process may be stuck until one of them ends. */
__attribute__((__unused__)) static void end_family(pid_t pid)
{
    pid_t list[64];
    int n = children_of(pid, list, 64);

    kill(pid, SIGSTOP); /* it makes no more children */
    for (int i = 0; i < n; i++) {
        kill(list[i], SIGKILL);
    }
    n = children_of(pid, list, 64);
    for (int i = 0; i < n; i++) {
        kill(list[i], SIGKILL);
    }
    kill(pid, SIGKILL);
}

/* Called for a process that hangs, before it is ended, to remove the cause. */
static void (*release_hung)(void);

/* The number of looks, a millisecond apart, that must show the same. */
static int patience = 6000;

/* Whether a child ends. A child that sleeps for many looks and does no step meanwhile is ended: false. */
static bool watch(pid_t pid, int *status)
{
    const struct timespec moment = {0, 1000000};
    int before = watched->progress, looks = 0, all_looks = 0;

    while (waitpid(pid, status, WNOHANG) == 0) {
        int now = __atomic_load_n(&watched->progress, __ATOMIC_SEQ_CST);
        char state = process_state(pid);

        looks = now == before && (state == 'D' || state == 'S' || state == 'T') ? looks + 1 : 0;
        /* A child that polls for something that never comes is seen running now and then. */
        all_looks = now == before ? all_looks + 1 : 0;
        before = now;
        if (looks == patience || all_looks == 4 * patience) {
            if (release_hung) {
                release_hung();
            }
            end_family(pid);
            if (!ends(pid, status)) {
                printf("# not even SIGKILL ends it\n");
            }
            return false;
        }
        nanosleep(&moment, NULL);
    }
    return true;
}

/*
 * Calls body(arg) in a new process, which must end: one check, and true if it did. Its report is in watched->words.
 */
__attribute__((__unused__)) static bool run_watched(void (*body)(void *), void *arg, const char *what)
{
    const struct rlimit no_core = {0, 0};
    int status = -1;
    bool has_ended;
    pid_t pid;

    if (!watched) {
        watched = shared_memory(sizeof(*watched));
    }
    memset(watched, 0, sizeof(*watched));
    cast_net();
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        setrlimit(RLIMIT_CORE, &no_core);
        body(arg);
        watched->finished = true;
        _exit(0);
    }
    has_ended = watch(pid, &status);
    if (ok(has_ended && watched->finished && status == 0, "%s: it comes to its end", what)) {
        return true;
    }
    printf("# %s, after %d steps; wait status 0x%x\n", has_ended ? "it ended early" : "it hangs", watched->progress,
           (unsigned)status);
    for (char *line = strtok(watched->words, "\n"); line; line = strtok(NULL, "\n")) {
        printf("# %s\n", line);
    }
    return false;
}

#endif /* WATCHED_H */
