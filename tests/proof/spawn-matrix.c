/*
 * Every signal, default, ignored or handled in the parent, under every kind of mask, through qemu_spawn() and exec.
 *
 * One spawn checks all signals at once. Each has one of the dispositions, and another in the next round. The executed
 * program is cat, which prints what the kernel says of it in /proc/self/status, so no code of this library or of this
 * harness runs in it. What it must have follows from the options. By default only the signals in `ignored` are ignored,
 * and none is blocked. With inherited signals it has the parent's mask and ignored signals, without those in
 * `defaulted` and with those in `ignored`. The parent's mask, dispositions and errno are compared as well. Facts are
 * counted: a fact is one signal in one of the kernel's sets.
 *
 * The signals that libc keeps for itself are set up by bare system calls.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "common.h"

#include "spawn-each-way.h"
#include "spawn-everything.h"
#include "spawn-library.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERRNO_BEFORE = 77, FIRST_SOURCE = 20 };

enum kind { BY_DEFAULT, IGNORED, HANDLED, KINDS };

/* The options beside those for signals. */
enum others { NOTHING_ELSE, EVERYTHING, JOB, OTHERS };

static const char *const others_names[OTHERS] = {"", ", everything set", ", a job"};

enum lists { NO_LIST, LIST_OF_IGNORED, LIST_OF_DEFAULTED, BOTH_LISTS, LISTS };

struct situation {
    enum way way;
    int rotation; /* signal s has the disposition number (s + rotation) % KINDS; from KINDS on all have the same */
    uint64_t mask;
    bool inherit;
    enum lists lists;
    enum others others;
    bool other_thread; /* the call comes from another thread than the main one, whose mask is the opposite */
};

/* The signals that no list and no disposition can change. */
static uint64_t unchangeable(void)
{
    return bit_of(SIGKILL) | bit_of(SIGSTOP);
}

static enum kind kind_of(const struct situation *situation, int sig)
{
    return (enum kind)(situation->rotation >= KINDS ? situation->rotation - KINDS
                                                    : (sig + situation->rotation) % KINDS);
}

static void on_signal(int sig)
{
    (void)sig;
}

/* By bare system calls, for all 64. Only the handler of SIGCHLD is called, so only that one needs libc's restorer. */
static void set_dispositions(const struct situation *situation)
{
    unsigned long action[8] = {0};

    for (int sig = 1; sig < SIGNALS; sig++) {
        enum kind kind = kind_of(situation, sig);

        action[0] = kind == HANDLED ? (unsigned long)(uintptr_t)on_signal : kind == IGNORED;
        if (sig == SIGCHLD && kind == HANDLED) {
            signal(sig, on_signal);
        } else {
            syscall(SYS_rt_sigaction, sig, action, NULL, SIGSET_BYTES); /* refused for two */
        }
    }
}

/* A list of the signals whose number modulo 5 is this, ended by 0. */
static const int *list_of(int rest, int list[SIGNALS])
{
    int n = 0;

    for (int sig = 1; sig < SIGNALS; sig++) {
        if (sig % 5 == rest || sig == SIGKILL || sig == 32) {
            list[n++] = sig;
        }
    }
    list[n] = 0;
    return list;
}

static uint64_t set_of(const int *list)
{
    uint64_t set = 0;

    for (; list && *list; list++) {
        set |= bit_of(*list);
    }
    return set & ~(unchangeable() | libc_signals());
}

/* ---- The program's state ---- */

struct sets {
    uint64_t blocked, ignored, caught, pending;
};

static bool parse(const char *text, struct sets *sets)
{
    const char *blocked = strstr(text, "SigBlk:"), *ignored = strstr(text, "SigIgn:");
    const char *caught = strstr(text, "SigCgt:");
    const char *pending = strstr(text, "SigPnd:"), *shared = strstr(text, "ShdPnd:");

    if (!blocked || !ignored || !caught || !pending || !shared) {
        return false;
    }
    sets->blocked = strtoull(blocked + 7, NULL, 16);
    sets->ignored = strtoull(ignored + 7, NULL, 16);
    sets->caught = strtoull(caught + 7, NULL, 16);
    sets->pending = strtoull(pending + 7, NULL, 16) | strtoull(shared + 7, NULL, 16);
    return true;
}

static bool read_sets(int fd, struct sets *sets)
{
    static char text[8192];
    size_t used = 0;
    ssize_t n;

    while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0 || (n < 0 && errno == EINTR)) {
        used += n > 0 ? (size_t)n : 0;
    }
    text[used] = '\0';
    close(fd);
    return parse(text, sets);
}

/* ---- One spawn ---- */

static void compare(const struct situation *of, const char *what, uint64_t got, uint64_t want)
{
    count_experiments(SIGNALS - 1);
    if (got != want) {
        int sig = __builtin_ctzll(got ^ want) + 1;

        violation(what,
                  "[%s, %s, rotation %d, mask %016" PRIx64 ", lists %d%s%s] %s: %016" PRIx64 " instead of %016" PRIx64
                  ": %s",
                  way_names[of->way], of->inherit ? "INHERIT" : "DEFAULT", of->rotation, of->mask, (int)of->lists,
                  of->other_thread ? ", another thread" : "", others_names[of->others], what, got, want, signal_name(sig));
    }
}

static void judge_program(const struct situation *of, const struct sets *sets, uint64_t ignored, uint64_t defaulted)
{
    struct sets want = {0};

    if (of->inherit) {
        want.blocked = of->mask & ~unchangeable();
        for (int sig = 1; sig < SIGNALS; sig++) {
            want.ignored |= kind_of(of, sig) == IGNORED ? bit_of(sig) : 0;
        }
        want.ignored &= ~(defaulted | unchangeable());
    }
    want.ignored |= ignored;
    compare(of, "blocked in the program", sets->blocked, want.blocked);
    compare(of, "ignored in the program", sets->ignored, want.ignored);
    compare(of, "caught in the program", sets->caught, 0);
    compare(of, "pending in the program", sets->pending, 0);
}

static void judge_parent(const struct situation *of, const struct signal_state *before,
                         const struct signal_state *after, int error)
{
    int sig = differing_disposition(before, after, 0);

    compare(of, "blocked in the parent", after->mask, before->mask);
    count_experiments(SIGNALS);
    if (sig != 0) {
        violation("parent", "[%s] the parent's disposition of %s has changed", way_names[of->way], signal_name(sig));
    }
    if (error != ERRNO_BEFORE) {
        violation("errno", "[%s] errno is %d in the parent", way_names[of->way], error);
    }
}

static void set_others(struct QemuSpawnOptions *options, enum others others)
{
    if (others == EVERYTHING) {
        set_everything(options, FIRST_SOURCE);
        if (geteuid() == 0) {
            set_groups(options);
        }
    } else if (others == JOB) {
        set_job(options, cgroup_of_jobs.own);
    }
}

static void *spawn(void *context)
{
    static const char *const program[] = {"/bin/cat", "/proc/self/status", NULL};
    static const char *const name[] = {"cat", "/proc/self/status", NULL}; /* searched for in the child's PATH */
    const struct situation *of = context;
    int list_of_ignored[SIGNALS], list_of_defaulted[SIGNALS];
    struct QemuSpawnOptions options = {
        .size = sizeof(options),
        .flags = QEMU_SPAWN_PIPE_STDOUT,
    };
    struct signal_state before, after;
    struct sets sets;
    QemuProcess *process;
    int error;

    set_others(&options, of->others);
    options.signals = of->inherit ? QEMU_SPAWN_SIGNALS_INHERIT : QEMU_SPAWN_SIGNALS_DEFAULT;
    options.ignored = of->lists & LIST_OF_IGNORED ? list_of(1, list_of_ignored) : NULL;
    options.defaulted = of->lists & LIST_OF_DEFAULTED ? list_of(2, list_of_defaulted) : NULL;
    write_mask(of->mask);
    read_signal_state(&before);
    errno = ERRNO_BEFORE;
    process = lib.spawn(of->others == JOB ? name : program, &options, NULL);
    error = errno;
    read_signal_state(&after);
    if (!process || !read_sets(lib.take_fd(process, 1), &sets)) {
        violation("spawn", "[%s] cat is not spawned, or shows nothing: %s", way_names[of->way], strerror(error));
        return NULL;
    }
    lib.wait(process, -1, NULL, NULL);
    lib.free(process);
    judge_program(of, &sets, set_of(options.ignored), set_of(options.defaulted));
    judge_parent(of, &before, &after, error);
    return NULL;
}

static void try(struct situation *of)
{
    pthread_t thread;

    set_dispositions(of);
    if (!of->other_thread) {
        spawn(of);
        return;
    }
    write_mask(~of->mask);
    if (pthread_create(&thread, NULL, spawn, of) != 0 || pthread_join(thread, NULL) != 0) {
        broken("a thread");
    }
}

/* ---- All of them ---- */

static void try_way_in(enum way way)
{
    static const uint64_t masks[] = {0, ~UINT64_C(0), UINT64_C(0xAAAAAAAAAAAAAAAA), UINT64_C(0x5A5A5A5AC3C3C3C3),
                                     UINT64_C(0x0000000180000000)};
    int n = 0;

    libc_signals(); /* while it can still be asked */
    prepare_jobs(way);
    if (!open_sources(FIRST_SOURCE)) {
        broken("opening descriptors");
    }
    for (int rotation = 0; rotation < 2 * KINDS; rotation++) {
        for (size_t mask = 0; mask < sizeof(masks) / sizeof(masks[0]); mask++) {
            for (int rest = 0; rest < 4 * LISTS * OTHERS; rest++) {
                struct situation of = {
                    .way = way,
                    .rotation = rotation,
                    .mask = masks[mask],
                    .inherit = rest & 1,
                    .other_thread = rest & 2,
                    .lists = (enum lists)(rest / 4 % LISTS),
                    .others = (enum others)(rest / 4 / LISTS),
                };

                if ((of.others != JOB || has_terminal) && (!quick || n++ % 13 == 0)) {
                    try(&of);
                }
            }
        }
    }
}

int main(int argc, char **argv)
{
    begin(argc, argv);
    need_spawn();
    prepare_cgroup();
    try_each_way(try_way_in, true);
    remove_cgroup();
    return finish();
}
