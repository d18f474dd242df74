/*
 * qemu_process_usage(): the usage of the only child of a process is what the kernel counts for the process's children.
 * The peak is known if it is above the parent's at the spawn. Until the end the call fails with EBUSY.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <sys/mman.h>

#include "older-kernel.h"

enum { MORE_KIB = 32768, WORK_US = 20000 };

static const QemuProcessUsage untouched = {77, 77, 77, 77, 77};

static int64_t us_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static struct rusage usage_of(int who)
{
    struct rusage usage;

    memset(&usage, 0, sizeof(usage));
    getrusage(who, &usage);
    return usage;
}

/* ---- in the child ---- */

/* Works until the kernel has counted so much time in user mode and in the kernel. */
static void work(void)
{
    struct rusage usage;

    do {
        for (volatile int i = 0; i < 10000; i++) {
        }
        close(open("/dev/null", O_RDONLY | O_CLOEXEC));
        usage = usage_of(RUSAGE_SELF);
    } while (us_of(usage.ru_utime) < WORK_US || us_of(usage.ru_stime) < WORK_US / 10);
}

static void have_memory(size_t kib)
{
    char *memory = mmap(NULL, kib * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        _exit(96);
    }
    memset(memory, 1, kib * 1024);
    munmap(memory, kib * 1024);
}

static int use(const char *how, const char *kib)
{
    char byte;

    if (strcmp(how, "waits") == 0 && read(STDIN_FILENO, &byte, 1) != 0) {
        return 95;
    }
    if (strcmp(how, "forks") == 0) {
        pid_t pid = fork();

        if (pid == 0) {
            work();
            _exit(0);
        }
        return wait_for(pid);
    }
    if (strcmp(how, "works") == 0) {
        work();
    }
    if (atoi(kib) > 0) {
        have_memory((size_t)atoi(kib));
    }
    return 0;
}

/* ---- in the parent ---- */

static const char *kib_text(long kib)
{
    static char text[32];

    snprintf(text, sizeof(text), "%ld", kib);
    return text;
}

static long own_peak(void)
{
    return usage_of(RUSAGE_SELF).ru_maxrss;
}

static QemuProcessUsage must_tell(QemuProcess *process)
{
    QemuProcessUsage usage = untouched;
    Error *err = NULL;

    errno = 0;
    if (!ok(qemu_process_usage(process, &usage, &err) && !err && errno == 0, "the usage is told")) {
        printf("# %s\n", err ? error_get_pretty(err) : strerror(errno));
        error_free(err);
    }
    return usage;
}

/* An emulator may not pass on what its kernel says. */
static bool is_counted(const QemuProcessUsage *usage, const char *what)
{
    if (IS_EMULATED && !(usage->flags & QEMU_PROCESS_USAGE_TIMES)) {
        skip(what, "this emulator does not tell what a child has used");
        return false;
    }
    return true;
}

/* Whether this is all that was counted for the children, but for a little. */
static bool is_most_of(uint64_t used, int64_t counted)
{
    return (int64_t)used <= counted + 2 && (int64_t)used >= counted - counted / 10 - 2;
}

/* A child that works, or whose own child does. */
static void test_times(const char *how)
{
    struct rusage before = usage_of(RUSAGE_CHILDREN), after;
    int64_t start = clock_us(CLOCK_MONOTONIC);
    QemuProcess *process = must_spawn(ARGS(SELF, "use", how, "0"), OPTIONS(.flags = 0));
    QemuProcessUsage usage, again;
    int64_t wall, user, system;

    is_int(wait_ms(process, -1), 0, how);
    wall = clock_us(CLOCK_MONOTONIC) - start;
    usage = must_tell(process);
    after = usage_of(RUSAGE_CHILDREN);
    user = us_of(after.ru_utime) - us_of(before.ru_utime);
    system = us_of(after.ru_stime) - us_of(before.ru_stime);
    ok(usage.wall_us > 0 && usage.wall_us <= (uint64_t)wall + 1, "the wall time is not longer than the call took");
    if (is_counted(&usage, how)) {
        ok(usage.flags & QEMU_PROCESS_USAGE_TIMES, "its times are known");
        ok(usage.user_us >= WORK_US, "it has worked in user mode");
        /* The kernel sums the times before it rounds them, and a child that the library tries something with counts. */
        ok(is_most_of(usage.user_us, user), "for as long as the kernel counts for the children");
        ok(is_most_of(usage.system_us, system), "and so in the kernel");
        ok(usage.system_us >= WORK_US / 10, "where it has worked, too");
    }
    again = must_tell(process);
    ok(memcmp(&usage, &again, sizeof(usage)) == 0, "asked again, it is the same");
    qemu_process_free(process);
}

/* How long a child has lived is known within the time that its calls took. */
static void test_wall(void)
{
    int64_t before = clock_us(CLOCK_MONOTONIC), spawned_at, ended_at, after;
    QemuProcess *process = must_spawn(ARGS(SELF, "use", "waits", "0"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    QemuProcessUsage usage = untouched;
    Error *err = NULL;
    char expected[64];

    spawned_at = clock_us(CLOCK_MONOTONIC);
    errno = 0;
    ok(!qemu_process_usage(process, &usage, &err) && errno == EBUSY, "a child that lives: EBUSY");
    snprintf(expected, sizeof(expected), "process %d has not ended", (int)qemu_process_pid(process));
    is_str(err ? error_get_pretty(err) : NULL, expected, "in words");
    error_free(err);
    ok(memcmp(&usage, &untouched, sizeof(usage)) == 0, "and nothing is written");
    errno = 0;
    ok(!qemu_process_usage(process, NULL, NULL) && errno == EINVAL, "nowhere to put it: EINVAL");
    close(qemu_process_take_fd(process, STDIN_FILENO));
    await_end(qemu_process_pid(process));
    give_time_to_spin();
    ended_at = clock_us(CLOCK_MONOTONIC);
    usage = must_tell(process);
    after = clock_us(CLOCK_MONOTONIC);
    ok(usage.wall_us >= (uint64_t)(ended_at - spawned_at), "the wall time goes on until the end is noticed");
    ok(usage.wall_us <= (uint64_t)(after - before), "and begins with the spawn");
    is_int(wait_ms(process, 0), 0, "it has been reaped with that");
    ok(!has_child(), "no child is left");
    qemu_process_free(process);
}

static void test_peak(void)
{
    long peak = own_peak() + MORE_KIB;
    QemuProcess *process = must_spawn(ARGS(SELF, "use", "has memory", kib_text(peak)), OPTIONS(.flags = 0));
    QemuProcessUsage usage;

    is_int(wait_ms(process, -1), 0, "a child with more memory than its parent");
    usage = must_tell(process);
    if (is_counted(&usage, "the peak")) {
        ok(usage.flags & QEMU_PROCESS_USAGE_PEAK, "its peak is known");
        ok(usage.peak_kib >= (uint64_t)peak, "and is at least what it has touched");
        is_int((long long)usage.peak_kib, usage_of(RUSAGE_CHILDREN).ru_maxrss, "it is what the kernel counts");
    }
    qemu_process_free(process);
}

/* The parent grows while the child lives: that is not the child's. */
static void test_grown_since(void)
{
    long peak = own_peak() + 2 * MORE_KIB;
    QemuProcess *process =
        must_spawn(ARGS(SELF, "use", "waits", kib_text(peak)), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    QemuProcessUsage usage;

    have_memory((size_t)peak + MORE_KIB);
    close(qemu_process_take_fd(process, STDIN_FILENO));
    is_int(wait_ms(process, -1), 0, "a child whose parent has grown since the spawn");
    usage = must_tell(process);
    if (is_counted(&usage, "the peak")) {
        ok(usage.flags & QEMU_PROCESS_USAGE_PEAK && usage.peak_kib >= (uint64_t)peak, "its peak is known");
    }
    qemu_process_free(process);
}

/* The parent's peak counts for the child, too, so the child's own is unknown. */
static void test_smaller(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "use", "has memory", "64"), OPTIONS(.flags = 0));
    QemuProcessUsage usage;

    is_int(wait_ms(process, -1), 0, "a child with less memory than its parent has had");
    usage = must_tell(process);
    ok(!(usage.flags & QEMU_PROCESS_USAGE_PEAK), "its peak is not known");
    is_int((long long)usage.peak_kib, 0, "and is 0");
    qemu_process_free(process);
}

static void is_unknown(QemuProcess *process)
{
    QemuProcessUsage usage = must_tell(process);

    is_int((long long)usage.flags, 0, "neither times nor peak are known");
    ok(usage.user_us == 0 && usage.system_us == 0 && usage.peak_kib == 0, "and all are 0");
    ok(usage.wall_us > 0, "but for the wall time");
}

static void test_ignored(void)
{
    QemuProcess *process;

    signal(SIGCHLD, SIG_IGN);
    process = must_spawn(ARGS(SELF, "use", "works", "0"), OPTIONS(.flags = 0));
    qemu_process_wait(process, -1, NULL, NULL);
    is_unknown(process);
    qemu_process_free(process);
    signal(SIGCHLD, SIG_DFL);
}

static void test_stolen(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "use", "works", "0"), OPTIONS(.flags = 0));

    wait_for(qemu_process_pid(process));
    is_unknown(process);
    qemu_process_free(process);
}

/* The program reaps it, after the library has seen its end. */
static void test_detached(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "use", "works", "0"), OPTIONS(.flags = 0));
    QemuProcessUsage usage;

    qemu_process_detach(process);
    is_int(wait_ms(process, -1), 0, "a detached child");
    is_int(wait_for(qemu_process_pid(process)), 0, "the program reaps it");
    usage = must_tell(process);
    if (is_counted(&usage, "its times")) {
        ok(usage.flags & QEMU_PROCESS_USAGE_TIMES && usage.user_us >= WORK_US, "its times are known");
    }
    qemu_process_free(process);
}

static void *ask(void *process)
{
    static QemuProcessUsage usages[8];
    static int next;
    QemuProcessUsage *usage = &usages[__atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST) % 8];

    while (!qemu_process_usage(process, usage, NULL)) {
        yield_a_moment();
    }
    return usage;
}

/* Several threads ask at the same time. A thread that sees the end also sees the usage. */
static void test_threads(void)
{
    for (int round = 0; round < 8; round++) {
        QemuProcess *process = must_spawn(ARGS(SELF, "use", "works", "0"), OPTIONS(.flags = 0));
        pthread_t threads[4];
        QemuProcessUsage usages[4];
        bool same = true;

        for (int i = 0; i < 4; i++) {
            if (pthread_create(&threads[i], NULL, ask, process) != 0) {
                bail("pthread_create");
            }
        }
        for (int i = 0; i < 4; i++) {
            void *usage;

            pthread_join(threads[i], &usage);
            usages[i] = *(QemuProcessUsage *)usage;
            same = same && memcmp(&usages[i], &usages[0], sizeof(usages[i])) == 0;
        }
        qemu_process_free(process);
        if (!same || (!IS_EMULATED && !(usages[0].flags & QEMU_PROCESS_USAGE_TIMES))) {
            ok(false, "four threads are told the same, in each round");
            return;
        }
    }
    ok(true, "four threads are told the same, in each round");
}

/* In a fork of the program the child is another process's: only the wall time is known. */
static void test_fork(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "use", "waits", "0"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    int child_stdin = qemu_process_take_fd(process, STDIN_FILENO), ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        QemuProcessUsage usage = untouched;

        if (qemu_process_usage(process, &usage, NULL) || errno != EBUSY) {
            /* Without a descriptor nothing else knows the usage. */
            _exit(qemu_process_pidfd(process) < 0 && usage.flags == 0 ? 0 : 1);
        }
        close(child_stdin); /* now it ends */
        get_byte(ends[0]); /* the parent has reaped it */
        _exit(qemu_process_usage(process, &usage, NULL) && usage.flags == 0 && usage.wall_us > 0 ? 0 : 2);
    }
    close(child_stdin);
    is_int(wait_ms(process, -1), 0, "a child whose parent has forked");
    put_byte(ends[1], 'x');
    is_int(wait_for(pid), 0, "the copy of the handle is busy until the end, and then knows no times");
    qemu_process_free(process);
    close(ends[0]);
    close(ends[1]);
}

static void checks(void)
{
    test_times("works");
    test_times("forks");
    test_wall();
    test_peak();
    test_detached();
    test_ignored();
    test_stolen();
    test_threads();
    test_fork();
    test_grown_since();
    test_smaller();
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "use") == 0) {
        return use(argv[2], argv[3]);
    }
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    check_here_and_on_older_kernel(checks);
    return done();
}
