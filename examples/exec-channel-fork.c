/*
 * exec-channel-fork: runs helpers by fork() and exec, from a process with threads and signal handlers
 *
 * usage: exec-channel-fork [FILE]
 *
 * First it shows what a child finds after plain fork() and after qemu_fork(): the signals it blocks, ignores and
 * catches, and how often a handler of the parent ran in it while the whole process group was being signalled, as a
 * terminal does. Then it streams FILE (without one: the C library) through "gzip -c" and "gzip -dc", which it starts
 * by qemu_fork(), dup2() and exec, under a storm of SIGUSR1, and checks that every byte came back. That is how QEMU's
 * exec: channel did it; exec-channel.c does the same by qemu_spawn(), in far less code.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

#include "known-state.h"

/* Shared with all children, and counted atomically. */
struct Shared {
    long storm_shots;       /* signals sent to the process group */
    long handled_in_child;  /* handler runs in a process that is not the parent */
    long handled_in_parent;
};

static struct Shared *shared;
static pid_t parent;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* These are the same in C and in C++, which disagree on <stdatomic.h>. */
static long count_of(const long *counter)
{
    return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void count(long *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

static bool is_set(const void *flag)
{
    return __atomic_load_n((const bool *)flag, __ATOMIC_SEQ_CST);
}

static void set(bool *flag)
{
    __atomic_store_n(flag, true, __ATOMIC_SEQ_CST);
}

/* A program's handler: it believes that it runs in its own process. */
static void handler(int signum)
{
    (void)signum;
    count(getpid() == parent ? &shared->handled_in_parent : &shared->handled_in_child);
}

static void *bystander(void *until)
{
    while (!is_set(until)) {
        free(malloc(100));
        sched_yield();
    }
    return NULL;
}

/* What a large program does to its signals. */
static void set_up_signals(void)
{
    struct sigaction action; /* without SA_RESTART: system calls are interrupted */
    sigset_t blocked;

    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

/* The three lines of /proc/self/status about a process's signals. */
enum { BLOCKED, IGNORED, CAUGHT, N_SETS };

static const char *const set_names[N_SETS] = {"SigBlk", "SigIgn", "SigCgt"};

/* A child that stays until it has been hit a few times, writes its sets to a pipe, and ends. */
static void child_report(int fd)
{
    long shots = count_of(&shared->storm_shots);
    char status[8192];
    ssize_t length;
    int in;

    while (count_of(&shared->storm_shots) < shots + 5) {
        sched_yield();
    }
    in = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    while ((length = read(in, status, sizeof(status))) < 0) {
    }
    while (write(fd, status, (size_t)length) < 0) {
    }
    _exit(0);
}

static pid_t plain_fork(Error **errp)
{
    pid_t pid = fork();

    if (pid < 0) {
        error_setg_errno(errp, errno, "cannot fork child process");
    }
    return pid;
}

static ssize_t read_again(int fd, void *buffer, size_t size)
{
    ssize_t n;

    while ((n = read(fd, buffer, size)) < 0 && errno == EINTR) {
    }
    return n;
}

static void reap(pid_t pid, const char *what)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            fail("waitpid");
        }
    }
    if (status != 0) {
        fprintf(stderr, "%s ended with wait status 0x%x\n", what, (unsigned)status);
        exit(1);
    }
}

/* Makes children in this way, and prints their sets and how often a handler of the parent ran in one. */
static long try_fork(pid_t (*make)(Error **), int n, unsigned long long sets[N_SETS])
{
    long before = count_of(&shared->handled_in_child);

    for (int i = 0; i < n; i++) {
        char status[8192];
        size_t length = 0;
        ssize_t got;
        int fds[2];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) != 0) {
            fail("pipe");
        }
        pid = make(&error_fatal);
        if (pid == 0) {
            child_report(fds[1]);
        }
        close(fds[1]);
        while ((got = read_again(fds[0], status + length, sizeof(status) - 1 - length)) > 0) {
            length += (size_t)got;
        }
        status[length] = '\0';
        close(fds[0]);
        reap(pid, "a child");
        for (int set = 0; set < N_SETS; set++) {
            const char *line = strstr(status, set_names[set]);

            sets[set] = line ? strtoull(line + strlen(set_names[set]) + 1, NULL, 16) : ~0ULL;
        }
    }
    return count_of(&shared->handled_in_child) - before;
}

/* A signal's short name, or NULL: only new versions of glibc have a function for that, and musl has none. */
static const char *short_name(int sig)
{
    static const struct {
        int sig;
        const char *name;
    } names[] = {
        {SIGHUP, "HUP"},   {SIGINT, "INT"},   {SIGQUIT, "QUIT"}, {SIGUSR1, "USR1"}, {SIGUSR2, "USR2"},
        {SIGPIPE, "PIPE"}, {SIGALRM, "ALRM"}, {SIGTERM, "TERM"}, {SIGCHLD, "CHLD"}, {SIGWINCH, "WINCH"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].sig == sig) {
            return names[i].name;
        }
    }
    return NULL;
}

/* The names of a set of signals, for people. */
static const char *describe(unsigned long long set, char text[64])
{
    size_t length = 0;

    text[0] = '\0';
    for (int sig = 1; sig <= 64; sig++) {
        const char *name = short_name(sig);
        char number[16];

        if (!(set >> (sig - 1) & 1)) {
            continue;
        }
        snprintf(number, sizeof(number), "%d", sig);
        length += (size_t)snprintf(text + length, 64 - length, "%s%s", length ? " " : "", name ? name : number);
        if (length >= 64) {
            return "many";
        }
    }
    return length ? text : "none";
}

/* Sends SIGWINCH to the whole group, as a terminal does when its window changes, until it is killed. */
static pid_t start_group_storm(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the parent fail */
        signal(SIGWINCH, SIG_IGN);
        for (;;) {
            kill(0, SIGWINCH);
            count(&shared->storm_shots);
            sched_yield();
        }
    }
    return pid;
}

static bool compare_forks(void)
{
    enum { CHILDREN = 50 };
    static const unsigned long long GLIBC_SIGNALS = 3ULL << 31; /* 32 and 33 */
    static const char *const rows[N_SETS] = {"signals blocked", "signals ignored", "signals caught"};
    unsigned long long after_fork[N_SETS], after_qemu_fork[N_SETS];
    pid_t storm = start_group_storm();
    long in_fork = try_fork(plain_fork, CHILDREN, after_fork);
    long in_qemu_fork = try_fork(qemu_fork, CHILDREN, after_qemu_fork);
    char text[2][64];
    bool clean = true;

    kill(storm, SIGKILL);
    waitpid(storm, NULL, 0);
    printf("what %d children find%*s| after fork()            | after qemu_fork()\n", CHILDREN, 15, "");
    printf("------------------------------------+-------------------------+------------------\n");
    for (int set = 0; set < N_SETS; set++) {
        printf("%-36s| %-24s| %s\n", rows[set], describe(after_fork[set], text[0]),
               describe(after_qemu_fork[set], text[1]));
    }
    printf("%-36s| %-24ld| %ld\n", "runs of a parent's handler in them", in_fork, in_qemu_fork);
    printf("(32 and 33 are glibc's own, for pthread_cancel() and setuid().)\n\n");
    for (int set = 0; set < N_SETS; set++) {
        clean = clean && (after_qemu_fork[set] & ~GLIBC_SIGNALS) == 0;
    }
    return clean && in_fork > 0 && in_qemu_fork == 0;
}

/* Starts "gzip OPTION" between two descriptors, which are closed here. */
static pid_t start_gzip(const char *option, int in, int out)
{
    Error *err = NULL;
    pid_t pid = qemu_fork(&err);

    if (pid == 0) {
        if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0) {
            execlp("gzip", "gzip", option, (char *)NULL);
        }
        _exit(127);
    }
    if (pid < 0) {
        error_reportf_err(err, "gzip: ");
        exit(1);
    }
    close(in);
    close(out);
    return pid;
}

struct File {
    const unsigned char *bytes;
    size_t size;
};

struct Feed {
    struct File file;
    int fd;
};

static void *feed(void *opaque)
{
    struct Feed *to = (struct Feed *)opaque;
    size_t done = 0;

    while (done < to->file.size) {
        ssize_t n = write(to->fd, to->file.bytes + done, to->file.size - done);

        if (n < 0 && errno != EINTR) {
            fail("write to gzip");
        }
        done += n > 0 ? (size_t)n : 0;
    }
    close(to->fd);
    return NULL;
}

static void *signal_storm(void *until)
{
    while (!is_set(until)) {
        kill(parent, SIGUSR1);
    }
    return NULL;
}

/* Streams the file through both helpers and compares the result. */
static bool round_trip(struct File file)
{
    bool stop = false;
    long signals_before = count_of(&shared->handled_in_parent);
    struct Feed to = {.file = file};
    int in[2], middle[2], out[2];
    pthread_t storm, feeder;
    pid_t compress, expand;
    unsigned char buffer[65536];
    size_t done = 0;
    bool same = true;
    ssize_t n;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(middle, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        fail("pipe");
    }
    pthread_create(&storm, NULL, signal_storm, &stop);
    compress = start_gzip("-c", in[0], middle[1]);
    expand = start_gzip("-dc", middle[0], out[1]);
    to.fd = in[1];
    pthread_create(&feeder, NULL, feed, &to);
    while ((n = read_again(out[0], buffer, sizeof(buffer))) > 0) {
        same = same && done + (size_t)n <= file.size && memcmp(file.bytes + done, buffer, (size_t)n) == 0;
        done += (size_t)n;
    }
    pthread_join(feeder, NULL);
    reap(compress, "gzip -c");
    reap(expand, "gzip -dc");
    set(&stop);
    pthread_join(storm, NULL);
    close(out[0]);
    same = same && done == file.size;
    printf("%zu bytes through gzip -c and gzip -dc, under %ld signals: %s\n", file.size,
           count_of(&shared->handled_in_parent) - signals_before,
           same ? "every byte came back" : "NOT THE SAME");
    return same;
}

static struct File map_file(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    struct File file;
    void *bytes;

    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(name);
    }
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        fail(name);
    }
    close(fd);
    file.bytes = (unsigned char *)bytes;
    file.size = (size_t)st.st_size;
    return file;
}

/* The C library that this program runs with: a file of about 2 MiB that is always there. */
static const char *c_library(void)
{
    static char line[4096];
    FILE *maps = fopen("/proc/self/maps", "re");

    while (maps && fgets(line, sizeof(line), maps)) {
        char *path = strchr(line, '/');

        if (path && (strstr(path, "libc.so") || strstr(path, "libc-"))) {
            path[strcspn(path, "\n")] = '\0';
            fclose(maps);
            return path;
        }
    }
    return "/proc/self/exe";
}

int main(int argc, char **argv)
{
    struct File file;
    bool stop = false;
    pthread_t thread;
    bool good;

    begin_in_known_state();
    file = map_file(argc > 1 ? argv[1] : c_library());
    parent = getpid();
    setpgid(0, 0); /* so that the storm reaches no other process */
    shared = (struct Shared *)mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fail("mmap");
    }
    set_up_signals();
    if (pthread_create(&thread, NULL, bystander, &stop) != 0) {
        fail("pthread_create");
    }
    printf("qemu-fork %s\n\n", qemu_fork_version());
    fflush(stdout);
    good = compare_forks();
    good = round_trip(file) && good;
    set(&stop);
    pthread_join(thread, NULL);
    return good ? 0 : 1;
}
