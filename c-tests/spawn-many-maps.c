/*
 * A list with thousands of descriptors. The work grows as the list does, and not as its square: signals are blocked
 * meanwhile.
 *
 * The processor's time is compared, of the calling thread and of the children, for a list and for one that is 16 times
 * as long. So other processes do not count, and no machine is too slow.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

/* Sixteen times the work costs at most 16 times as much, and its square 256 times. */
enum { FACTOR = 16, BOUND = 30 };

enum { FIRST = 100, MOST = 16000, ROUNDS = 5 };

/* How the numbers of the list's members lie. */
enum shape { UPWARDS, DOWNWARDS, WITH_GAPS, SHIFTED, SHAPES };

static const char *const shape_names[SHAPES] = {
    "in ascending order",
    "in descending order",
    "with a gap after each",
    "each becomes its neighbour's source",
};

static QemuSpawnFd map[MOST];
static int length;

/* Fills the list, and opens what it needs and no more. */
static void fill(enum shape shape, int n)
{
    for (int i = 0; i < length; i++) {
        if (i >= n) {
            close(FIRST + i);
        } else if (dup2(STDIN_FILENO, FIRST + i) < 0) {
            bail("dup2");
        }
    }
    for (int i = 0; i < n; i++) {
        int place = shape == DOWNWARDS ? n - 1 - i : i;

        map[i].target = FIRST + (shape == WITH_GAPS ? 2 * place : place);
        map[i].source = shape == SHIFTED ? FIRST + (i + 1) % n : STDIN_FILENO;
    }
}

static int64_t children_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

/* The processor's time in microseconds that a spawn with `n` descriptors takes, with its child; or -1. */
static int64_t cost(int n)
{
    int64_t before = clock_us(CLOCK_THREAD_CPUTIME_ID) + children_us();
    QemuProcess *process = spawn(ARGS(SELF, "exit", "7"), OPTIONS(.fds = map, .n_fds = (size_t)n));

    return process && end_of(process) == 7 ? clock_us(CLOCK_THREAD_CPUTIME_ID) + children_us() - before : -1;
}

static int64_t lowest_cost(enum shape shape, int n)
{
    int64_t lowest = -1;

    fill(shape, n);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t once = cost(n);

        if (once < 0) {
            return -1;
        }
        lowest = lowest < 0 || once < lowest ? once : lowest;
    }
    return lowest;
}

static void test(enum shape shape)
{
    int64_t of_few = lowest_cost(shape, length / FACTOR), of_many = lowest_cost(shape, length);

    ok(of_few >= 0 && of_many >= 0, "%d descriptors, %s: the child starts", length, shape_names[shape]);
    ok(of_many < BOUND * of_few, "they cost less than %d times as much as %d", BOUND, length / FACTOR);
    printf("# %lld us and %lld us: %.1f times\n", (long long)of_few, (long long)of_many,
           (double)of_many / (double)of_few);
}

static void checks(void)
{
    for (int shape = 0; shape < SHAPES; shape++) {
        test((enum shape)shape);
    }
}

int main(int argc, char **argv)
{
    struct rlimit limit;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    /* With gaps, and with a copy of each descriptor, the numbers are twice as many. */
    length = limit.rlim_cur > 2 * (MOST + FIRST) ? MOST : (int)limit.rlim_cur / 2 - FIRST;
    if (length < 1600) {
        skip_all("the limit of descriptors is too low for a long list");
    }
    check_here_and_on_older_kernel(checks);
    return done();
}
