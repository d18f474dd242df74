/*
 * Functions for the dynamic parts of the proof: the library under test, the count of experiments and violations, and
 * the signal state of a process as the kernel has it.
 *
 * Each part is a program of its own: PROGRAM [--quick] LIBRARY. LIBRARY is any shared object that exports qemu_fork;
 * nothing here is linked with it. The last line of the output is "RESULT experiments=N violations=M". The exit status
 * is 0 without violations, 1 with, and 77 with a line "SKIP: reason" if the machine lacks something that the part
 * needs.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PROOF_COMMON_H
#define PROOF_COMMON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One more than the highest signal; a kernel signal set is one bit for each. */
enum { SIGNALS = 65, SIGSET_BYTES = 8 };

/* The exit status of a part that this machine cannot run, as for Automake and Meson. */
enum { EXIT_SKIP = 77 };

/* An experiment that takes longer than this hangs. No sound one comes near it, so nothing depends on speed. */
enum { HANG_SECONDS = 60 };

static inline uint64_t bit_of(int sig)
{
    return UINT64_C(1) << (sig - 1);
}

/* ---- The library under test ---- */

typedef pid_t fork_function(void **errp);

struct library {
    const char *path;
    void *handle;
    fork_function *fork;
    /* A function that the library lacks is NULL: it may have no Error API. */
    void **error_abort;
    void **error_fatal;
    const char *(*error_get_pretty)(const void *err);
    void (*error_free)(void *err);
};

extern struct library library;
extern bool quick;

/*
 * Reads the command line and opens the library. The program starts itself anew once, so that all runs are alike: at
 * fixed addresses, with all symbols bound, and without malloc's per-thread cache, which mallinfo2() counts as used.
 */
void begin(int argc, char **argv);

/* Whether the library has the whole Error API. If not, says once what is left out. */
bool has_error_api(void);

/* ---- The verdict ---- */

/* Counts experiments. Any process of the part may call these three functions. */
void count_experiments(long n);

/* Counts a violation, and shows the first few of each kind in full. A kind is known by the address of its name. */
__attribute__((__format__(__printf__, 2, 3))) void violation(const char *kind, const char *fmt, ...);

/* Prints one line that is no verdict. */
__attribute__((__format__(__printf__, 1, 2))) void note(const char *fmt, ...);

/* Prints the last line. Returns main()'s result. */
int finish(void);

/* Skips the part, because this machine cannot run it. */
__attribute__((__format__(__printf__, 1, 2), __noreturn__)) void skip(const char *fmt, ...);

/* Says that something is left out, and goes on. */
void say_skip(const char *what);

/* The part itself does not work, and the library is not to blame: there is no result. */
__attribute__((__noreturn__)) void broken(const char *what);

/* Zeroed memory that is shared with all children. Never freed. */
void *shared_memory(size_t size);

/* ---- The signal state of a thread, from the kernel and not through libc ---- */

/* A flag that libc's sigaction() sets for itself. */
enum { RESTORER_FLAG = 0x04000000 };

struct disposition {
    uint64_t handler; /* 0: SIG_DFL, 1: SIG_IGN */
    uint64_t flags;   /* without SA_RESTORER, which libc sets for itself */
    uint64_t mask;
};

struct signal_state {
    uint64_t mask;
    uint64_t pending;
    struct disposition action[SIGNALS];
};

/* Async-signal-safe; leaves errno alone. */
void read_signal_state(struct signal_state *state);
uint64_t read_mask(void);
uint64_t read_pending(void);
void write_mask(uint64_t mask);

/* The signals that libc keeps for itself and sigaction() refuses (glibc: 32 and 33), as a set. */
uint64_t libc_signals(void);

/* The first signal, not in @except, whose disposition differs; 0 if there is none. */
int differing_disposition(const struct signal_state *a, const struct signal_state *b, uint64_t except);

/* The first signal, not in @except, whose disposition is not the default; 0 if there is none. */
int changed_disposition(const struct signal_state *state, uint64_t except);

/* A name such as "SIGUSR1" or "SIGRTMIN+2", good until the fourth next call. */
const char *signal_name(int sig);

/* ---- Processes ---- */

/* The ids of the calling thread and process, from the kernel: libc may keep stale ones. Async-signal-safe. */
pid_t raw_getpid(void);
pid_t raw_gettid(void);

/* Calls waitpid(), also for threads and clones. Signals do not end it. */
pid_t wait_for(pid_t pid, int *status);

/*
 * Kills a process group if it hangs, which a sound library never causes, and sets `timed_out`. While *@progress, which
 * may be NULL, changes, the group does not hang. With 0 no group is watched any more.
 */
void watch(pid_t group, const atomic_int *progress);
extern volatile int timed_out;

/* After a few hangs the rest is left out: the verdict is known, and the rest would take too long. */
bool enough_hangs(void);

/* The number of open descriptors of this process. Async-signal-safe. */
int count_descriptors(void);

/* The user that root becomes, so that a limit binds it. */
enum { NOBODY = 65534 };

/*
 * Makes fork fail with EAGAIN in this thread, by its limit on processes. Filters are only for failures that no limit
 * causes: the kernel compiles each filter, and cannot free hundreds of thousands of them in time.
 */
bool forbid_fork(void);

/*
 * Makes rt_sigprocmask() fail with @error, in this process and its children, if it both sets a mask and asks for the
 * old one, as a caller does that blocks its signals. Other calls of it are allowed. It cannot be undone.
 */
bool forbid_blocking(int error);

/* Whether that works here. If not, says so. */
bool have_filters(void);

#endif /* PROOF_COMMON_H */
