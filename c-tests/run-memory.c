/*
 * The memory of a run: at most twice what is kept, and 256 KiB. Afterwards all of it is freed. The test counts the
 * bytes that malloc() hands out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc.h"

#include "run.h"

enum { SMALL = 256 << 10 };

static bool take_all(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)opaque;
    (void)child_fd;
    (void)data;
    (void)len;
    return true;
}

/* One run, in a process of its own, whose memory is fresh. */
static struct {
    const char *out, *err; /* how many bytes the program writes */
    QemuRunOptions options;
    size_t kept;
} one;

/* In shared memory: what was found. */
static struct {
    bool done;
    size_t kept, peak, left;
} *found;

static void measure(void *unused)
{
    size_t before;

    (void)unused;
    /* Memory that is allocated once, at the first call, does not count. */
    run(ARGS(SELF, "write", "1", "1"), NULL, NULL);
    run_clear();
    before = interposed_malloc.used;
    interposed_malloc.peak = before;
    run(ARGS(SELF, "write", one.out, one.err), NULL, &one.options);
    found->done = ran.done;
    found->peak = interposed_malloc.peak - before;
    found->kept = ran.result.out_len + ran.result.err_len;
    run_clear();
    found->left = interposed_malloc.used - before;
    _exit(0);
}

static void takes_little(const char *out, const char *err, size_t kept, const char *what, const QemuRunOptions *options)
{
    struct ending ending;

    one.out = out;
    one.err = err;
    one.options = *options;
    ending = run_child(measure, NULL);
    exits_with(&ending, 0, what);
    ok(found->done && found->kept == kept, "so much is kept: %zu bytes", kept);
    if (!ok(found->peak <= 2 * kept + SMALL, "at most twice as much memory is used, and 256 KiB")) {
        printf("# kept %zu, used %zu\n", found->kept, found->peak);
    }
    is_int((long long)found->left, 0, "and all of it is freed");
}

static void test_memory(void)
{
    static char input[1 << 20];

    takes_little("0", "0", 0, "no output", RUN(.flags = 0));
    takes_little("10", "10", 20, "little output", RUN(.flags = 0));
    takes_little("100000", "3", 100003, "some output", RUN(.input = input, .input_len = sizeof(input)));
    takes_little("270000", "0", 270000, "a little more than 256 KiB", RUN(.flags = 0));
    takes_little("540000", "1", 540001, "a little more than 512 KiB", RUN(.flags = 0));
    takes_little("1048576", "1048576", 2 << 20, "a MiB to each", RUN(.flags = 0));
    takes_little("1048577", "0", (1 << 20) + 1, "a byte more than a MiB", RUN(.flags = 0));
    takes_little("2000000", "0", 2000000, "as much as the limit", RUN(.stdout_limit = 2000000));
    takes_little("3145728", "3145728", 200000, "CUT",
                 RUN(.flags = QEMU_RUN_CUT, .stdout_limit = 100000, .stderr_limit = 100000));
    takes_little("3145728", "3145728", 600000, "KEEP_TAIL",
                 RUN(.flags = QEMU_RUN_KEEP_TAIL, .stdout_limit = 300000, .stderr_limit = 300000));
    takes_little("3145728", "3145728", 2, "KEEP_TAIL of a byte",
                 RUN(.flags = QEMU_RUN_KEEP_TAIL, .stdout_limit = 1, .stderr_limit = 1));
    takes_little("3145728", "3145728", 0, "a sink", RUN(.sink = take_all));
    takes_little("3145728", "3145728", 0, "a sink that gets lines of at most 50,000 bytes",
                 RUN(.sink = take_all, .flags = QEMU_RUN_LINES, .stdout_limit = 50000, .stderr_limit = 50000));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strcmp(argv[1], "write") == 0) {
            write_many(STDOUT_FILENO, 'o', strtoul(argv[2], NULL, 10));
            write_many(STDERR_FILENO, 'e', strtoul(argv[3], NULL, 10));
            return 0;
        }
        return spawned(argc, argv);
    }
    need_own_malloc();
    cast_net();
    needs_programs();
    found = shared_memory(sizeof(*found));
    in_both_forms(test_memory);
    return done();
}
