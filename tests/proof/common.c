/* See common.h. SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "common.h"

#include "../../c-tests/support/stuck.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* At most this many violations of one kind are shown in full, so that one fault does not hide another. */
enum { SHOWN = 20, SHOWN_OF_A_KIND = 4, KINDS = 64, MAX_HANGS = 2 };

struct library library;
bool quick;

static struct tally {
    atomic_long experiments;
    atomic_long violations;
    atomic_int hangs;
    atomic_int shown;
    struct {
        _Atomic(const char *) fmt;
        atomic_int count;
    } kinds[KINDS];
} *tally;

/*
 * All output goes through this function, in whole lines, because several processes write. A newline in the text is
 * escaped.
 */
static void say(const char *label, const char *fmt, va_list ap)
{
    char text[1024], line[2 * sizeof(text) + 32];
    size_t n = strlen(label);

    memcpy(line, label, n);
    vsnprintf(text, sizeof(text), fmt, ap);
    for (const char *c = text; *c; c++) {
        if (*c == '\n') {
            line[n++] = '\\';
        }
        line[n++] = *c == '\n' ? 'n' : *c;
    }
    line[n++] = '\n';
    if (write(STDOUT_FILENO, line, n) != (ssize_t)n) {
        _exit(99); /* the verdict cannot be written */
    }
}

void count_experiments(long n)
{
    atomic_fetch_add(&tally->experiments, n);
}

/* How many violations of this kind there were before this one. */
static int violations_like(const char *fmt)
{
    for (int i = 0; i < KINDS; i++) {
        const char *none = NULL;

        if (atomic_compare_exchange_strong(&tally->kinds[i].fmt, &none, fmt) || none == fmt) {
            return atomic_fetch_add(&tally->kinds[i].count, 1);
        }
    }
    return SHOWN_OF_A_KIND;
}

void violation(const char *kind, const char *fmt, ...)
{
    va_list ap;

    atomic_fetch_add(&tally->violations, 1);
    if (violations_like(kind) >= SHOWN_OF_A_KIND || atomic_fetch_add(&tally->shown, 1) >= SHOWN) {
        return;
    }
    va_start(ap, fmt);
    say("VIOLATION: ", fmt, ap);
    va_end(ap);
}

void note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say("NOTE: ", fmt, ap);
    va_end(ap);
}

int finish(void)
{
    long violations = atomic_load(&tally->violations);

    if (violations > SHOWN_OF_A_KIND) {
        note("of each kind of violation only the first few were shown");
    }
    if (enough_hangs()) {
        note("after %d experiments that hung, the rest was left out", atomic_load(&tally->hangs));
    }
    printf("RESULT experiments=%ld violations=%ld\n", atomic_load(&tally->experiments), violations);
    fflush(stdout);
    return violations != 0;
}

void say_skip(const char *what)
{
    printf("SKIP: %s\n", what);
}

void skip(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say("SKIP: ", fmt, ap);
    va_end(ap);
    exit(EXIT_SKIP);
}

void broken(const char *what)
{
    fprintf(stderr, "the harness itself failed: %s: %s\n", what, strerror(errno));
    _exit(99);
}

void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        broken("mmap");
    }
    return memory;
}

static void start_anew(char **argv)
{
    static const char mark[] = "QEMU_FORK_PROOF_STARTED";
    int persona = personality(0xffffffff);

    if (getenv(mark)) {
        return;
    }
    if (persona == -1 || personality((unsigned long)persona | ADDR_NO_RANDOMIZE) == -1) {
        note("address space randomisation stays on: %s", strerror(errno));
    }
    setenv(mark, "1", 1);
    setenv("LD_BIND_NOW", "1", 1);
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
    setenv("LC_ALL", "C", 1);
    execv("/proc/self/exe", argv);
    broken("execv");
}

static void open_library(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    library.path = path;
    library.handle = handle;
    library.fork = (fork_function *)(uintptr_t)dlsym(handle, "qemu_fork");
    if (!library.fork) {
        fprintf(stderr, "%s does not export qemu_fork\n", path);
        exit(2);
    }
    library.error_abort = (void **)dlsym(handle, "error_abort");
    library.error_fatal = (void **)dlsym(handle, "error_fatal");
    library.error_get_pretty = (const char *(*)(const void *))(uintptr_t)dlsym(handle, "error_get_pretty");
    library.error_free = (void (*)(void *))(uintptr_t)dlsym(handle, "error_free");
}

bool has_error_api(void)
{
    static bool told;
    bool has = library.error_abort && library.error_fatal && library.error_get_pretty && library.error_free;

    if (!has && !told) {
        told = true;
        note("the library lacks error_abort, error_fatal, error_get_pretty or error_free: what needs them is left out");
    }
    return has;
}

void begin(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--quick") == 0) {
        quick = true;
    } else if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: %s [--quick] LIBRARY\nLIBRARY is a shared object that exports qemu_fork.\n", argv[0]);
        exit(2);
    }
#ifndef __linux__
    skip("this part reads Linux's own idea of signals");
#endif
    start_anew(argv);
    tally = shared_memory(sizeof(*tally));
    open_library(argv[argc - 1]);
}

/* A kernel sigaction: handler, flags, on most processors a restorer, mask. Larger than any. */
union kernel_action {
    unsigned long words[16];
    struct {
        unsigned long handler, flags;
#ifdef SA_RESTORER
        unsigned long restorer;
#elif defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || defined(__arm__) || defined(__powerpc__) || \
    defined(__s390__)
        unsigned long restorer;
#endif
        unsigned char mask[SIGSET_BYTES];
    } known;
};

static void read_disposition(int sig, struct disposition *to)
{
    union kernel_action action = {{0}};

    syscall(SYS_rt_sigaction, sig, NULL, &action, SIGSET_BYTES);
    to->handler = action.known.handler;
    to->flags = action.known.flags & ~(unsigned long)RESTORER_FLAG;
    memcpy(&to->mask, action.known.mask, SIGSET_BYTES);
}

uint64_t read_mask(void)
{
    uint64_t mask = 0;
    int saved = errno;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, SIGSET_BYTES);
    errno = saved;
    return mask;
}

uint64_t read_pending(void)
{
    uint64_t pending = 0;
    int saved = errno;

    syscall(SYS_rt_sigpending, &pending, SIGSET_BYTES);
    errno = saved;
    return pending;
}

void write_mask(uint64_t mask)
{
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, SIGSET_BYTES) != 0) {
        broken("rt_sigprocmask");
    }
}

void read_signal_state(struct signal_state *state)
{
    int saved = errno;

    state->mask = read_mask();
    state->pending = read_pending();
    for (int sig = 1; sig < SIGNALS; sig++) {
        read_disposition(sig, &state->action[sig]);
    }
    errno = saved;
}

uint64_t libc_signals(void)
{
    static uint64_t kept;
    struct sigaction action;

    if (kept == 0) {
        for (int sig = 1; sig < SIGNALS; sig++) {
            if (sigaction(sig, NULL, &action) != 0) {
                kept |= bit_of(sig);
            }
        }
    }
    return kept;
}

int differing_disposition(const struct signal_state *a, const struct signal_state *b, uint64_t except)
{
    for (int sig = 1; sig < SIGNALS; sig++) {
        if (!(except & bit_of(sig)) && memcmp(&a->action[sig], &b->action[sig], sizeof(a->action[sig])) != 0) {
            return sig;
        }
    }
    return 0;
}

int changed_disposition(const struct signal_state *state, uint64_t except)
{
    for (int sig = 1; sig < SIGNALS; sig++) {
        if (!(except & bit_of(sig)) && (state->action[sig].handler != 0 || state->action[sig].flags != 0)) {
            return sig;
        }
    }
    return 0;
}

const char *signal_name(int sig)
{
    static const char *const names[] = {
        [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
        [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",
        [SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM", [SIGCHLD] = "SIGCHLD",
        [SIGCONT] = "SIGCONT", [SIGSTOP] = "SIGSTOP", [SIGURG] = "SIGURG",   [SIGWINCH] = "SIGWINCH",
    };
    static char buffers[4][24];
    static unsigned next;
    char *buffer = buffers[next++ % 4];

    if (sig > 0 && sig < (int)(sizeof(names) / sizeof(names[0])) && names[sig]) {
        return names[sig];
    }
    if (sig >= SIGRTMIN && sig <= SIGRTMAX) {
        snprintf(buffer, sizeof(buffers[0]), "SIGRTMIN+%d", sig - SIGRTMIN);
    } else {
        snprintf(buffer, sizeof(buffers[0]), "signal %d", sig);
    }
    return buffer;
}

pid_t raw_getpid(void)
{
    return (pid_t)syscall(SYS_getpid);
}

pid_t raw_gettid(void)
{
    return (pid_t)syscall(SYS_gettid);
}

pid_t wait_for(pid_t pid, int *status)
{
    pid_t got;

    do {
        got = waitpid(pid, status, __WALL);
    } while (got < 0 && errno == EINTR);
    return got;
}

volatile int timed_out;
static volatile pid_t watched_group;
static const atomic_int *volatile watched_progress;
static volatile int last_progress;

static void on_timeout(int sig)
{
    (void)sig;
    if (watched_progress && atomic_load(watched_progress) != last_progress) {
        last_progress = atomic_load(watched_progress);
        alarm(HANG_SECONDS);
    } else if (watched_group > 0) {
        timed_out = 1;
        atomic_fetch_add(&tally->hangs, 1);
        kill(-watched_group, SIGKILL);
    }
}

void watch(pid_t group, const atomic_int *progress)
{
    struct sigaction action = {.sa_handler = on_timeout, .sa_flags = SA_RESTART};

    if (group != 0) {
        timed_out = 0;
        sigaction(SIGALRM, &action, NULL);
    }
    last_progress = progress ? atomic_load(progress) : 0;
    watched_progress = progress;
    watched_group = group;
    alarm(group != 0 ? HANG_SECONDS : 0);
}

bool enough_hangs(void)
{
    return atomic_load(&tally->hangs) >= MAX_HANGS;
}

struct directory_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

int count_descriptors(void)
{
    _Alignas(struct directory_entry) char buffer[4096];
    int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = -1; /* this one */
    long n;

    if (fd < 0) {
        return -1;
    }
    while ((n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < n; at += ((struct directory_entry *)(buffer + at))->length) {
            count += ((struct directory_entry *)(buffer + at))->name[0] != '.';
        }
    }
    close(fd);
    return count;
}

bool forbid_fork(void)
{
    const struct rlimit none = {0, 0};

    /* Root is exempt from the limit, so it becomes another user: by the bare system call, for this thread alone. */
    return setrlimit(RLIMIT_NPROC, &none) == 0 &&
           (geteuid() != 0 || syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == 0);
}

/* Where the low half of a system call's argument lies. */
enum { LOW_HALF = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0 };

bool forbid_blocking(int error)
{
    /* Of the second and the third argument, addresses, both halves are looked at, in either byte order. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 0, 11),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + LOW_HALF),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SIG_SETMASK, 0, 9),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool have_filters(void)
{
    uint64_t all = ~UINT64_C(0), old;
    int status;
    pid_t pid = fork();

    if (pid < 0) {
        broken("fork");
    }
    if (pid == 0) {
        /* A reader of the part's output must not wait for this process. */
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        _exit(forbid_blocking(EPERM) && syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8) == -1 && errno == EPERM
                  ? 0 : 1);
    }
    if (ends(pid, &status) && status == 0) {
        return true;
    }
    say_skip("blocking signals cannot be made to fail: no seccomp filter can be installed here");
    return false;
}
