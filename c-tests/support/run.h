/*
 * Functions for the tests of qemu_run(). A test runs a program in both forms: in one call, and in a main loop. The
 * results are compared member by member.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef RUN_H
#define RUN_H

#include <poll.h>

#include "handle.h"

#define RUN(...) (&(QemuRunOptions){.size = sizeof(QemuRunOptions), __VA_ARGS__})

/* In milliseconds: long enough for a slow machine, and short enough for a test that hangs. */
enum { LONG_MS = 90000, SHORT_MS = 20 };

/* How a run is made. */
enum form { IN_ONE_CALL, IN_A_LOOP, FORMS };

static const char *const form_names[FORMS] = {"qemu_run(): ", "in a loop: "};
static enum form form;

/* The results of the last run(). */
static struct {
    bool done; /* it returned true, or a step 1 */
    int error;
    char message[1024];
    QemuRunResult result;
    int steps; /* of a main loop */
} ran;

/* The run of the main loop, for a thread that cancels it. */
static QemuRun *volatile running;

/* What only a run of a main loop gets, before its first step; or NULL. */
static void (*on_start)(QemuRun *run);

static void take_error(Error *err)
{
    snprintf(ran.message, sizeof(ran.message), "%s", err ? error_get_pretty(err) : "");
    if (err) {
        error_free(err);
    }
}

static void run_in_loop(const char *const *argv, const QemuSpawnOptions *spawn, const QemuRunOptions *options)
{
    Error *err = NULL;
    QemuRun *run = qemu_run_start(argv, spawn, options, &err);
    int result = 0;

    ran.error = errno;
    if (run) {
        struct pollfd poll_one = {.fd = qemu_run_fd(run), .events = POLLIN};

        running = run;
        if (on_start) {
            on_start(run);
        }
        while (result == 0) {
            while (poll(&poll_one, 1, -1) != 1) {
                if (errno != EINTR) {
                    bail("poll");
                }
            }
            errno = ERANGE;
            result = qemu_run_step(run, &ran.result, &err);
            ran.error = errno;
            ran.steps++;
            if (result == 0 && (err || errno != ERANGE)) {
                printf("# a step that is not the last one has set %s\n", err ? "an error" : "errno");
                abort();
            }
        }
        running = NULL;
        qemu_run_free(run);
    }
    ran.done = result == 1;
    take_error(err);
}

/* Runs a program, and records the results. The caller frees them with run_clear(). */
__attribute__((__unused__)) static void run(const char *const *argv, const QemuSpawnOptions *spawn,
                                            const QemuRunOptions *options)
{
    memset(&ran, 0xA5, sizeof(ran));
    ran.result.size = sizeof(ran.result);
    ran.steps = 0;
    errno = ERANGE;
    if (form == IN_A_LOOP) {
        memset(&ran.result, 0, sizeof(ran.result));
        ran.result.size = sizeof(ran.result);
        run_in_loop(argv, spawn, options);
    } else {
        Error *err = NULL;

        ran.done = qemu_run(argv, spawn, options, &ran.result, &err);
        ran.error = errno;
        take_error(err);
    }
    if (ran.done != !*ran.message) {
        printf("# success or a message, not %s\n", ran.done ? "both" : "neither");
        abort();
    }
}

__attribute__((__unused__)) static void run_clear(void)
{
    qemu_run_result_clear(&ran.result);
}

/* How the program of the last run ended, as ending_of() says it. */
__attribute__((__unused__)) static int ran_end(void)
{
    return ending_of(&ran.result.status);
}

__attribute__((__unused__)) static void show_run(void)
{
    printf("# %s, errno %d (%s), end %d, status %d, flags %llx, out %zu of %llu, err %zu of %llu, \"%s\"\n",
           ran.done ? "done" : "failed", ran.error, strerror(ran.error), (int)ran.result.end, ran_end(),
           (unsigned long long)ran.result.flags, ran.result.out_len, (unsigned long long)ran.result.out_total,
           ran.result.err_len, (unsigned long long)ran.result.err_total, ran.message);
}

/* Runs a test in both forms. */
__attribute__((__unused__)) static void in_both_forms(void (*test)(void))
{
    for (int each = 0; each < FORMS; each++) {
        form = (enum form)each;
        tap_form = form_names[each];
        test();
    }
    form = IN_ONE_CALL;
    tap_form = "";
}

/* Writes all of it, or ends this process. For programs that were spawned. */
__attribute__((__unused__)) static void write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno != EINTR) {
            _exit(95);
        }
        at += n < 0 ? 0 : n;
        size -= n < 0 ? 0 : (size_t)n;
    }
}

/* Writes this byte that many times. */
__attribute__((__unused__)) static void write_many(int fd, char byte, size_t size)
{
    static char block[65536];

    memset(block, byte, sizeof(block));
    while (size > 0) {
        size_t n = size < sizeof(block) ? size : sizeof(block);

        write_all(fd, block, n);
        size -= n;
    }
}

#endif /* RUN_H */
