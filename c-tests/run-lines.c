/*
 * With LINES the sink gets whole lines, however the program writes them: with their newlines, long ones in parts, and
 * an unfinished one at the end.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ioctl.h>

#include "run.h"

enum { MOST_PIECES = 200, LARGE = 17 << 20, DEFAULT_LIMIT = 16 << 20, LEASH_FD = 7 };

/* With empty lines, a zero, a return, and an unfinished line at the end. */
static const char text[] = "first\n\n\nsecond line\na\0b\n\r\nx\nthe last but one is a long one, is it not\nunfinished";

enum { TEXT = sizeof(text) - 1 };

/* ---- What came ---- */

struct pieces {
    size_t length[MOST_PIECES]; /* of each, in order */
    int n;
    size_t all;
    bool wrong; /* other bytes than the program has written */
    int refuse_at;
};

static struct pieces got[3];

static bool record(void *opaque, int child_fd, const char *data, size_t len)
{
    struct pieces *pieces = &got[child_fd];
    const char *wanted = opaque;

    pieces->wrong |= len == 0 || (wanted && (pieces->all + len > TEXT || memcmp(wanted + pieces->all, data, len) != 0));
    if (pieces->n < MOST_PIECES) {
        pieces->length[pieces->n] = len;
    }
    pieces->n++;
    pieces->all += len;
    return pieces->n != pieces->refuse_at;
}

/* The lengths of the pieces that must come: to the newline, or as long as allowed, or to the end. */
static int split(size_t limit, size_t *lengths)
{
    size_t length = 0;
    int n = 0;

    for (size_t i = 0; i < TEXT; i++) {
        length++;
        if (text[i] == '\n' || length == limit || i + 1 == TEXT) {
            lengths[n++] = length;
            length = 0;
        }
    }
    return n;
}

static bool is_split(const struct pieces *pieces, size_t limit)
{
    size_t lengths[TEXT];
    int n = split(limit, lengths);

    return !pieces->wrong && pieces->n == n && memcmp(pieces->length, lengths, (size_t)n * sizeof(*lengths)) == 0;
}

static void test_chunks(void)
{
    static const size_t limits[] = {0, 1, 2, 3, 5, 6, 7, 12, 40, 1000, SIZE_MAX};

    for (int chunk = 1; chunk <= TEXT; chunk += chunk < 8 ? 1 : 11) {
        char at_once[20];
        bool holds = true;

        snprintf(at_once, sizeof(at_once), "%d", chunk);
        for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
            memset(got, 0, sizeof(got));
            run(ARGS(SELF, "chunks", at_once), NULL,
                RUN(.flags = QEMU_RUN_LINES, .sink = record, .opaque = (void *)(uintptr_t)text,
                    .stdout_limit = limits[i], .stderr_limit = limits[sizeof(limits) / sizeof(*limits) - 1 - i]));
            if (!ran.done || ran.result.flags != 0 || ran.result.out_total != TEXT || ran.result.err_total != TEXT ||
                *ran.result.out || *ran.result.err || !is_split(&got[1], limits[i]) ||
                !is_split(&got[2], limits[sizeof(limits) / sizeof(*limits) - 1 - i])) {
                holds = false;
                printf("# limit %zu: %d pieces of stdout, %d of stderr\n", limits[i], got[1].n, got[2].n);
                show_run();
            }
            run_clear();
        }
        ok(holds, "written in pieces of %d bytes: each line is one call", chunk);
    }
}

static void test_long_lines(void)
{
    memset(got, 0, sizeof(got));
    run(ARGS(SELF, "long", "300000"), NULL, RUN(.flags = QEMU_RUN_LINES, .sink = record));
    ok(ran.done && got[1].n == 2 && got[1].length[0] == 300001 && got[1].length[1] == 300001,
       "lines that are longer than a pipe come whole");
    run_clear();
    memset(got, 0, sizeof(got));
    run(ARGS(SELF, "long", "300000"), NULL, RUN(.flags = QEMU_RUN_LINES, .sink = record, .stdout_limit = 200000));
    ok(ran.done && ran.result.flags == 0 && got[1].n == 4 && got[1].length[0] == 200000 && got[1].length[1] == 100001 &&
           got[1].length[2] == 200000 && got[1].length[3] == 100001,
       "or in parts, as long as the limit allows");
    run_clear();
    memset(got, 0, sizeof(got));
    run(ARGS(SELF, "long", "17825792"), NULL, RUN(.flags = QEMU_RUN_LINES, .sink = record));
    ok(ran.done && got[1].n == 4 && got[1].length[0] == DEFAULT_LIMIT && got[1].length[1] == LARGE - DEFAULT_LIMIT + 1,
       "without a limit they have at most 16 MiB");
    run_clear();
}

/* The sink gets the unfinished line whatever ends the run, unless it wants no more. */
static void test_unfinished(void)
{
    int leash[2];
    int64_t timeout_ms = 50;

    do {
        memset(got, 0, sizeof(got));
        run(ARGS(SELF, "unfinished"), NULL,
            RUN(.flags = QEMU_RUN_LINES, .sink = record, .timeout_ms = timeout_ms, .grace_ms = LONG_MS));
        timeout_ms *= 2;
        run_clear();
    } while (got[1].all < 8 && timeout_ms < LONG_MS);
    ok(!ran.done && ran.error == ETIMEDOUT && got[1].n == 2 && got[1].length[0] == 5 && got[1].length[1] == 3,
       "an unfinished line comes after a timeout");
    if (pipe2(leash, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    {
        const QemuSpawnFd fds[] = {{.source = leash[0], .target = LEASH_FD}};

        memset(got, 0, sizeof(got));
        run(ARGS(SELF, "held"), OPTIONS(.fds = fds, .n_fds = 1), RUN(.flags = QEMU_RUN_LINES, .sink = record));
    }
    ok(ran.done && ran.result.flags == QEMU_RUN_RESULT_PIPE_HELD && got[1].n == 2 && got[1].length[1] == 3,
       "and where another process holds the pipe");
    run_clear();
    close(leash[0]);
    close(leash[1]);
    for (int n = 1; n <= 3; n++) {
        memset(got, 0, sizeof(got));
        got[1].refuse_at = n;
        run(ARGS(SELF, "chunks", "1000"), NULL, RUN(.flags = QEMU_RUN_LINES, .sink = record));
        ok(!ran.done && ran.error == ECANCELED && ran.result.end == QEMU_RUN_END_STOPPED && got[1].n == n,
           "a sink that wants no more after %d lines is not called again", n);
        run_clear();
    }
    /* The last line is unfinished, and refused: the program has ended by then. */
    memset(got, 0, sizeof(got));
    got[1].refuse_at = 2;
    run(ARGS(SELF, "ends unfinished"), NULL, RUN(.flags = QEMU_RUN_LINES, .sink = record));
    ok(!ran.done && ran.error == ECANCELED && ran.result.end == QEMU_RUN_END_STOPPED && got[1].n == 2 &&
           got[2].n == 0 && ran_end() == 0,
       "a sink that refuses the unfinished line");
    run_clear();
}

/* ---- The program ---- */

/* Waits until the pipe is empty: so the parent reads each piece by itself. */
static void write_piece(int fd, const char *bytes, size_t size)
{
    int left = 1;

    write_all(fd, bytes, size);
    while (ioctl(fd, FIONREAD, &left) == 0 && left > 0) {
        sched_yield();
    }
}

static int chunks(size_t at_once)
{
    for (size_t at = 0; at < TEXT; at += at_once) {
        size_t n = TEXT - at < at_once ? TEXT - at : at_once;

        write_piece(STDOUT_FILENO, text + at, n);
        write_piece(STDERR_FILENO, text + at, n);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strcmp(argv[1], "chunks") == 0) {
            return chunks(strtoul(argv[2], NULL, 10));
        }
        if (strcmp(argv[1], "long") == 0) {
            for (int i = 0; i < 2; i++) {
                write_many(STDOUT_FILENO, 'x', strtoul(argv[2], NULL, 10));
                write_all(STDOUT_FILENO, "\n", 1);
            }
            return 0;
        }
        if (strcmp(argv[1], "ends unfinished") == 0) {
            write_all(STDOUT_FILENO, "line\nunf", 8);
            return 0;
        }
        if (strcmp(argv[1], "unfinished") == 0) {
            write_all(STDOUT_FILENO, "line\nunf", 8);
            pause_for_ever();
        }
        if (strcmp(argv[1], "held") == 0) {
            char byte;

            write_all(STDOUT_FILENO, "line\nunf", 8);
            if (fork() == 0) {
                (void)!read(LEASH_FD, &byte, 1);
            }
            _exit(0);
        }
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    in_both_forms(test_chunks);
    in_both_forms(test_long_lines);
    in_both_forms(test_unfinished);
    ok(!has_child(), "no child is left");
    return done();
}
