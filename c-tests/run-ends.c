/*
 * Every end of a run: the return value, errno, and the result. Each is tried with programs that behave badly, with full
 * pipes and with empty ones, in one call and in a main loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "run.h"

/* What the program does besides ending. */
enum kind { PLAIN, STUBBORN, STOPPER, CLOSER, HOLDER, KINDS };

/* How the run ends. */
enum end { BY_EXIT, BY_SIGNAL, BY_TIME, BY_LIMIT, BY_CANCEL, BY_SINK, ENDS };

static const char *const kind_names[KINDS] = {
    "a plain program", "one that ignores SIGTERM", "one that stops itself", "one that closes its stdio and goes on",
    "one whose pipes are held by another process",
};
static const char *const end_names[ENDS] = {
    "exit", "a signal", "timeout", "too much output", "cancel", "the sink returns false",
};

/* The program's descriptors: it says that it is ready, waits to go on, and the holder waits for the end of the test. */
enum { READY_FD = 5, GO_FD = 6, LEASH_FD = 7 };

/* With full pipes, this many bytes are written to each, and this many of the input are never read. */
enum { MUCH = 200000, LITTLE = 20, LIMIT = 10, INPUT = 1 << 20 };

/* ---- The program ---- */

/* Another process that keeps the pipes open until the test lets it go. */
static void hold_pipes(void)
{
    if (fork() == 0) {
        char byte;

        close(READY_FD);
        close(GO_FD);
        (void)!read(LEASH_FD, &byte, 1);
        _exit(0);
    }
}

static void write_some(bool full)
{
    write_many(STDOUT_FILENO, 'o', full ? MUCH : LITTLE);
    write_many(STDERR_FILENO, 'e', full ? MUCH : LITTLE);
}

static int child(enum kind kind, bool full, enum end end)
{
    char byte = 'r';

    alarm(net_seconds());
    if (kind == STUBBORN) {
        signal(SIGTERM, SIG_IGN);
    } else if (kind == HOLDER) {
        hold_pipes();
    }
    write_some(full);
    if (kind == CLOSER) {
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
    }
    write_all(READY_FD, &byte, 1);
    if (kind == STOPPER) {
        raise(SIGSTOP);
    }
    if (read(GO_FD, &byte, 1) == 1) {
        const struct rlimit no_core = {0, 0};

        if (end == BY_EXIT) {
            return 7;
        }
        setrlimit(RLIMIT_CORE, &no_core);
        raise(SIGUSR1);
    }
    pause_for_ever();
}

/* ---- The test ---- */

/* What cancels the run, if anything does. */
enum canceller { BY_THREAD, BY_HANDLER, BY_DESCRIPTOR, BY_HANGUP, CANCELLERS };

static const char *const canceller_names[CANCELLERS] = {"a thread", "a signal handler", "a descriptor", "a hangup"};

/* One run, and what the watcher needs to know. */
static struct {
    enum kind kind;
    bool full;
    enum end end;
    enum canceller canceller;
    int ready[2], go[2], leash[2], cancel[2];
    bool was_ready;
    pthread_t caller;
} now;

static void make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
}

static void close_pipe(int ends[2])
{
    for (int i = 0; i < 2; i++) {
        if (ends[i] != -1) {
            close(ends[i]);
        }
        ends[i] = -1;
    }
}

static void cancel(void)
{
    QemuRun *run = running;

    if (form == IN_A_LOOP && now.canceller <= BY_HANDLER) {
        qemu_run_cancel(run);
    } else {
        (void)!write(now.cancel[1], "c", 1);
    }
}

static void on_signal(int sig)
{
    int error = errno;

    (void)sig;
    cancel();
    errno = error;
}

/* Waits until the program has done its work, and then ends it as the test wants. */
static void *watcher(void *unused)
{
    char byte = get_byte(now.ready[0]);

    (void)unused;
    now.was_ready = byte == 'r';
    if (!now.was_ready) {
        return NULL;
    }
    if (now.end == BY_EXIT || now.end == BY_SIGNAL) {
        put_byte(now.go[1], 'g');
    } else if (now.end == BY_CANCEL && now.canceller == BY_HANDLER) {
        while (form == IN_A_LOOP && !running) {
            sched_yield();
        }
        pthread_kill(now.caller, SIGUSR2);
    } else if (now.end == BY_CANCEL && now.canceller == BY_HANGUP) {
        close(now.cancel[1]);
        now.cancel[1] = -1;
    } else if (now.end == BY_CANCEL) {
        while (form == IN_A_LOOP && !running) {
            sched_yield();
        }
        cancel();
    }
    return NULL;
}

static bool refuse(void *opaque, int child_fd, const char *data, size_t len)
{
    int *calls = opaque;

    (void)child_fd;
    (void)data;
    (void)len;
    ++*calls;
    return false;
}

/* Runs it with this limit of time. False: the limit was too short for the program to become ready. */
static bool try_run(int64_t timeout_ms, int *sink_calls)
{
    static char input[INPUT];
    char kind[2] = {(char)('0' + now.kind), 0}, end[2] = {(char)('0' + now.end), 0};
    QemuRunOptions options = {
        .size = sizeof(options),
        .timeout_ms = timeout_ms,
        .grace_ms = now.kind == STUBBORN ? SHORT_MS : LONG_MS,
        .input = now.full ? input : NULL,
        .input_len = now.full ? INPUT : 0,
        .stdout_limit = now.end == BY_LIMIT ? LIMIT : 0,
        .sink = now.end == BY_SINK ? refuse : NULL,
        .opaque = sink_calls,
    };
    QemuSpawnFd fds[3];
    pthread_t thread;

    make_pipe(now.ready);
    make_pipe(now.go);
    make_pipe(now.leash);
    make_pipe(now.cancel);
    fds[0] = (QemuSpawnFd){.source = now.ready[1], .target = READY_FD};
    fds[1] = (QemuSpawnFd){.source = now.go[0], .target = GO_FD};
    fds[2] = (QemuSpawnFd){.source = now.leash[0], .target = LEASH_FD};
    if (now.end == BY_CANCEL && (form == IN_ONE_CALL || now.canceller >= BY_DESCRIPTOR)) {
        options.flags |= QEMU_RUN_CANCEL_FD;
        options.cancel_fd = now.cancel[0];
    }
    now.caller = pthread_self();
    now.was_ready = false;
    if (pthread_create(&thread, NULL, watcher, NULL) != 0) {
        bail("pthread_create");
    }
    run(ARGS(SELF, "child", kind, now.full ? "full" : "empty", end), OPTIONS(.fds = fds, .n_fds = 3), &options);
    /* If the program has not said that it is ready, the watcher finds the end of the file. */
    close(now.ready[1]);
    now.ready[1] = -1;
    pthread_join(thread, NULL);
    close_pipe(now.ready);
    close_pipe(now.go);
    close_pipe(now.leash);
    close_pipe(now.cancel);
    return now.was_ready || now.end == BY_SINK || now.end == BY_LIMIT;
}

static int wanted_errno(void)
{
    switch (now.end) {
    case BY_TIME:
        return ETIMEDOUT;
    case BY_LIMIT:
        return ENOBUFS;
    case BY_CANCEL:
    case BY_SINK:
        return ECANCELED;
    default:
        return 0;
    }
}

static bool is_all(const char *bytes, size_t len, char byte)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != byte) {
            return false;
        }
    }
    return bytes[len] == '\0';
}

static void is_end_right(void)
{
    static const QemuRunEnd ends[ENDS] = {QEMU_RUN_END_EXITED, QEMU_RUN_END_EXITED,    QEMU_RUN_END_TIMED_OUT,
                                          QEMU_RUN_END_LIMIT,  QEMU_RUN_END_CANCELLED, QEMU_RUN_END_STOPPED};
    bool by_itself = now.end <= BY_SIGNAL;
    int stopped = now.kind == STUBBORN ? KILLED_BY + SIGKILL : KILLED_BY + SIGTERM;
    int status = now.end == BY_EXIT ? 7 : now.end == BY_SIGNAL ? KILLED_BY + SIGUSR1 : stopped;
    bool holds = ran.done == by_itself && (by_itself || ran.error == wanted_errno()) && ran.result.end == ends[now.end];

    if (!ok(holds, "it ends by %s", end_names[now.end])) {
        show_run();
    }
    /* It writes more than the limit, or the sink wants no more, before it has said that it is ready. */
    if (!ok(ran_end() == status, "the status is that of the program")) {
        printf("# wanted %d\n", status);
        show_run();
    }
}

static const char *text_of_end(void)
{
    switch (now.end) {
    case BY_TIME:
        return "did not end within";
    case BY_LIMIT:
        return "wrote more than 10 bytes to stdout and was stopped";
    case BY_CANCEL:
        return "the run of '/proc/self/exe' was cancelled";
    case BY_SINK:
        return "the receiver of the output of '/proc/self/exe' wanted no more";
    default:
        return "";
    }
}

static void is_output_right(void)
{
    QemuRunResult *result = &ran.result;
    size_t all = now.full ? MUCH : LITTLE;
    uint64_t flags = 0;

    if (now.end == BY_SINK) {
        ok(result->out && result->err && !*result->out && !*result->err && !result->out_len && !result->err_len,
           "both outputs are empty texts");
    } else if (now.end == BY_LIMIT) {
        ok(result->out_len == LIMIT && is_all(result->out, LIMIT, 'o') && result->out_total > LIMIT,
           "of stdout as much is kept as the limit allows");
        ok(result->err && is_all(result->err, result->err_len, 'e'), "of stderr, what was read");
    } else {
        if (!ok(result->out_len == all && is_all(result->out, all, 'o') && result->out_total == all &&
                    result->err_len == all && is_all(result->err, all, 'e') && result->err_total == all,
                "all output is there")) {
            show_run();
        }
    }
    flags |= now.end == BY_LIMIT ? QEMU_RUN_RESULT_OUT_CUT : 0;
    flags |= now.kind == HOLDER ? QEMU_RUN_RESULT_PIPE_HELD : 0;
    flags |= now.full ? QEMU_RUN_RESULT_INPUT_LEFT : 0;
    if (!ok(result->flags == flags, "the flags are right")) {
        printf("# wanted %llx\n", (unsigned long long)flags);
        show_run();
    }
}

static void test_one(void)
{
    static struct state before;
    int sink_calls;
    int64_t timeout_ms = now.end == BY_TIME ? 100 : 0;
    char name[256];

    look_at_state(&before);
    for (;;) {
        sink_calls = 0;
        if (try_run(timeout_ms, &sink_calls)) {
            break;
        }
        /* A machine as slow as this needs more time. */
        run_clear();
        timeout_ms *= 2;
        if (timeout_ms > LONG_MS) {
            break;
        }
    }
    snprintf(name, sizeof(name), "%s, %s%s%s, %s pipes", kind_names[now.kind], end_names[now.end],
             now.end == BY_CANCEL ? " by " : "", now.end == BY_CANCEL ? canceller_names[now.canceller] : "",
             now.full ? "full" : "empty");
    printf("# %s%s\n", tap_form, name);
    is_end_right();
    is_output_right();
    if (now.end >= BY_TIME && !ok(strstr(ran.message, text_of_end()) != NULL, "the text says it")) {
        show_run();
    }
    if (now.end == BY_SINK) {
        is_int(sink_calls, 1, "a sink that wants no more is not called again");
    }
    run_clear();
    ok(!has_child(), "no child is left");
    is_same_state(&before, name);
}

static void test_ends(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        for (int full = 0; full < 2; full++) {
            for (int end = 0; end < ENDS; end++) {
                /* One that is stopped does not end by itself. */
                if (kind == STOPPER && end <= BY_SIGNAL) {
                    continue;
                }
                now.kind = (enum kind)kind;
                now.full = full;
                now.end = (enum end)end;
                for (int each = 0; each < (end == BY_CANCEL ? (int)CANCELLERS : 1); each++) {
                    now.canceller = (enum canceller)each;
                    test_one();
                }
            }
        }
    }
}

/* ---- What is kept when there is too much ---- */

enum { NUMBERS = 200006 };

static void test_cut(void)
{
    static char all[NUMBERS + 1];

    memcpy(all, "123", 3);
    memset(all + 3, 'x', NUMBERS - 6);
    memcpy(all + NUMBERS - 3, "456", 3);
    for (int tail = 0; tail < 2; tail++) {
        for (size_t limit = 1; limit < NUMBERS; limit = limit < 6 ? limit + 1 : limit * 3) {
            run(ARGS(SELF, "numbers"), NULL,
                RUN(.flags = tail ? QEMU_RUN_KEEP_TAIL : QEMU_RUN_CUT, .stdout_limit = limit, .stderr_limit = 3));
            if (!ok(ran.done && ran.result.end == QEMU_RUN_END_EXITED && ran_end() == 0 &&
                        ran.result.flags == (QEMU_RUN_RESULT_OUT_CUT | QEMU_RUN_RESULT_ERR_CUT) &&
                        ran.result.out_total == NUMBERS && ran.result.err_total == 6 && ran.result.err_len == 3,
                    "%s with %zu bytes: the program goes on", tail ? "KEEP_TAIL" : "CUT", limit)) {
                show_run();
            }
            is_str(ran.result.err, tail ? "def" : "abc", "what is kept of stderr");
            ok(ran.result.out_len == limit && ran.result.out[limit] == '\0' &&
                   memcmp(ran.result.out, tail ? all + NUMBERS - limit : all, limit) == 0,
               "what is kept of stdout");
            run_clear();
        }
    }
    run(ARGS(SELF, "numbers"), NULL, RUN(.flags = QEMU_RUN_CUT, .stdout_limit = NUMBERS, .stderr_limit = 6));
    ok(ran.done && ran.result.flags == 0 && ran.result.out_len == NUMBERS && ran.result.err_len == 6,
       "CUT: as much as the limit is not too much");
    run_clear();
    run(ARGS(SELF, "numbers"), NULL, RUN(.flags = QEMU_RUN_KEEP_TAIL, .stdout_limit = NUMBERS, .stderr_limit = 6));
    ok(ran.done && ran.result.flags == 0 && ran.result.out_len == NUMBERS && ran.result.err_len == 6,
       "KEEP_TAIL: as much as the limit is not too much");
    run_clear();
    run(ARGS(SELF, "numbers"), NULL, RUN(.stdout_limit = NUMBERS, .stderr_limit = 6));
    ok(ran.done && ran.result.flags == 0 && ran.result.out_len == NUMBERS && ran.result.err_len == 6,
       "without either as much as the limit is not too much");
    run_clear();
    run(ARGS(SELF, "numbers"), NULL, RUN(.stderr_limit = 5));
    ok(!ran.done && ran.error == ENOBUFS && ran.result.end == QEMU_RUN_END_LIMIT && ran.result.err_len == 5 &&
           ran.result.flags == QEMU_RUN_RESULT_ERR_CUT,
       "too much to stderr is a failure, too");
    is_str(ran.message, "'/proc/self/exe' wrote more than 5 bytes to stderr and was stopped", "the text says where to");
    run_clear();
}

/* ---- What comes after the program's end ---- */

/* The holder writes once the program has ended, and lets go. */
static void test_linger(void)
{
    static const int64_t lingers[] = {-1, LONG_MS};
    int64_t timeout_ms = 100;

    for (size_t i = 0; i < 2; i++) {
        run(ARGS(SELF, "late"), NULL, RUN(.linger_ms = lingers[i]));
        if (!ok(ran.done && ran.result.end == QEMU_RUN_END_EXITED && ran_end() == 4 && ran.result.flags == 0,
                "the run goes on while another holds the pipe, for at most %lld ms", (long long)lingers[i])) {
            show_run();
        }
        is_str(ran.result.out, "now late", "what comes late is there");
        run_clear();
    }
    /* If there was too little time, the program had not ended, or not even begun. */
    do {
        make_pipe(now.leash);
        {
            const QemuSpawnFd fds[] = {{.source = now.leash[0], .target = LEASH_FD}};

            run(ARGS(SELF, "held"), OPTIONS(.fds = fds, .n_fds = 1),
                RUN(.linger_ms = -1, .timeout_ms = timeout_ms, .grace_ms = LONG_MS));
        }
        close_pipe(now.leash);
        timeout_ms *= 2;
        if (ran.done) {
            break;
        }
        run_clear();
    } while (timeout_ms < LONG_MS);
    ok(ran.done && ran.result.end == QEMU_RUN_END_EXITED && ran_end() == 4 &&
           ran.result.flags == QEMU_RUN_RESULT_PIPE_HELD,
       "time that is up meanwhile is a normal end, with PIPE_HELD");
    is_str(ran.result.out, "now ", "what came before is there");
    run_clear();
}

/* ---- A descriptor that is ready before there is a program ---- */

static void is_cancelled(const char *what)
{
    if (!ok(!ran.done && ran.error == ECANCELED && ran.result.end == QEMU_RUN_END_CANCELLED &&
                ran_end() == KILLED_BY + SIGTERM,
            "%s", what)) {
        show_run();
    }
    run_clear();
}

static void test_cancelled_before(void)
{
    int ends[2], file;

    make_pipe(ends);
    put_byte(ends[1], 'c');
    run(ARGS(SELF, "pause"), NULL, RUN(.flags = QEMU_RUN_CANCEL_FD, .cancel_fd = ends[0], .grace_ms = LONG_MS));
    is_cancelled("a descriptor that is readable before: started and cancelled");
    is_int(get_byte(ends[0]), 'c', "it is not read");
    close(ends[1]);
    run(ARGS(SELF, "pause"), NULL, RUN(.flags = QEMU_RUN_CANCEL_FD, .cancel_fd = ends[0], .grace_ms = LONG_MS));
    is_cancelled("one that is hung up before: the same");
    close(ends[0]);
    file = open(SELF, O_RDONLY | O_CLOEXEC);
    run(ARGS(SELF, "pause"), NULL, RUN(.flags = QEMU_RUN_CANCEL_FD, .cancel_fd = file, .grace_ms = LONG_MS));
    is_cancelled("a file is always readable");
    close(file);
    make_pipe(ends);
    run(ARGS(SELF, "exit", "3"), NULL, RUN(.flags = QEMU_RUN_CANCEL_FD, .cancel_fd = ends[0]));
    ok(ran.done && ran.result.end == QEMU_RUN_END_EXITED && ran_end() == 3,
       "one that never becomes readable changes nothing");
    run_clear();
    close_pipe(ends);
}

/* ---- Failed starts ---- */

static void fails_to_start(const char *const *argv, const QemuSpawnOptions *spawn, int error, const char *text)
{
    static char input[INPUT];
    static struct state before;
    QemuRunResult cleared;

    look_at_state(&before);
    run(argv, spawn,
        RUN(.input = spawn && spawn->n_fds ? NULL : input, .input_len = spawn && spawn->n_fds ? 0 : INPUT));
    if (!ok(!ran.done && ran.error == error && strstr(ran.message, text), "a failed start: %s", text)) {
        show_run();
    }
    memset(&cleared, 0, sizeof(cleared));
    cleared.size = sizeof(cleared);
    ok(memcmp(&cleared, &ran.result, sizeof(cleared)) == 0, "the result is all zeroes, but for its size");
    ok(!has_child(), "no child is left");
    is_same_state(&before, "all else is as it was");
}

static void test_failed_starts(void)
{
    const QemuSpawnFd not_open[] = {{.source = 777, .target = 5}};
    struct rlimit before, few;

    fails_to_start(ARGS("/nowhere/to/be/found"), NULL, ENOENT, "/nowhere/to/be/found");
    fails_to_start(ARGS("/proc/self/maps"), NULL, EACCES, "/proc/self/maps");
    fails_to_start(ARGS("no such program"), OPTIONS(.flags = QEMU_SPAWN_SEARCH_PATH), ENOENT, "no such program");
    fails_to_start(ARGS(SELF), OPTIONS(.cwd = "/nowhere"), ENOENT, "/nowhere");
    fails_to_start(ARGS(SELF), OPTIONS(.fds = not_open, .n_fds = 1), EBADF, "777");
    fails_to_start(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_SET_PGID, .pgid = 0x7FFFFFF0), EPERM, "group");
    fails_to_start(ARGS(SELF), OPTIONS(.flags = 1ULL << 63), EINVAL, "flag");
    fails_to_start((const char *const[]){NULL}, NULL, EINVAL, "argv is empty");
    fails_to_start(NULL, NULL, EINVAL, "argv is NULL");
    /* No room for the pipes, one number after the other. */
    if (getrlimit(RLIMIT_NOFILE, &before) != 0) {
        bail("getrlimit");
    }
    for (rlim_t n = 3; n < 64; n++) {
        static char input[1] = {'i'};
        static struct state state;

        look_at_state(&state);
        few = before;
        few.rlim_cur = n;
        setrlimit(RLIMIT_NOFILE, &few);
        run(ARGS(SELF, "both"), NULL, RUN(.input = input, .input_len = 1));
        setrlimit(RLIMIT_NOFILE, &before);
        if (ran.done) {
            ok(ran_end() == 0 && strcmp(ran.result.out, "out\n") == 0 && strcmp(ran.result.err, "err\n") == 0,
               "with room for %d descriptors it is run", (int)n);
            run_clear();
            is_same_state(&state, "all else is as it was");
            break;
        }
        if (!ok(ran.error == EMFILE && ran.result.end == QEMU_RUN_END_NOT_STARTED && !ran.result.out,
                "without room for descriptors, %d: EMFILE", (int)n)) {
            show_run();
        }
        run_clear();
        ok(!has_child(), "no child is left");
        is_same_state(&state, "all else is as it was");
    }
    ok(ran.done, "with room for enough descriptors it is run");
}

static void test_without_processes(void *unused)
{
    struct rlimit none = {0, 0};

    (void)unused;
    become(STRANGER);
    setrlimit(RLIMIT_NPROC, &none);
    run(ARGS(SELF, "exit", "0"), NULL, NULL);
    _exit(!ran.done && ran.error == EAGAIN && ran.result.end == QEMU_RUN_END_NOT_STARTED && !ran.result.out ? 0 : 1);
}

static void test_no_process(void)
{
    if (geteuid() != 0 || !executes_programs()) {
        skip("a start without a process", "only root can take the right to make one away");
        return;
    }
    {
        struct ending ending = run_child(test_without_processes, NULL);

        exits_with(&ending, 0, "no process may be made: EAGAIN, not started");
    }
}

/* ---- A program that may not be killed ---- */

static int leash[2];

/* From now on this process may not signal the program, which still belongs to root. */
static bool drop_rights(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)opaque;
    (void)child_fd;
    (void)data;
    (void)len;
    return setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

static void run_one_that_cannot_be_killed(void *unused)
{
    const QemuSpawnFd fds[] = {{.source = leash[0], .target = LEASH_FD}};
    int64_t timeout_ms = 250;
    bool holds;

    (void)unused;
    /* If the program has written nothing within the limit, it was killed before this process lost the right to do so.
     */
    do {
        run(ARGS(SELF, "immortal"), OPTIONS(.fds = fds, .n_fds = 1),
            RUN(.timeout_ms = timeout_ms, .grace_ms = SHORT_MS, .sink = drop_rights));
        timeout_ms *= 2;
    } while (geteuid() == 0 && timeout_ms < LONG_MS);
    holds = !ran.done && ran.error == ETIMEDOUT && ran.result.end == QEMU_RUN_END_TIMED_OUT &&
            ran.result.status.end == QEMU_PROCESS_RUNNING && !(ran.result.flags & QEMU_RUN_RESULT_PIPE_HELD) &&
            strstr(ran.message, "did not end within") &&
            strstr(ran.message, "could not be killed: Operation not permitted");
    fprintf(stderr, "%d %d %d %d flags %llx %s\n", (int)geteuid(), ran.error, (int)ran.result.end,
            (int)ran.result.status.end, (unsigned long long)ran.result.flags, ran.message);
    run_clear();
    _exit(holds && count_descriptors() > 0 ? 0 : 1);
}

static void test_cannot_be_killed(void)
{
    struct ending ending;

    if (geteuid() != 0) {
        skip("a program that may not be killed", "only root can start one");
        return;
    }
    make_pipe(leash);
    ending = run_child(run_one_that_cannot_be_killed, NULL);
    exits_with(&ending, 0, "a program that may not be killed: TIMED_OUT, RUNNING, and told");
    close_pipe(leash);
}

int main(int argc, char **argv)
{
    char byte;

    if (argc > 1) {
        if (strcmp(argv[1], "child") == 0) {
            return child((enum kind)(argv[2][0] - '0'), strcmp(argv[3], "full") == 0, (enum end)(argv[4][0] - '0'));
        }
        if (strcmp(argv[1], "numbers") == 0) {
            write_all(STDOUT_FILENO, "123", 3);
            write_many(STDOUT_FILENO, 'x', NUMBERS - 6);
            write_all(STDOUT_FILENO, "456", 3);
            write_all(STDERR_FILENO, "abcdef", 6);
            /* A sanitizer that looks for leaks at exit() starts a process that holds the pipes. */
            _exit(0);
        }
        if (strcmp(argv[1], "late") == 0 || strcmp(argv[1], "held") == 0) {
            pid_t program = getpid();

            write_all(STDOUT_FILENO, "now ", 4);
            if (fork() == 0) {
                alarm(net_seconds());
                if (strcmp(argv[1], "held") == 0) {
                    (void)!read(LEASH_FD, &byte, 1);
                    _exit(0);
                }
                while (getppid() == program) {
                    sched_yield();
                }
                write_all(STDOUT_FILENO, "late", 4);
            }
            _exit(4);
        }
        if (strcmp(argv[1], "immortal") == 0) {
            write_all(STDOUT_FILENO, "r", 1);
            close(STDOUT_FILENO);
            close(STDERR_FILENO);
            (void)!read(LEASH_FD, &byte, 1);
            return 0;
        }
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    signal(SIGUSR2, on_signal);
    in_both_forms(test_ends);
    cast_net();
    in_both_forms(test_cut);
    in_both_forms(test_linger);
    in_both_forms(test_cancelled_before);
    in_both_forms(test_failed_starts);
    in_both_forms(test_no_process);
    in_both_forms(test_cannot_be_killed);
    return done();
}
