/*
 * The options of a run: contradictions, sizes of structures, NULL, the first three descriptors of the program, and
 * calls that make no sense.
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>

#include "run.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

enum { LARGEST = 1 << 16, FAR = 700 };

/* ---- What is refused ---- */

/* Nothing is started, nothing is left, and the result is cleared. */
static void refuses(const QemuSpawnOptions *spawn, const QemuRunOptions *options, int error, const char *text)
{
    static struct state before;
    QemuSpawnStep step = (QemuSpawnStep)99;
    QemuSpawnOptions with_step = spawn ? *spawn : (QemuSpawnOptions){.size = sizeof(with_step)};
    QemuRunResult cleared;
    char expected[300];

    with_step.failed_step = &step;
    snprintf(expected, sizeof(expected), "cannot run: %s", text);
    look_at_state(&before);
    run(ARGS(SELF, "exit", "0"), &with_step, options);
    ok(!ran.done && ran.error == error, "%s: it fails", text);
    is_str(ran.message, expected, "with this text");
    is_int(step, QEMU_SPAWN_STEP_ARGUMENTS, "at this step");
    memset(&cleared, 0, sizeof(cleared));
    cleared.size = sizeof(cleared);
    ok(memcmp(&cleared, &ran.result, sizeof(cleared)) == 0, "the result is all zeroes, but for its size");
    ok(!has_child(), "no child is left");
    is_same_state(&before, "all else is as it was");
}

static bool take_all(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)opaque;
    (void)child_fd;
    (void)data;
    (void)len;
    return true;
}

static void test_contradictions(void)
{
    static const char pipe_text[] = "the library makes the pipes itself: no QEMU_SPAWN_PIPE_* flag is allowed";
    const QemuSpawnFd of_stdin[] = {{.source = QEMU_SPAWN_FD_NULL, .target = 0}};
    const QemuSpawnFd of_stdout[] = {{.source = QEMU_SPAWN_FD_NULL, .target = 1}};
    const QemuSpawnFd of_stderr[] = {{.source = QEMU_SPAWN_FD_NULL, .target = 2}};
    char number[80];

    refuses(NULL, RUN(.flags = 1ULL << 63), EINVAL, "the options have an unknown flag, 1 << 63");
    refuses(NULL, RUN(.flags = 1ULL << 10), EINVAL, "the options have an unknown flag, 1 << 10");
    refuses(NULL, RUN(.input_len = 1), EINVAL, "input is NULL, and input_len is not 0");
    refuses(NULL, RUN(.input = "", .input_len = SIZE_MAX), EINVAL, "input_len is more than memory can hold");
    refuses(OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN), NULL, EINVAL, pipe_text);
    refuses(OPTIONS(.flags = QEMU_SPAWN_PIPE_STDOUT), NULL, EINVAL, pipe_text);
    refuses(OPTIONS(.flags = QEMU_SPAWN_PIPE_STDERR), NULL, EINVAL, pipe_text);
    refuses(NULL, RUN(.flags = QEMU_RUN_CUT | QEMU_RUN_KEEP_TAIL), EINVAL, "CUT excludes KEEP_TAIL");
    refuses(NULL, RUN(.flags = QEMU_RUN_CUT, .sink = take_all), EINVAL, "CUT excludes a sink");
    refuses(NULL, RUN(.flags = QEMU_RUN_KEEP_TAIL, .sink = take_all), EINVAL, "KEEP_TAIL excludes a sink");
    refuses(NULL, RUN(.flags = QEMU_RUN_LINES), EINVAL, "LINES needs a sink");
    refuses(NULL, RUN(.flags = QEMU_RUN_INHERIT_STDIN, .input = "a", .input_len = 1), EINVAL,
            "INHERIT_STDIN excludes input");
    refuses(NULL, RUN(.flags = QEMU_RUN_INHERIT_STDIN, .input = ""), EINVAL, "INHERIT_STDIN excludes input");
    refuses(OPTIONS(.flags = QEMU_SPAWN_NULL_STDIN), RUN(.flags = QEMU_RUN_INHERIT_STDIN), EINVAL,
            "INHERIT_STDIN excludes another stdin");
    refuses(OPTIONS(.fds = of_stdin, .n_fds = 1), RUN(.flags = QEMU_RUN_INHERIT_STDIN), EINVAL,
            "INHERIT_STDIN excludes another stdin");
    refuses(OPTIONS(.flags = QEMU_SPAWN_NULL_STDIN), RUN(.input = "a", .input_len = 1), EINVAL,
            "input excludes another stdin");
    refuses(OPTIONS(.fds = of_stdin, .n_fds = 1), RUN(.input = ""), EINVAL, "input excludes another stdin");
    refuses(OPTIONS(.flags = QEMU_SPAWN_NULL_STDOUT), RUN(.flags = QEMU_RUN_INHERIT_STDOUT), EINVAL,
            "INHERIT_STDOUT excludes another stdout");
    refuses(OPTIONS(.fds = of_stdout, .n_fds = 1), RUN(.flags = QEMU_RUN_INHERIT_STDOUT), EINVAL,
            "INHERIT_STDOUT excludes another stdout");
    refuses(OPTIONS(.flags = QEMU_SPAWN_NULL_STDERR), RUN(.flags = QEMU_RUN_INHERIT_STDERR), EINVAL,
            "INHERIT_STDERR excludes another stderr");
    refuses(OPTIONS(.fds = of_stderr, .n_fds = 1), RUN(.flags = QEMU_RUN_INHERIT_STDERR), EINVAL,
            "INHERIT_STDERR excludes another stderr");
    refuses(OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR), RUN(.flags = QEMU_RUN_INHERIT_STDERR), EINVAL,
            "INHERIT_STDERR excludes MERGE_STDERR");
    refuses(NULL, RUN(.cancel_fd = 3), EINVAL, "cancel_fd is 3, and the flag CANCEL_FD is not set");
    refuses(NULL, RUN(.cancel_fd = -1), EINVAL, "cancel_fd is -1, and the flag CANCEL_FD is not set");
    refuses(NULL, RUN(.flags = QEMU_RUN_CANCEL_FD, .cancel_fd = -1), EBADF, "cancel_fd, descriptor -1, is not open");
    snprintf(number, sizeof(number), "cancel_fd, descriptor %d, is not open", FAR);
    refuses(NULL, RUN(.flags = QEMU_RUN_CANCEL_FD, .cancel_fd = FAR), EBADF, number);
}

/* A descriptor number that is not open must not become valid by the pipes that the library makes. */
static void test_sources_that_are_not_open(void)
{
    int first = dup(STDIN_FILENO);

    close(first);
    for (int source = first; source < first + 12; source++) {
        const QemuSpawnFd fds[] = {{.source = source, .target = FAR}};
        static struct state before;

        if (fcntl(source, F_GETFD) != -1) {
            continue;
        }
        look_at_state(&before);
        run(ARGS(SELF, "exit", "0"), OPTIONS(.fds = fds, .n_fds = 1), RUN(.input = ""));
        if (!ok(!ran.done && ran.error == EBADF && ran.result.end == QEMU_RUN_END_NOT_STARTED,
                "descriptor %d is not open: EBADF", source)) {
            show_run();
        }
        run_clear();
        is_same_state(&before, "all else is as it was");
    }
}

/* ---- Sizes ---- */

static void test_sizes_of_options(void)
{
    /* The end of the last member of the first version: on 32-bit ARM there is padding after it. */
    enum { FIRST = offsetof(QemuRunOptions, opaque) + sizeof(void *) };
    static const size_t wrong[] = {0, 1, FIRST - 1, LARGEST + 1, SIZE_MAX / 2};
    struct {
        QemuRunOptions options;
        uint64_t later[2];
    } larger = {.options = {.size = sizeof(larger)}};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[100];

        snprintf(text, sizeof(text), "the options' size is %zu, and not sizeof(QemuRunOptions)", wrong[i]);
        refuses(NULL, &(QemuRunOptions){.size = wrong[i]}, EINVAL, text);
    }
    run(ARGS(SELF, "exit", "4"), NULL, &larger.options);
    ok(ran.done && ran_end() == 4, "options of a later version, with zeroes, are right");
    run_clear();
    larger.later[1] = 1;
    refuses(NULL, &larger.options, E2BIG, "the options have members that this version of the library does not know");
}

static void test_sizes_of_result(void)
{
    static const size_t wrong[] = {0, 1, sizeof(QemuRunResult) - 1, LARGEST + 1, SIZE_MAX / 2};
    struct {
        QemuRunResult result;
        unsigned char later[64];
    } larger, before;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        Error *err = NULL;
        char text[100];

        memset(&larger, 0xA5, sizeof(larger));
        larger.result.size = wrong[i];
        before = larger;
        errno = 0;
        ok(!qemu_run(ARGS(SELF, "exit", "0"), NULL, NULL, &larger.result, &err) && errno == EINVAL && err,
           "a result whose size is %zu: EINVAL", wrong[i]);
        snprintf(text, sizeof(text), "cannot run: the result's size is %zu, and not sizeof(QemuRunResult)", wrong[i]);
        is_str(err ? error_get_pretty(err) : NULL, text, "with this text");
        if (err) {
            error_free(err);
        }
        ok(memcmp(&before, &larger, sizeof(larger)) == 0, "it is left alone");
        qemu_run_result_clear(&larger.result);
        ok(memcmp(&before, &larger, sizeof(larger)) == 0, "nor is it cleared");
        ok(!has_child(), "and nothing is started");
    }
    memset(&larger, 0xA5, sizeof(larger));
    larger.result.size = sizeof(larger);
    ok(qemu_run(ARGS(SELF, "both"), NULL, NULL, &larger.result, NULL), "a result of a later version is right");
    is_str(larger.result.out, "out\n", "stdout");
    is_str(larger.result.err, "err\n", "stderr");
    memset(&before, 0, sizeof(before));
    ok(memcmp(larger.later, before.later, sizeof(before.later)) == 0, "its later members are zero");
    qemu_run_result_clear(&larger.result);
    before.result.size = sizeof(before);
    ok(memcmp(&before, &larger, sizeof(larger)) == 0, "cleared, it is all zeroes, but for its size");
    qemu_run_result_clear(&larger.result);
    ok(memcmp(&before, &larger, sizeof(larger)) == 0, "and may be cleared again");
}

/* ---- NULL ---- */

static void test_null(void)
{
    Error *err = NULL;

    ok(qemu_run(ARGS(SELF, "both"), NULL, NULL, NULL, NULL), "nobody wants the result");
    errno = 0;
    ok(!qemu_run(ARGS(SELF, "pause"), NULL, RUN(.timeout_ms = 1, .flags = QEMU_RUN_KILL), NULL, NULL) &&
           errno == ETIMEDOUT,
       "nor the error");
    ok(!has_child(), "no child is left");
    errno = 0;
    ok(qemu_run_fd(NULL) == -1 && errno == EINVAL, "qemu_run_fd(NULL)");
    errno = 0;
    ok(qemu_run_step(NULL, NULL, &err) == -1 && errno == EINVAL && err, "qemu_run_step(NULL)");
    is_str(err ? error_get_pretty(err) : NULL, "cannot run: run is NULL", "with this text");
    if (err) {
        error_free(err);
    }
    errno = 0;
    ok(!qemu_run_process(NULL) && errno == EINVAL, "qemu_run_process(NULL)");
    errno = ERANGE;
    qemu_run_cancel(NULL);
    qemu_run_free(NULL);
    qemu_run_result_clear(NULL);
    ok(errno == ERANGE, "the others do nothing with NULL");
}

/* ---- What the program's first descriptors are ---- */

static void is_said(const QemuSpawnOptions *spawn, const QemuRunOptions *options, const char *out, const char *err,
                    const char *what)
{
    run(ARGS(SELF, "streams"), spawn, options);
    ok(ran.done && ran_end() == 0 && ran.result.flags == 0, "%s: it is run", what);
    is_str(ran.result.out, out, "what it says to stdout");
    is_str(ran.result.err, err, "what it says to stderr");
    run_clear();
}

static const char *file_says(const char *path)
{
    static char text[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return NULL;
    }
    read_all(fd, text, sizeof(text));
    close(fd);
    return text;
}

static void test_streams(void)
{
    const char *path = in_folder("out");
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const QemuSpawnFd stdin_is_file[] = {{.source = file, .target = 0}};
    const QemuSpawnFd stdout_is_file[] = {{.source = file, .target = 1}};
    const QemuSpawnFd stderr_is_file[] = {{.source = file, .target = 2}};

    is_said(NULL, NULL, "stdin null\n", "stderr pipe\n", "by default");
    is_said(NULL, RUN(.input = ""), "stdin pipe\n", "stderr pipe\n", "input of no length is an empty pipe");
    is_said(NULL, RUN(.input = "ab", .input_len = 2), "stdin pipe ab\n", "stderr pipe\n", "input");
    is_said(OPTIONS(.flags = QEMU_SPAWN_NULL_STDIN), NULL, "stdin null\n", "stderr pipe\n", "NULL_STDIN");
    is_said(OPTIONS(.flags = QEMU_SPAWN_NULL_STDOUT), NULL, "", "stderr pipe\n", "NULL_STDOUT");
    is_said(OPTIONS(.flags = QEMU_SPAWN_NULL_STDERR), NULL, "stdin null\n", "", "NULL_STDERR");
    is_said(OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR), NULL, "stdin null\nstderr pipe\n", "", "MERGE_STDERR");
    is_said(OPTIONS(.fds = stdin_is_file, .n_fds = 1), NULL, "stdin file\n", "stderr pipe\n", "another stdin");
    is_said(OPTIONS(.fds = stdout_is_file, .n_fds = 1), NULL, "", "stderr pipe\n", "another stdout");
    is_str(file_says(path), "stdin null\n", "that has it");
    is_int(ftruncate(file, 0), 0, "ftruncate");
    lseek(file, 0, SEEK_SET);
    is_said(OPTIONS(.fds = stderr_is_file, .n_fds = 1), NULL, "stdin null\n", "", "another stderr");
    is_str(file_says(path), "stderr file\n", "that has it");
    close(file);
}

static void inherit_all(void *unused)
{
    int null = open("/dev/zero", O_RDWR);

    (void)unused;
    if (dup2(STDERR_FILENO, STDOUT_FILENO) == -1 || dup2(null, STDIN_FILENO) == -1) {
        _exit(96);
    }
    run(ARGS(SELF, "streams"), NULL,
        RUN(.flags = QEMU_RUN_INHERIT_STDIN | QEMU_RUN_INHERIT_STDOUT | QEMU_RUN_INHERIT_STDERR));
    _exit(ran.done && *ran.result.out == '\0' && *ran.result.err == '\0' && ran_end() == 0 && ran.result.flags == 0 ? 0
                                                                                                                   : 1);
}

static void inherit_nothing_open(void *unused)
{
    bool holds;

    (void)unused;
    for (int fd = 0; fd < 3; fd++) {
        close(fd);
    }
    run(ARGS(SELF, "streams"), NULL, RUN(.input = "xy", .input_len = 2));
    holds = ran.done && strcmp(ran.result.out, "stdin pipe xy\n") == 0 && strcmp(ran.result.err, "stderr pipe\n") == 0;
    for (int fd = 0; fd < 3; fd++) {
        holds = holds && fcntl(fd, F_GETFD) == -1;
    }
    _exit(holds ? 0 : 1);
}

static void test_inherited(void)
{
    struct ending ending = run_child(inherit_all, NULL);

    exits_with(&ending, 0, "all three are the caller's: nothing is captured");
    is_str(ending.text, "stdin zero\nstderr pipe\n", "what the program says goes where the caller's would");
    ending = run_child(inherit_nothing_open, NULL);
    exits_with(&ending, 0, "a caller whose first three descriptors are closed");
}

/* ---- Calls that make no sense ---- */

/* Steps a run to its end. */
static int go_on(QemuRun *one, QemuRunResult *result)
{
    struct pollfd poll_one = {.fd = qemu_run_fd(one), .events = POLLIN};
    int step;

    do {
        poll(&poll_one, 1, -1);
        step = qemu_run_step(one, result, NULL);
    } while (step == 0);
    return step;
}

static bool is_ready(QemuRun *one)
{
    struct pollfd poll_one = {.fd = qemu_run_fd(one), .events = POLLIN};

    return poll(&poll_one, 1, 0) == 1;
}

static QemuRun *must_start(const char *const *argv, const QemuSpawnOptions *spawn, const QemuRunOptions *options)
{
    QemuRun *one = qemu_run_start(argv, spawn, options, NULL);

    if (!one) {
        bail("qemu_run_start");
    }
    return one;
}

static void step_fails(QemuRun *one, QemuRunResult *result, int error, const char *text)
{
    Error *err = NULL;
    int step;

    errno = 0;
    step = qemu_run_step(one, result, &err);
    ok(step == -1 && errno == error && err, "%s: -1 and errno", text);
    is_str(err ? error_get_pretty(err) : NULL, text, "the text");
    if (err) {
        error_free(err);
    }
}

static void test_steps(void)
{
    QemuRunResult result = {.size = sizeof(result)}, wrong = {.size = 3}, zeroes = {.size = sizeof(zeroes)};
    QemuRun *one = must_start(ARGS(SELF, "both"), NULL, NULL);

    step_fails(one, &wrong, EINVAL, "cannot run: the result's size is 3, and not sizeof(QemuRunResult)");
    is_int(go_on(one, &result), 1, "after a step with a wrong size the run goes on");
    ok(result.end == QEMU_RUN_END_EXITED && strcmp(result.out, "out\n") == 0, "to its end");
    qemu_run_result_clear(&result);
    ok(is_ready(one), "after the end the descriptor is readable");
    result.flags = 77;
    step_fails(one, &result, EINVAL, "cannot run: the run is over");
    ok(memcmp(&result, &zeroes, sizeof(result)) == 0, "the result is cleared");
    qemu_run_cancel(one);
    ok(is_ready(one), "and so it stays");
    step_fails(one, NULL, EINVAL, "cannot run: the run is over");
    qemu_run_free(one);
}

struct inner {
    QemuRun *outer;
    int calls;
    bool refused, nested;
};

static bool step_in_sink(void *opaque, int child_fd, const char *data, size_t len)
{
    struct inner *inner = opaque;
    QemuRunResult result = {.size = sizeof(result)};

    (void)child_fd;
    (void)data;
    (void)len;
    inner->calls++;
    errno = 0;
    inner->refused = qemu_run_step(inner->outer, &result, NULL) == -1 && errno == EINVAL && !result.out;
    inner->nested = qemu_run(ARGS(SELF, "both"), NULL, NULL, &result, NULL) && strcmp(result.out, "out\n") == 0;
    qemu_run_result_clear(&result);
    return true;
}

static void test_step_in_sink(void)
{
    struct inner inner = {0};
    QemuRunResult result = {.size = sizeof(result)};

    inner.outer = must_start(ARGS(SELF, "both"), NULL, RUN(.sink = step_in_sink, .opaque = &inner));
    is_int(go_on(inner.outer, &result), 1, "a sink that calls its own run: it goes on");
    ok(inner.refused && inner.calls == 2, "the step was refused");
    ok(inner.nested, "another run in it is right");
    qemu_run_result_clear(&result);
    qemu_run_free(inner.outer);
}

static void test_process(void)
{
    QemuRunResult result = {.size = sizeof(result)};
    QemuRun *one = must_start(ARGS(SELF, "pause"), NULL, RUN(.input = ""));
    QemuProcess *process = qemu_run_process(one);

    ok(process && qemu_process_pid(process) > 0, "the run has a process");
    for (int fd = 0; fd < 3; fd++) {
        errno = 0;
        ok(qemu_process_take_fd(process, fd) == -1 && errno == EBADF, "its descriptor %d is the run's: EBADF", fd);
    }
    is_int(wait_ms(process, 0), TIMED_OUT, "it can be looked at");
    ok(qemu_process_kill(process, SIGKILL, NULL), "it can be killed");
    is_int(wait_ms(process, -1), KILLED_BY + SIGKILL, "and waited for");
    is_int(go_on(one, &result), 1, "for the run this is the program's own end");
    ok(result.end == QEMU_RUN_END_EXITED && ending_of(&result.status) == KILLED_BY + SIGKILL, "with its status");
    is_int(wait_ms(process, 0), KILLED_BY + SIGKILL, "which the process still tells");
    qemu_run_result_clear(&result);
    qemu_run_free(one);
}

static void test_free(void)
{
    static struct state before;
    QemuRun *one;

    look_at_state(&before);
    one = must_start(ARGS(SELF, "pause"), NULL, RUN(.input = "abc", .input_len = 3));
    errno = ERANGE;
    qemu_run_free(one);
    ok(errno == ERANGE && !has_child(), "a run that is freed is killed and reaped; errno stays");
    is_same_state(&before, "nothing is left");
    one = must_start(ARGS(SELF, "exit", "0"), NULL, NULL);
    await_end(qemu_process_pid(qemu_run_process(one)));
    qemu_run_free(one);
    ok(!has_child(), "one whose program has ended is reaped");
    one = must_start(ARGS(SELF, "stubborn"), NULL, NULL);
    qemu_run_cancel(one);
    (void)qemu_run_step(one, NULL, NULL);
    qemu_run_free(one);
    ok(!has_child(), "one that is being stopped, too");
    is_same_state(&before, "nothing is left");
}

/* Everything that a call points to may be freed after it, but for the input. */
static void test_arguments_go(void)
{
    char *word = strdup(SELF), *what = strdup("pause");
    const char **argv = calloc(3, sizeof(*argv));
    QemuRunOptions *options = calloc(1, sizeof(*options));
    QemuSpawnOptions *spawn = calloc(1, sizeof(*spawn));
    Error *err = NULL;
    QemuRun *one;

    argv[0] = word;
    argv[1] = what;
    *options = (QemuRunOptions){.size = sizeof(*options)};
    *spawn = (QemuSpawnOptions){.size = sizeof(*spawn)};
    one = must_start(argv, spawn, options);
    memset(word, '?', strlen(word));
    free(word);
    free(what);
    free(argv);
    free(options);
    free(spawn);
    qemu_run_cancel(one);
    while (qemu_run_step(one, NULL, &err) == 0) {
        struct pollfd poll_one = {.fd = qemu_run_fd(one), .events = POLLIN};

        poll(&poll_one, 1, -1);
    }
    is_str(err ? error_get_pretty(err) : NULL, "the run of '/proc/self/exe' was cancelled",
           "the words of a command may go after the start");
    if (err) {
        error_free(err);
    }
    qemu_run_free(one);
}

static QemuRun *parents_run;

static void in_a_fork(void *unused)
{
    QemuRunResult result = {.size = sizeof(result)};
    Error *err = NULL;
    bool holds;

    (void)unused;
    errno = 0;
    holds = qemu_run_step(parents_run, &result, &err) == -1 && errno == ECHILD && err &&
            strcmp(error_get_pretty(err), "cannot run: another process has started the run") == 0 && !result.out;
    if (err) {
        error_free(err);
    }
    qemu_run_cancel(parents_run);
    qemu_run_free(parents_run);
    _exit(holds ? 0 : 1);
}

/* Whether the library can tell a fork of this process from it. An emulator may take the advice and do nothing. */
static bool forks_are_told_apart(void)
{
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    int *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t pid;

    if (page == MAP_FAILED) {
        bail("mmap");
    }
    if (madvise(page, size, MADV_WIPEONFORK) != 0) {
        return true; /* an older kernel: there the process id tells */
    }
    *page = 1;
    pid = fork();
    if (pid == 0) {
        _exit(*page == 0 ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

static void test_fork(void)
{
    int go[2];
    QemuRunResult result = {.size = sizeof(result)};
    QemuSpawnFd fds[1];
    struct ending ending;

    if (!forks_are_told_apart()) {
        skip("a fork of the process", "MADV_WIPEONFORK does nothing here");
        return;
    }
    if (pipe2(go, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    fds[0] = (QemuSpawnFd){.source = go[0], .target = 5};
    parents_run = must_start(ARGS(SELF, "go"), OPTIONS(.fds = fds, .n_fds = 1), NULL);
    ending = run_child(in_a_fork, NULL);
    exits_with(&ending, 0, "in a fork a step is ECHILD");
    ok(!is_ready(parents_run), "a cancel and a free there do not wake the run");
    is_int(qemu_run_step(parents_run, &result, NULL), 0, "and do not end it");
    put_byte(go[1], 'g');
    is_int(go_on(parents_run, &result), 1, "it goes on to its own end");
    is_int(ending_of(&result.status), 8, "with its own status");
    is_str(result.out, "went\n", "and all that it has said");
    qemu_run_result_clear(&result);
    qemu_run_free(parents_run);
    close(go[0]);
    close(go[1]);
}

/* ---- The program ---- */

static const char *kind_of(int fd)
{
    struct stat status, null, zero;

    if (fstat(fd, &status) != 0) {
        return "closed";
    }
    if (stat("/dev/null", &null) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == null.st_rdev) {
        return "null";
    }
    if (stat("/dev/zero", &zero) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == zero.st_rdev) {
        return "zero";
    }
    return S_ISFIFO(status.st_mode) ? "pipe" : S_ISREG(status.st_mode) ? "file" : "another";
}

static int streams(void)
{
    char line[100], text[10] = "";
    const char *kind = kind_of(STDIN_FILENO);

    if (strcmp(kind, "pipe") == 0) {
        read_all(STDIN_FILENO, text, sizeof(text));
    }
    snprintf(line, sizeof(line), "stdin %s%s%s\n", kind, *text ? " " : "", text);
    write_all(STDOUT_FILENO, line, strlen(line));
    snprintf(line, sizeof(line), "stderr %s\n", kind_of(STDERR_FILENO));
    write_all(STDERR_FILENO, line, strlen(line));
    /* No descriptor but the first three is left open. */
    return count_descriptors() == 3 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strcmp(argv[1], "streams") == 0) {
            return streams();
        }
        if (strcmp(argv[1], "go") == 0) {
            (void)get_byte(5);
            write_all(STDOUT_FILENO, "went\n", 5);
            return 8;
        }
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    make_folder();
    in_both_forms(test_contradictions);
    in_both_forms(test_sources_that_are_not_open);
    in_both_forms(test_sizes_of_options);
    in_both_forms(test_streams);
    in_both_forms(test_inherited);
    test_sizes_of_result();
    test_null();
    test_steps();
    test_step_in_sink();
    test_process();
    test_free();
    test_arguments_go();
    test_fork();
    ok(!has_child(), "no child is left");
    return done();
}
