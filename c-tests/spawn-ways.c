/*
 * The ways to make a child, from clone3() to fork(). A filter forbids the better ones. Endings, errors and descriptors
 * are the same in each way; only qemu_process_way() differs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"
#include "seccomp.h"

/* A way, and the filter that leaves it as the best one. */
static const struct way {
    const char *name;
    int forbidden;
    int error;
    const char *way; /* NULL: the way that is taken without a filter */
    bool known_before; /* the program has spawned before the filter is installed */
} ways[] = {
    {"clone3() is ENOSYS", NO_CLONE3, ENOSYS, "clone", false},
    {"clone3() is EPERM, after a spawn that used it", NO_CLONE3, EPERM, "clone", true},
    {"and close_range() is ENOSYS", NO_CLONE3 | NO_CLOSE_RANGE, ENOSYS, "clone", false},
    {"only close_range() is EPERM, after a spawn that used it", NO_CLOSE_RANGE, EPERM, NULL, true},
    {"only close_range() is ENOSYS", NO_CLOSE_RANGE, ENOSYS, NULL, false},
    {"only close_range() kills its process", NO_CLOSE_RANGE, KILLS, NULL, false},
    {"only close_range() kills its process, after a spawn that used it", NO_CLOSE_RANGE, KILLS, NULL, true},
    {"close_range() kills its process, and clone3() is ENOSYS", NO_CLONE3 | NO_CLOSE_RANGE, KILLS, "clone", false},
    {"and clone() with shared memory is ENOSYS, too", NO_CLONE3 | NO_CLONE_VM | NO_CLOSE_RANGE, KILLS, "fork", false},
    {"clone() with shared memory is ENOSYS, too", NO_CLONE3 | NO_CLONE_VM, ENOSYS, "fork", false},
    {"clone() with shared memory is EPERM, after a spawn that used it", NO_CLONE3 | NO_CLONE_VM, EPERM, "fork", true},
    {"and close_range() is EPERM", NO_CLONE3 | NO_CLONE_VM | NO_CLOSE_RANGE, EPERM, "fork", false},
    {"and pidfd_open() is ENOSYS", NO_CLONE3 | NO_CLONE_VM | NO_CLOSE_RANGE | NO_PIDFD_OPEN, ENOSYS, "fork", false},
    {"all are EPERM, after a spawn that used them", NO_CLONE3 | NO_CLONE_VM | NO_CLOSE_RANGE | NO_PIDFD_OPEN, EPERM,
     "fork", true},
};

static struct {
    char transcript[8192];
    char way[16];
    char refusal[1024]; /* the message of QEMU_SPAWN_NO_FORK_FALLBACK */
    int refusal_errno, refusal_step;
    bool has_pidfd, is_filtered, finished;
} *seen;

/* In a spawned program: the number of its descriptors besides 0 to 2. */
static int spare_descriptors(void)
{
    return count_descriptors() - 3;
}

__attribute__((__format__(__printf__, 1, 2))) static void note(const char *fmt, ...)
{
    size_t length = strlen(seen->transcript);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(seen->transcript + length, sizeof(seen->transcript) - length, fmt, ap);
    va_end(ap);
}

static void note_failure(const char *const *argv, const QemuSpawnOptions *opts)
{
    int before = count_descriptors();
    QemuProcess *process = spawn(argv, opts);
    bool left;

    /* First, because a child that is not reaped yet may still have a descriptor here. */
    left = child_is_left();
    note("step %d, errno %d: %s; %d descriptors and %s child left\n", (int)told.step, told.error, told.message,
         count_descriptors() - before, left ? "a" : "no");
    qemu_process_free(process);
}

static void note_failures(void)
{
    static const QemuSpawnFd not_open[] = {{900, 5}};
    static const QemuSpawnRlimit no_limit[] = {{4711, 1, 1}};

    note_failure(ARGS("/nowhere/at/all"), NULL);
    note_failure(ARGS("/"), NULL);
    note_failure(ARGS("surely-not-in-the-path"), OPTIONS(.flags = QEMU_SPAWN_SEARCH_PATH));
    note_failure(ARGS("/dev/null"), NULL);
    note_failure(ARGS(SELF), OPTIONS(.cwd = "/nowhere"));
    note_failure(ARGS(SELF), OPTIONS(.fds = not_open, .n_fds = 1));
    note_failure(ARGS(SELF), OPTIONS(.rlimits = no_limit, .n_rlimits = 1));
    note_failure(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_SET_PGID, .pgid = 1));
}

static void note_success(void)
{
    int fds[2];
    QemuProcess *process;
    QemuSpawnFd map[2];
    char byte;

    note("exit: %d\n", end_of(must_spawn(ARGS(SELF, "exit", "3"), NULL)));
    note("signal: %d\n", end_of(must_spawn(ARGS(SELF, "signal", "10"), NULL)));
    note("spare descriptors: %d\n", end_of(must_spawn(ARGS(SELF, "spare"), NULL)));

    process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT));
    fds[0] = qemu_process_take_fd(process, STDIN_FILENO);
    fds[1] = qemu_process_take_fd(process, STDOUT_FILENO);
    put_byte(fds[0], 'x');
    byte = get_byte(fds[1]);
    close(fds[0]);
    note("pipes: %c, then %d\n", byte, get_byte(fds[1]));
    close(fds[1]);
    note("cat: %d\n", end_of(process));

    /* Two descriptors change places. */
    if (pipe2(fds, O_CLOEXEC) != 0) {
        _exit(96);
    }
    map[0] = (QemuSpawnFd){fds[0], fds[1]};
    map[1] = (QemuSpawnFd){fds[1], fds[0]};
    {
        char number[16];

        snprintf(number, sizeof(number), "%d", fds[0]);
        process = must_spawn(ARGS(SELF, "write", number), OPTIONS(.fds = map, .n_fds = 2));
        close(fds[1]);
        note("swapped: %c", get_byte(fds[0]));
        close(fds[0]);
        note(", %d\n", end_of(process));
    }
    note("umask: %s", output_of(ARGS(SELF, "umask"), OPTIONS(.flags = QEMU_SPAWN_SET_UMASK, .umask = 0127)));
    note("cwd: %s", output_of(ARGS(SELF, "cwd"), OPTIONS(.cwd = "/")));
    if (!IS_EMULATED) { /* an emulator's /proc shows the signals of the emulator */
        note("signals: %s", output_of(ARGS(SELF, "signals"), NULL));
    }
}

static void note_handle(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "pause"), NULL);
    int looked = wait_ms(process, 0), waited = wait_ms(process, 10);

    note("living: %d %d, signal 0 %d\n", looked, waited, qemu_process_kill(process, 0, NULL));
    note("stopped: %d", qemu_process_stop(process, 90000, NULL, NULL));
    note(" %d\n", wait_ms(process, -1));
    errno = 0;
    note("ended: signal %d", qemu_process_kill(process, SIGTERM, NULL));
    note(" errno %d\n", errno);
    qemu_process_free(process);

    process = must_spawn(ARGS(SELF, "exit", "9"), NULL);
    note("within a time: %d\n", wait_ms(process, 90000));
    qemu_process_free(process);
    process = must_spawn(ARGS(SELF, "exit", "9"), NULL);
    await_end(qemu_process_pid(process));
    errno = 0;
    note("ended, not reaped: signal %d", qemu_process_kill(process, SIGTERM, NULL));
    note(" errno %d\n", errno);
    qemu_process_free(process);
    note("sync: %d", qemu_spawn_sync(ARGS(SELF, "pause"), NULL, 0, NULL, NULL));
    note(" errno %d\n", errno);
    note("left: %s child\n", child_is_left() ? "a" : "no");
}

/* Other code reaps the child. The result depends on whether there is a pidfd, so it is not in the transcript. */
static bool survives_theft(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "9"), NULL);
    bool has_pidfd = qemu_process_pidfd(process) != -1;
    int end;

    (void)wait_for(qemu_process_pid(process));
    end = wait_ms(process, -1);
    qemu_process_free(process);
    return end == UNKNOWN_END || (has_pidfd && end == 9);
}

static void take_notes(void)
{
    QemuProcess *process;
    int before = count_descriptors();

    process = must_spawn(ARGS(SELF, "exit", "0"), NULL);
    snprintf(seen->way, sizeof(seen->way), "%s", qemu_process_way(process));
    seen->has_pidfd = qemu_process_pidfd(process) != -1;
    end_of(process);
    note_success();
    note_failures();
    note_handle();
    note("reaped by other code: %s\n", survives_theft() ? "as expected" : "not as expected");
    note("descriptors left: %d\n", count_descriptors() - before);
    process = spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_NO_FORK_FALLBACK));
    seen->refusal_errno = process ? 0 : told.error;
    seen->refusal_step = process ? QEMU_SPAWN_STEP_NONE : (int)told.step;
    snprintf(seen->refusal, sizeof(seen->refusal), "%s", told.message);
    if (process) {
        end_of(process);
    }
    seen->finished = true;
}

static void without_filter(void *arg)
{
    (void)arg;
    take_notes();
}

static void with_filter(void *arg)
{
    const struct rlimit no_core = {0, 0};
    const struct way *way = arg;

    if (way->error == KILLS) {
        setrlimit(RLIMIT_CORE, &no_core);
    }
    if (way->known_before) {
        end_of(must_spawn(ARGS(SELF, "exit", "0"), NULL));
    }
    if (!forbid(way->forbidden, way->error)) {
        _exit(97);
    }
    seen->is_filtered = is_forbidden(way->forbidden, way->error);
    take_notes();
}

/* The handlers of pthread_atfork() are for a child that goes on as this program. A spawned child does not. */
static int handlers_run;

static void count_handler(void)
{
    handlers_run++;
}

static void with_handlers(void *arg)
{
    QemuProcess *process;

    (void)arg;
    if (!forbid(NO_CLONE3 | NO_CLONE_VM, EPERM)) {
        _exit(97);
    }
    if (pthread_atfork(count_handler, count_handler, count_handler) != 0) {
        _exit(96);
    }
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    note("way %s, ", qemu_process_way(process));
    note("stopped %d, ", qemu_process_stop(process, 90000, NULL, NULL));
    qemu_process_free(process);
    process = spawn(ARGS("/nowhere/at/all"), NULL);
    note("errno %d, step %d, handlers %d", told.error, (int)told.step, handlers_run);
    seen->finished = true;
}

static void test_way(const struct way *way, const char *transcript, const char *usual_way)
{
    struct ending ending;
    bool is_fork = way->way && strcmp(way->way, "fork") == 0;
    int error = way->error == KILLS ? ENOSYS : way->error;
    char refusal[1024];

    memset(seen, 0, sizeof(*seen));
    ending = run_child(with_filter, (void *)(uintptr_t)way);
    exits_with(&ending, 0, way->name);
    ok(seen->finished && seen->is_filtered, "it is forbidden, and the test came to its end");
    is_str(seen->way, way->way ? way->way : usual_way, "qemu_process_way() names the way");
    is_str(seen->transcript, transcript, "everything else is as without a filter");
    ok(!(way->forbidden & NO_PIDFD_OPEN) || !seen->has_pidfd, "no descriptor where pidfd_open() is forbidden");
    if (is_fork) {
        snprintf(refusal, sizeof(refusal), "cannot start a child process: %s (a seccomp filter may forbid it)",
                 strerror(error));
        is_int(seen->refusal_errno, error, "QEMU_SPAWN_NO_FORK_FALLBACK: an error instead of fork()");
        is_int(seen->refusal_step, QEMU_SPAWN_STEP_FORK, "the step");
        is_str(seen->refusal, refusal, "the message");
    } else {
        is_int(seen->refusal_errno, 0, "QEMU_SPAWN_NO_FORK_FALLBACK makes no difference");
    }
}

int main(int argc, char **argv)
{
    static char transcript[sizeof(seen->transcript)], usual_way[sizeof(seen->way)], handlers_expected[256];
    struct ending ending;
    bool survives;

    if (argc > 2 && strcmp(argv[1], "write") == 0) {
        put_byte(atoi(argv[2]), 'w');
        return 0;
    }
    if (argc > 1) {
        return strcmp(argv[1], "spare") == 0 ? spare_descriptors() : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (!IS_EMULATED) {
        need_seccomp();
    }
    seen = shared_memory(sizeof(*seen));
    /* Two descriptors without FD_CLOEXEC, one with a high number. The child must not have them. */
    if (dup2(STDERR_FILENO, 7) == -1 || dup2(STDERR_FILENO, 777) == -1) {
        bail("dup2");
    }

    ending = run_child(without_filter, NULL);
    exits_with(&ending, 0, "without a filter");
    ok(seen->finished, "the test came to its end");
    memcpy(transcript, seen->transcript, sizeof(transcript));
    memcpy(usual_way, seen->way, sizeof(usual_way));
    printf("# the usual way is %s\n", usual_way);
    has_words(transcript, "it has the expected lines", "exit: 3\n", "signal: 1010\n", "spare descriptors: 0\n",
              "pipes: x, then 0\n", "cat: 0\n", "swapped: w, 0\n", "umask: 127\n", "cwd: /\n",
              "cannot execute '/nowhere/at/all': ", "living: -2 -2, signal 0 1\n", "stopped: 1 1015\n",
              "within a time: 9\n", "left: no child\n", "reaped by other code: as expected\n",
              "descriptors left: 0\n", (char *)NULL);
    if (IS_EMULATED) {
        skip("the other ways", "the emulator has no seccomp filters");
        return done();
    }
    survives = survives_dump();
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        if (ways[i].error == KILLS && !survives) {
            skip(ways[i].name, "before Linux 5.16 what dumps core ends who shares its memory, too");
            continue;
        }
        test_way(&ways[i], transcript, usual_way);
    }

    memset(seen, 0, sizeof(*seen));
    snprintf(handlers_expected, sizeof(handlers_expected), "way fork, stopped 1, errno %d, step %d, handlers 0", ENOENT,
             QEMU_SPAWN_STEP_EXEC);
    ending = run_child(with_handlers, NULL);
    exits_with(&ending, 0, "a program with pthread_atfork() handlers, where only fork() is possible");
    is_str(seen->transcript, handlers_expected, "none of them runs");
    return done();
}
