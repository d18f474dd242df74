/*
 * With CHECK a status other than 0 is a failure, whose text has the last line that the program wrote to stderr.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"
#include "run.h"

#define NAME "'/proc/self/exe'"

/* Lines of this length are shown whole. */
enum { MOST = 200 };

static void check_with(const QemuRunOptions *more, const char *how, const char *err, int error, const char *text)
{
    QemuRunOptions options = *more;

    options.flags |= QEMU_RUN_CHECK;
    run(ARGS(SELF, how, err), NULL, &options);
    if (!ok(ran.done == !error && (!error || ran.error == error) && ran.result.end == QEMU_RUN_END_EXITED,
            "%s: errno %d", text, error)) {
        show_run();
    }
    is_str(ran.message, text, "the text");
}

static void check(const char *how, const char *err, int error, const char *text)
{
    check_with(RUN(.flags = 0), how, err, error, text);
    is_str(ran.result.err, err, "stderr is kept as it is");
    run_clear();
}

static void test_texts(void)
{
    char line[3 * MOST + 1], text[3 * MOST + 100];

    check("fail 0", "", 0, "");
    check("fail 0", "it is said\n", 0, "");
    check("fail 3", "", EIO, NAME " exited with status 3");
    check("fail 255", "\n \n\t\n", EIO, NAME " exited with status 255");
    check("fail 1", "no newline", EIO, NAME " exited with status 1: no newline");
    check("fail 1", "first\nlast\n", EIO, NAME " exited with status 1: last");
    check("fail 1", "last\n\n  \n \t \n", EIO, NAME " exited with status 1: last");
    check("fail 1", "  indented, and white space after it \t \r\n\n", EIO,
          NAME " exited with status 1:   indented, and white space after it");
    check("fail 1", "\x1b[31mred\x1b[0m\a\n", EIO, NAME " exited with status 1: \\x1b[31mred\\x1b[0m\\x07");
    check("fail 1", "caf\xc3\xa9\n", EIO, NAME " exited with status 1: caf\xc3\xa9");
    check("fail 1", "\xff\xfe\n", EIO, NAME " exited with status 1: \\xff\\xfe");
    check("fail 1", "can't stat \"it's\": \\n\n", EIO, NAME " exited with status 1: can't stat \"it's\": \\x5cn");
    check("fail 1", "100% {} %s %n\n", EIO, NAME " exited with status 1: 100% {} %s %n");
    memset(line, 'x', sizeof(line));
    line[MOST] = '\0';
    snprintf(text, sizeof(text), NAME " exited with status 1: %s", line);
    check("fail 1", line, EIO, text);
    memset(line, 'x', sizeof(line));
    line[3 * MOST] = '\0';
    check("fail 1", line, EIO, text);
    /* A character of several bytes is cut as a whole. */
    for (size_t i = 1; i + 1 < sizeof(line); i += 2) {
        memcpy(line + i, "\xc3\xa9", 2);
    }
    line[3 * MOST - 1] = '\0';
    snprintf(text, sizeof(text), NAME " exited with status 1: %.*s", MOST - 1, line);
    check("fail 1", line, EIO, text);
    check("kill 10", "", EIO, NAME " was killed by signal 10 (SIGUSR1)");
    check("kill 9", "before\n", EIO, NAME " was killed by signal 9 (SIGKILL): before");
    check("kill 40", "", EIO, NAME " was killed by signal 40");
}

static bool take_all(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)opaque;
    (void)child_fd;
    (void)data;
    (void)len;
    return true;
}

static bool refuse(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)opaque;
    (void)data;
    (void)len;
    return child_fd != 2;
}

/* The line does not depend on what is kept. It is in the message only if the library reads stderr. */
static void test_with_others(void)
{
    static const char last[] = NAME " exited with status 4: the last line", nothing[] = NAME " exited with status 4";
    static const char lines[] = "the first line\nthe last line\n";

    check_with(RUN(.flags = QEMU_RUN_CUT, .stderr_limit = 3), "fail 4", lines, EIO, last);
    is_str(ran.result.err, "the", "CUT keeps the beginning");
    run_clear();
    check_with(RUN(.flags = QEMU_RUN_KEEP_TAIL, .stderr_limit = 3), "fail 4", lines, EIO, last);
    is_str(ran.result.err, "ne\n", "KEEP_TAIL keeps the end");
    run_clear();
    check_with(RUN(.sink = take_all), "fail 4", lines, EIO, last);
    run_clear();
    check_with(RUN(.sink = take_all, .flags = QEMU_RUN_LINES, .stderr_limit = 2), "fail 4", lines, EIO, last);
    run_clear();
    check_with(RUN(.flags = QEMU_RUN_INHERIT_STDERR), "fail 4", "", EIO, nothing);
    run_clear();
    run(ARGS(SELF, "fail 4", lines), OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR), RUN(.flags = QEMU_RUN_CHECK));
    is_str(ran.message, nothing, "of a stderr that goes to stdout nothing is told");
    is_str(ran.result.out, lines, "it is in stdout");
    run_clear();
    run(ARGS(SELF, "fail 4", lines), OPTIONS(.flags = QEMU_SPAWN_NULL_STDERR), RUN(.flags = QEMU_RUN_CHECK));
    is_str(ran.message, nothing, "nor of one that goes nowhere");
    run_clear();
}

/* CHECK changes no other end. */
static void test_other_ends(void)
{
    run(ARGS(SELF, "pause"), NULL, RUN(.flags = QEMU_RUN_CHECK, .timeout_ms = 50, .grace_ms = LONG_MS));
    ok(!ran.done && ran.error == ETIMEDOUT, "a timeout stays one");
    run_clear();
    run(ARGS(SELF, "fail 4", "too much"), NULL, RUN(.flags = QEMU_RUN_CHECK, .stderr_limit = 3));
    ok(!ran.done && ran.error == ENOBUFS && ran.result.end == QEMU_RUN_END_LIMIT, "too much output stays it");
    run_clear();
    run(ARGS(SELF, "fail 4", "much"), NULL, RUN(.flags = QEMU_RUN_CHECK, .sink = refuse));
    ok(!ran.done && ran.error == ECANCELED && ran.result.end == QEMU_RUN_END_STOPPED, "a sink's false stays one");
    run_clear();
    run(ARGS("/nowhere"), NULL, RUN(.flags = QEMU_RUN_CHECK));
    ok(!ran.done && ran.error == ENOENT && ran.result.end == QEMU_RUN_END_NOT_STARTED, "a failed start stays one");
    run_clear();
    run(ARGS(SELF, "fail 4", "line\n"), NULL, NULL);
    ok(ran.done && ran_end() == 4, "without CHECK a status is no failure");
    run_clear();
}

/* If other code of the program reaps the child, and no descriptor keeps its status, the status is unknown. */
static void test_unknown(void)
{
    signal(SIGCHLD, SIG_IGN);
    for (int status = 0; status < 2; status++) {
        run(ARGS(SELF, status ? "fail 1" : "fail 0", "line\n"), NULL, RUN(.flags = QEMU_RUN_CHECK));
        if (ran.result.status.end == QEMU_PROCESS_UNKNOWN) {
            ok(!ran.done && ran.error == ECHILD && ran.result.end == QEMU_RUN_END_EXITED,
               "a status that is not known is not a good one: ECHILD");
            is_str(ran.message, NAME " ended, but its status is not known: line", "the text");
        } else {
            ok(ran.done == !status && (!status || ran.error == EIO), "the kernel has kept the status");
        }
        is_str(ran.result.err, "line\n", "its output is there");
        run_clear();
    }
    signal(SIGCHLD, SIG_DFL);
}

static void checks(void)
{
    in_both_forms(test_unknown);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strncmp(argv[1], "fail ", 5) == 0) {
            write_all(STDERR_FILENO, argv[2], strlen(argv[2]));
            return atoi(argv[1] + 5);
        }
        if (strncmp(argv[1], "kill ", 5) == 0) {
            const struct rlimit no_core = {0, 0};

            write_all(STDERR_FILENO, argv[2], strlen(argv[2]));
            setrlimit(RLIMIT_CORE, &no_core);
            raise(atoi(argv[1] + 5));
        }
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    in_both_forms(test_texts);
    in_both_forms(test_with_others);
    in_both_forms(test_other_ends);
    check_here_and_on_older_kernel(checks);
    ok(!has_child(), "no child is left");
    return done();
}
