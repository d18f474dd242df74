/*
 * Any amount of input and output at once: nothing is lost, nothing hangs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "run.h"

enum { LARGEST = (5 << 20) + 3 };

static unsigned char input[LARGEST];

/* The value that a byte has on stderr. */
static unsigned char other(unsigned char byte)
{
    return byte ^ 0x5A;
}

/* ---- The program ---- */

enum { ALL = 1 << 16 };

static void put(int fd, const unsigned char *bytes, size_t size, size_t at_once)
{
    while (size > 0) {
        size_t n = size < at_once ? size : at_once;

        write_all(fd, bytes, n);
        bytes += n;
        size -= n;
    }
}

/* Copies its input to both outputs, in pieces of this size. */
static int copy(size_t at_once)
{
    unsigned char bytes[ALL], others[ALL];
    ssize_t n;

    while ((n = read(STDIN_FILENO, bytes, at_once)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            others[i] = other(bytes[i]);
        }
        put(STDOUT_FILENO, bytes, (size_t)n, at_once);
        put(STDERR_FILENO, others, (size_t)n, at_once);
    }
    return n == 0 ? 0 : 1;
}

/* Reads all of its input, and then writes as much; or the other way round. */
static int one_after_the_other(bool read_first, size_t size)
{
    static unsigned char bytes[LARGEST];
    size_t length = 0;
    ssize_t n = 1;

    for (int i = 0; i < 2; i++) {
        if (read_first == (i == 0)) {
            while (length < size && (n = read(STDIN_FILENO, bytes + length, size - length)) > 0) {
                length += (size_t)n;
            }
        } else {
            write_many(STDERR_FILENO, 'e', size);
            write_many(STDOUT_FILENO, 'o', size);
        }
    }
    return length == size ? 0 : 1;
}

/* ---- The test ---- */

static bool is_copied(size_t size)
{
    if (!ran.done || ran_end() != 0 || ran.result.flags != 0 || ran.result.out_len != size ||
        ran.result.err_len != size || ran.result.out_total != size || ran.result.err_total != size ||
        memcmp(ran.result.out, input, size) != 0 || ran.result.out[size] != '\0' || ran.result.err[size] != '\0') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)ran.result.err[i] != other(input[i])) {
            return false;
        }
    }
    return true;
}

static void copies(size_t size, const char *at_once)
{
    run(ARGS(SELF, "copy", at_once), NULL, RUN(.input = input, .input_len = size));
    if (!ok(is_copied(size), "%zu bytes in and out, in pieces of %s", size, at_once)) {
        show_run();
    }
    run_clear();
}

static void test_copies(void)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 131072, 1 << 20, LARGEST};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        copies(sizes[i], "65536");
    }
    copies(100000, "1");
    copies(LARGEST, "5000");
}

static void test_one_after_the_other(void)
{
    static const char *const sizes[] = {"0", "1", "65536", "65537", "2000000"};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (int read_first = 0; read_first < 2; read_first++) {
            size_t size = strtoul(sizes[i], NULL, 10);

            run(ARGS(SELF, read_first ? "read first" : "write first", sizes[i]), NULL,
                RUN(.input = input, .input_len = size));
            if (!ok(ran.done && ran_end() == 0 && ran.result.flags == 0 && ran.result.out_len == size &&
                        ran.result.err_len == size,
                    "a program that %s %zu bytes first", read_first ? "reads" : "writes", size)) {
                show_run();
            }
            run_clear();
        }
    }
}

/* Input of which exactly a part is read. */
static void test_left(void)
{
    static const char *const sizes[] = {"0", "1", "65536", "99999"};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        run(ARGS(SELF, "read first", sizes[i]), NULL, RUN(.input = input, .input_len = 100000));
        ok(ran.done && ran_end() == 0 && ran.result.flags == QEMU_RUN_RESULT_INPUT_LEFT,
           "of 100000 bytes %s are read: INPUT_LEFT", sizes[i]);
        run_clear();
    }
    run(ARGS(SELF, "read first", "100000"), NULL, RUN(.input = input, .input_len = 100000));
    ok(ran.done && ran_end() == 0 && ran.result.flags == 0, "all of them: nothing is left");
    run_clear();
}

/* A sink gets every byte once and in order, in pieces of any size. It may be slow. */
struct got {
    size_t length[3];
    bool wrong, slow;
};

static bool compare(void *opaque, int child_fd, const char *data, size_t len)
{
    struct got *got = opaque;
    size_t *length = &got->length[child_fd];

    for (size_t i = 0; i < len; i++) {
        unsigned char wanted = child_fd == 1 ? input[*length + i] : other(input[*length + i]);

        got->wrong |= (unsigned char)data[i] != wanted;
    }
    *length += len;
    if (got->slow) {
        yield_a_moment();
    }
    return !got->wrong;
}

static void test_sink(void)
{
    for (int slow = 0; slow < 2; slow++) {
        struct got got = {.slow = slow};

        run(ARGS(SELF, "copy", "3000"), NULL,
            RUN(.input = input, .input_len = LARGEST, .sink = compare, .opaque = &got));
        if (!ok(ran.done && !got.wrong && got.length[1] == LARGEST && got.length[2] == LARGEST &&
                    ran.result.out_total == LARGEST && ran.result.err_total == LARGEST && ran.result.flags == 0 &&
                    ran.result.out_len == 0 && ran.result.err_len == 0,
                "a %ssink gets every byte once", slow ? "slow " : "")) {
            show_run();
        }
        is_str(ran.result.out, "", "nothing is kept of stdout");
        is_str(ran.result.err, "", "nor of stderr");
        run_clear();
    }
}

/* ---- 1 GiB ---- */

enum { GIB = 1 << 30 };

static bool count(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)child_fd;
    (void)data;
    *(size_t *)opaque += len;
    return true;
}

static void test_gib(void)
{
    void *zeroes;
    size_t counted = 0;

    if (!getenv("QEMU_FORK_TEST_GIB")) {
        skip("1 GiB in and out", "it takes minutes and 4 GiB of memory: set QEMU_FORK_TEST_GIB");
        return;
    }
    zeroes = mmap(NULL, GIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (zeroes == MAP_FAILED) {
        bail("mmap");
    }
    run(ARGS(SELF, "copy", "65536"), NULL,
        RUN(.input = zeroes, .input_len = GIB, .stdout_limit = SIZE_MAX, .stderr_limit = SIZE_MAX));
    ok(ran.done && ran_end() == 0 && ran.result.out_len == GIB && ran.result.err_len == GIB, "1 GiB in and out");
    run_clear();
    run(ARGS(SELF, "copy", "65536"), NULL, RUN(.input = zeroes, .input_len = GIB, .sink = count, .opaque = &counted));
    ok(ran.done && ran_end() == 0 && counted == 2ULL * GIB, "1 GiB to a sink");
    run_clear();
    munmap(zeroes, GIB);
}

int main(int argc, char **argv)
{
    unsigned random = 1;

    if (argc > 1) {
        if (strcmp(argv[1], "copy") == 0) {
            return copy(strtoul(argv[2], NULL, 10));
        }
        if (strcmp(argv[1], "read first") == 0 || strcmp(argv[1], "write first") == 0) {
            return one_after_the_other(argv[1][0] == 'r', strtoul(argv[2], NULL, 10));
        }
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    /* All bytes, zeroes and newlines too, in no order that repeats soon. */
    for (size_t i = 0; i < LARGEST; i++) {
        random = random * 1103515245 + 12345;
        input[i] = (unsigned char)(random >> 16);
    }
    in_both_forms(test_copies);
    in_both_forms(test_one_after_the_other);
    in_both_forms(test_left);
    in_both_forms(test_sink);
    in_both_forms(test_gib);
    ok(!has_child(), "no child is left");
    return done();
}
