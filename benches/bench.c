/*
 * Measures starting a child beside what one would use instead, in one process and one run; bench.py runs it and judges.
 *
 * usage: bench SCENARIO ROUNDS SEED TINY [MEBIBYTES [DESCRIPTORS]]
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>

#include "bench.h"

extern char **environ;

static const char *tiny[] = {NULL, NULL};
/* What the child of the `end` scenario tells: when it ended. */
static volatile uint64_t *end_of_child;
static const char *end_child[4];

static void reap(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        die("a child");
    }
}

/* --- programs, until they are reaped --- */

static void one_qemu_spawn(const char *const *argv)
{
    QemuProcessStatus status;
    QemuProcess *process = qemu_spawn(argv, NULL, NULL);

    if (!process || qemu_process_wait(process, -1, &status, NULL) != 1 || status.exit_code != 0) {
        die("qemu_spawn");
    }
    qemu_process_free(process);
}

static void one_posix_spawn(bool clean)
{
    posix_spawnattr_t attributes;
    sigset_t all, none;
    pid_t pid;

    posix_spawnattr_init(&attributes);
    if (clean) {
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    if (posix_spawn(&pid, tiny[0], NULL, &attributes, (char *const *)tiny, environ) != 0) {
        die("posix_spawn");
    }
    posix_spawnattr_destroy(&attributes);
    reap(pid);
}

static void one_fork_exec(pid_t (*make)(void))
{
    pid_t pid = make();

    if (pid == 0) {
        execve(tiny[0], (char *const *)tiny, environ);
        _exit(127);
    }
    reap(pid);
}

#define REPEATED(name, call)                                                                                           \
    static uint64_t name(unsigned times)                                                                               \
    {                                                                                                                  \
        uint64_t start = now();                                                                                        \
                                                                                                                       \
        while (times--) {                                                                                              \
            call;                                                                                                      \
        }                                                                                                              \
        return now() - start;                                                                                          \
    }

static pid_t our_fork(void)
{
    return qemu_fork(NULL);
}

/* In the child of vfork() nothing may return, so it is written out. */
static void one_vfork_exec(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        execve(tiny[0], (char *const *)tiny, environ);
        _exit(127);
    }
    reap(pid);
}

REPEATED(spawn_qemu, one_qemu_spawn(tiny))
REPEATED(spawn_posix_clean, one_posix_spawn(true))
REPEATED(spawn_posix, one_posix_spawn(false))
REPEATED(spawn_vfork, one_vfork_exec())
REPEATED(spawn_fork, one_fork_exec(fork))
REPEATED(spawn_qemu_fork, one_fork_exec(our_fork))

/* --- forks that end at once --- */

/* What QEMU's own does, told in our words: sixty-two calls of libc's sigaction() in the child. */
static pid_t plain_c_fork(void)
{
    sigset_t all, old;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = fork();
    if (pid != 0) {
        int error = errno;

        pthread_sigmask(SIG_SETMASK, &old, NULL);
        errno = error;
        return pid;
    }
    struct sigaction action = {.sa_handler = SIG_DFL};

    sigemptyset(&action.sa_mask);
    for (int i = 1; i < NSIG; i++) {
        sigaction(i, &action, NULL);
    }
    sigemptyset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return 0;
}

static uint64_t forks(unsigned times, pid_t (*make)(void), bool until_reaped)
{
    uint64_t sum = 0;

    while (times--) {
        uint64_t start = now();
        pid_t pid = make();

        if (pid == 0) {
            _exit(0);
        }
        uint64_t returned = now();

        reap(pid);
        sum += (until_reaped ? now() : returned) - start;
    }
    return sum;
}

static uint64_t fork_return(unsigned times) { return forks(times, fork, false); }
static uint64_t fork_done(unsigned times) { return forks(times, fork, true); }
static uint64_t qemu_fork_return(unsigned times) { return forks(times, our_fork, false); }
static uint64_t qemu_fork_done(unsigned times) { return forks(times, our_fork, true); }
static uint64_t plain_c_done(unsigned times) { return forks(times, plain_c_fork, true); }

/* The unit in which the child's work is counted: one rt_sigaction in a fresh child, which pays its page faults. */
static uint64_t raw_sigaction(unsigned times)
{
    unsigned long action[5] = {0};
    uint64_t start = now();

    for (unsigned i = 0; i < times; i++) {
        syscall(SYS_rt_sigaction, SIGUSR1, action, NULL, 8);
    }
    return now() - start;
}

/* --- waiting --- */

/* A child that has ended and that nobody has reaped. */
static QemuProcess *zombie(void)
{
    QemuProcess *process = qemu_spawn(tiny, NULL, NULL);
    siginfo_t info;

    if (!process || waitid(P_PID, (id_t)qemu_process_pid(process), &info, WEXITED | WNOWAIT) != 0) {
        die("a zombie");
    }
    return process;
}

static uint64_t wait_for_zombies(unsigned times, int how)
{
    uint64_t sum = 0;

    while (times--) {
        QemuProcess *process = zombie();
        uint64_t start = now();

        if (how == 0) {
            reap(qemu_process_pid(process));
        } else if (qemu_process_wait(process, 1000, NULL, NULL) != 1) {
            die("qemu_process_wait");
        }
        if (how == 2) {
            qemu_process_free(process);
        }
        sum += now() - start;
        if (how != 2) {
            qemu_process_free(process);
        }
    }
    return sum;
}

static uint64_t zombie_waitpid(unsigned times) { return wait_for_zombies(times, 0); }
static uint64_t zombie_wait(unsigned times) { return wait_for_zombies(times, 1); }
static uint64_t zombie_wait_free(unsigned times) { return wait_for_zombies(times, 2); }

static uint64_t end_to_return(unsigned times, bool ours)
{
    uint64_t sum = 0;

    while (times--) {
        QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_LEAVE_FDS};
        QemuProcess *process = qemu_spawn(end_child, &options, NULL);

        if (!process) {
            die("qemu_spawn");
        }
        if (!ours) {
            reap(qemu_process_pid(process));
        } else if (qemu_process_wait(process, 10000, NULL, NULL) != 1) {
            die("qemu_process_wait");
        }
        sum += now() - *end_of_child;
        qemu_process_free(process);
    }
    return sum;
}

static uint64_t end_waitpid(unsigned times) { return end_to_return(times, false); }
static uint64_t end_wait(unsigned times) { return end_to_return(times, true); }

/* --- many threads at once --- */

enum { THREADS = 32 };

struct crowd {
    pthread_barrier_t barrier;
    uint64_t (*one)(unsigned);
    unsigned times;
};

static void *member(void *opaque)
{
    struct crowd *crowd = opaque;

    pthread_barrier_wait(&crowd->barrier);
    crowd->one(crowd->times);
    return NULL;
}

static uint64_t in_a_crowd(unsigned times, uint64_t (*one)(unsigned))
{
    struct crowd crowd = {.one = one, .times = times};
    pthread_t threads[THREADS];
    uint64_t start;

    pthread_barrier_init(&crowd.barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, member, &crowd);
    }
    pthread_barrier_wait(&crowd.barrier);
    start = now();
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&crowd.barrier);
    return (now() - start) / THREADS;
}

static uint64_t crowd_qemu(unsigned times) { return in_a_crowd(times, spawn_qemu); }
static uint64_t crowd_posix(unsigned times) { return in_a_crowd(times, spawn_posix_clean); }

/* --- how long another thread stands still --- */

static struct {
    char *memory;
    size_t size;
    volatile bool over;
    uint64_t worst;
} bystander;

/* Gives pages back and touches them: each touch is a page fault, which a fork in progress holds up. */
static void *fault_pages(void *unused)
{
    size_t page = 4096, i = 0;

    (void)unused;
    while (!bystander.over) {
        uint64_t start, took;

        madvise(bystander.memory + i, page, MADV_DONTNEED);
        start = now();
        bystander.memory[i] = 1;
        took = now() - start;
        if (took > bystander.worst) {
            bystander.worst = took;
        }
        i = (i + page) % bystander.size;
    }
    return NULL;
}

static uint64_t stall(unsigned times, void (*meanwhile)(void))
{
    uint64_t sum = 0;

    while (times--) {
        pthread_t thread;
        uint64_t until = now() + 2000000;

        bystander.over = false;
        bystander.worst = 0;
        pthread_create(&thread, NULL, fault_pages, NULL);
        if (meanwhile) {
            meanwhile();
        }
        while (now() < until) {
            sched_yield();
        }
        bystander.over = true;
        pthread_join(thread, NULL);
        sum += bystander.worst;
    }
    return sum;
}

static void spawn_once(void) { one_qemu_spawn(tiny); }
static void fork_once(void) { one_fork_exec(fork); }
static uint64_t stall_idle(unsigned times) { return stall(times, NULL); }
static uint64_t stall_spawn(unsigned times) { return stall(times, spawn_once); }
static uint64_t stall_fork(unsigned times) { return stall(times, fork_once); }

/* --- scenarios --- */

#define OPERATION(function, times) {#function, function, times}
#define SCENARIO(name, pinned, ...) {#name, pinned, {__VA_ARGS__}}

static const struct scenario {
    const char *name;
    bool pinned; /* to one processor: the scheduler has two habits, far apart */
    struct operation operations[8];
} scenarios[] = {
    SCENARIO(spawn, true, OPERATION(spawn_qemu, 20), OPERATION(spawn_posix_clean, 20), OPERATION(spawn_posix, 20),
             OPERATION(spawn_vfork, 20), OPERATION(spawn_fork, 10), OPERATION(spawn_qemu_fork, 10)),
    /* Without the forks, whose cost grows and disturbs the others. */
    SCENARIO(shared, true, OPERATION(spawn_qemu, 20), OPERATION(spawn_posix_clean, 20), OPERATION(spawn_vfork, 20)),
    SCENARIO(fork, true, OPERATION(fork_return, 20), OPERATION(fork_done, 20), OPERATION(qemu_fork_return, 20),
             OPERATION(qemu_fork_done, 20), OPERATION(plain_c_done, 20), OPERATION(raw_sigaction, 2000)),
    SCENARIO(zombie, true, OPERATION(zombie_waitpid, 20), OPERATION(zombie_wait, 20), OPERATION(zombie_wait_free, 20)),
    SCENARIO(end, true, OPERATION(end_waitpid, 20), OPERATION(end_wait, 20)),
    SCENARIO(crowd, false, OPERATION(crowd_qemu, 8), OPERATION(crowd_posix, 8)),
    SCENARIO(stall, false, OPERATION(stall_idle, 4), OPERATION(stall_spawn, 4), OPERATION(stall_fork, 1)),
};

/* The child of the `end` scenario. */
static int tell_the_end(const char *fd)
{
    uint64_t *place = mmap(NULL, sizeof(*place), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);

    if (place == MAP_FAILED) {
        return 1;
    }
    *place = now();
    _exit(0);
}

static void prepare_the_end(const char *program)
{
    static char number[16];
    int fd = memfd_create("end", 0);

    if (fd < 0 || ftruncate(fd, sizeof(*end_of_child)) < 0) {
        die("memfd_create");
    }
    end_of_child = mmap(NULL, sizeof(*end_of_child), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (end_of_child == MAP_FAILED) {
        die("mmap");
    }
    snprintf(number, sizeof(number), "%d", fd);
    end_child[0] = program;
    end_child[1] = "--tell-the-end";
    end_child[2] = number;
}

/* Touched pages of 4 KiB. */
static void take_memory(size_t mebibytes)
{
    size_t size = mebibytes << 20;
    char *memory;

    if (size == 0) {
        return;
    }
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        die("mmap");
    }
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += 4096) {
        memory[i] = 1;
    }
    bystander.memory = memory;
    bystander.size = size < 64 << 20 ? size : 64 << 20;
}

static void take_descriptors(unsigned n)
{
    struct rlimit limit = {n + 64, n + 64};

    if (n == 0) {
        return;
    }
    if (n > 900 && setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("setrlimit");
    }
    for (unsigned i = 3; i < n; i++) {
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) {
            die("open");
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--tell-the-end") == 0) {
        return tell_the_end(argv[2]);
    }
    if (argc < 5) {
        fprintf(stderr, "usage: bench SCENARIO ROUNDS SEED TINY [MEBIBYTES [DESCRIPTORS]]\n");
        return 2;
    }
    tiny[0] = argv[4];
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
        const struct scenario *scenario = &scenarios[i];
        unsigned n = 0;

        if (strcmp(scenario->name, argv[1]) != 0) {
            continue;
        }
        if (scenario->pinned) {
            cpu_set_t one;

            CPU_ZERO(&one);
            CPU_SET(0, &one);
            sched_setaffinity(0, sizeof(one), &one);
        }
        prepare_the_end(argv[0]);
        take_memory(argc > 5 ? strtoul(argv[5], NULL, 10) : 0);
        take_descriptors(argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 0);
        while (n < sizeof(scenario->operations) / sizeof(*scenario->operations) && scenario->operations[n].run) {
            n++;
        }
        measure(argv[1], scenario->operations, n, (unsigned)strtoul(argv[2], NULL, 10),
                (unsigned)strtoul(argv[3], NULL, 10));
        return 0;
    }
    fprintf(stderr, "bench: there is no scenario %s\n", argv[1]);
    return 2;
}
