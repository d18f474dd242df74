/*
 * malloc() and its relatives fail from the k-th call on, for each k until a function needs no more calls than that. No
 * public function ends the program. A function that lacks memory fails with ENOMEM and its step, and leaves nothing. If
 * only the memory for the message is lacking, there is a message all the same, and errno is the real cause. A caller
 * that wants no message needs no memory for one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc.h"

#include "forced-ways.h"

enum { ENOUGH = 400 }; /* calls of malloc(): nothing here makes so many */

/* In shared memory: the process that lacks memory may end by abort(), and the test then reports the call. */
static struct {
    int k;
    bool finished;
    char wrong[2048]; /* what was wrong, or empty */
} *seen;

/* What a call has come to. */
struct outcome {
    bool succeeded;
    int error; /* errno, if it failed */
    QemuSpawnStep step;
    Error *err;
};

static int live; /* pieces of memory */

static void count(const char *name)
{
    int change = (strcmp(name, "malloc") == 0 || strcmp(name, "calloc") == 0) - (strcmp(name, "free") == 0);

    __atomic_add_fetch(&live, change, __ATOMIC_RELAXED);
}

static bool arm(int k)
{
    interposed_malloc.succeed = k;
    interposed_malloc.failures = 0;
    errno = 0;
    return interposed_malloc.fails = true;
}

static void disarm(struct outcome *outcome, bool succeeded)
{
    int error = errno;

    interposed_malloc.fails = false;
    outcome->succeeded = succeeded;
    outcome->error = succeeded ? 0 : error;
}

/* ---- what is done without memory ---- */

static bool wants_error;
#define ERRP(outcome) (wants_error ? &(outcome)->err : NULL)

static void spawn_with(const char *const *argv, QemuSpawnOptions opts, struct outcome *outcome, int k)
{
    QemuProcess *process;

    opts.size = sizeof(opts);
    opts.failed_step = &outcome->step;
    arm(k);
    process = qemu_spawn(argv, &opts, ERRP(outcome));
    disarm(outcome, process != NULL);
    if (process) {
        end_of(process);
    }
}

static void plain(struct outcome *outcome, int k)
{
    spawn_with(ARGS(SELF, "exit", "0"), (QemuSpawnOptions){.cwd = NULL}, outcome, k);
}

static void with_much(struct outcome *outcome, int k)
{
    static const QemuSpawnFd fds[] = {{2, 9}, {1, 2}, {2, 1}};
    static const QemuSpawnRlimit rlimits[] = {{RLIMIT_CORE, 0, 0}};

    spawn_with(ARGS("qemu-self", "exit", "0"),
               (QemuSpawnOptions){.flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_SETSID | QEMU_SPAWN_SET_UMASK |
                                           QEMU_SPAWN_NO_NEW_PRIVS,
                                  .umask = 022, .cwd = "/", .env_set = ARGS("A=1", "B=2"), .env_unset = ARGS("C"),
                                  .fds = fds, .n_fds = 3, .rlimits = rlimits, .n_rlimits = 1,
                                  .ignored = (const int[]){SIGHUP, 0}},
               outcome, k);
}

static void with_pipes(struct outcome *outcome, int k)
{
    spawn_with(ARGS(SELF, "exit", "0"),
               (QemuSpawnOptions){.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT | QEMU_SPAWN_PIPE_STDERR |
                                           QEMU_SPAWN_CLEAR_ENV},
               outcome, k);
}

static void with_death_signal(struct outcome *outcome, int k)
{
    spawn_with(ARGS(SELF, "exit", "0"), (QemuSpawnOptions){.death_signal = SIGKILL}, outcome, k);
}

static int calls_in_thread;

static void *run_death_signal(void *arg)
{
    with_death_signal(arg, calls_in_thread);
    return NULL;
}

/* The threads of this process; an emulator has some of its own. */
static nlink_t threads(void)
{
    struct stat tasks;

    return stat("/proc/self/task", &tasks) == 0 ? tasks.st_nlink : 0;
}

/*
 * The library's thread ends a moment after its child. Until then libc cannot use its stack again: for the next thread it
 * would take memory that it keeps.
 */
static void with_death_signal_in_thread(struct outcome *outcome, int k)
{
    const nlink_t before = threads();
    pthread_t thread;

    calls_in_thread = k;
    if (pthread_create(&thread, NULL, run_death_signal, outcome) != 0) {
        _exit(96);
    }
    pthread_join(thread, NULL);
    for (int i = 0; threads() > before && i < 10000; i++) {
        poll(NULL, 0, 1);
    }
}

static void another_user(struct outcome *outcome, int k)
{
    spawn_with(ARGS(SELF, "exit", "0"),
               (QemuSpawnOptions){.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID, .uid = 65534, .gid = 65534},
               outcome, k);
}

static void not_there(struct outcome *outcome, int k)
{
    spawn_with(ARGS("/nowhere/at/all"), (QemuSpawnOptions){.cwd = NULL}, outcome, k);
}

static void not_in_path(struct outcome *outcome, int k)
{
    spawn_with(ARGS("qemu-no-such"), (QemuSpawnOptions){.flags = QEMU_SPAWN_SEARCH_PATH}, outcome, k);
}

static void without_interpreter(struct outcome *outcome, int k)
{
    spawn_with(ARGS("./script"), (QemuSpawnOptions){.cwd = folder}, outcome, k);
}

static void no_cwd(struct outcome *outcome, int k)
{
    spawn_with(ARGS(SELF), (QemuSpawnOptions){.cwd = "/nowhere"}, outcome, k);
}

static void no_descriptor(struct outcome *outcome, int k)
{
    static const QemuSpawnFd fds[] = {{900, 5}};

    spawn_with(ARGS(SELF), (QemuSpawnOptions){.fds = fds, .n_fds = 1}, outcome, k);
}

static void senseless(struct outcome *outcome, int k)
{
    spawn_with(ARGS(SELF), (QemuSpawnOptions){.flags = UINT64_C(1) << 63}, outcome, k);
}

static void sync_ends(struct outcome *outcome, int k)
{
    QemuSpawnOptions opts = {.size = sizeof(opts), .failed_step = &outcome->step};

    arm(k);
    disarm(outcome, qemu_spawn_sync(ARGS(SELF, "exit", "0"), &opts, -1, NULL, ERRP(outcome)) == 0);
}

static void sync_too_late(struct outcome *outcome, int k)
{
    QemuSpawnOptions opts = {.size = sizeof(opts), .flags = QEMU_SPAWN_NULL_STDERR, .failed_step = &outcome->step};

    arm(k);
    disarm(outcome, qemu_spawn_sync(ARGS(SELF, "pause"), &opts, 0, NULL, ERRP(outcome)) == 0);
}

/* This child does not keep the pipe to the test open if this process ends by abort(). */
static QemuProcess *spawn_pausing(void)
{
    return must_spawn(ARGS(SELF, "pause"), OPTIONS(.flags = QEMU_SPAWN_NULL_STDERR));
}

/* What a handle does, with a child that lives. */
static void handle_waits(struct outcome *outcome, int k)
{
    QemuProcess *process = spawn_pausing();
    QemuProcessStatus status;
    bool right;

    arm(k);
    right = qemu_process_wait(process, 0, &status, ERRP(outcome)) == 0;
    right = right && qemu_process_wait(process, 5, &status, ERRP(outcome)) == 0;
    right = right && qemu_process_kill(process, 0, ERRP(outcome)) && qemu_process_way(process);
    right = right && qemu_process_stop(process, 0, &status, ERRP(outcome));
    disarm(outcome, right && qemu_process_wait(process, -1, &status, ERRP(outcome)) == 1);
    qemu_process_stop(process, 0, NULL, NULL);
    arm(k);
    qemu_process_free(process);
    interposed_malloc.fails = false;
}

static void no_such_signal(struct outcome *outcome, int k)
{
    QemuProcess *process = spawn_pausing();

    arm(k);
    disarm(outcome, qemu_process_kill(process, 4711, ERRP(outcome)));
    qemu_process_stop(process, 0, NULL, NULL);
    qemu_process_free(process);
}

static void signal_to_ended(struct outcome *outcome, int k)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "0"), NULL);

    qemu_process_wait(process, -1, NULL, NULL);
    arm(k);
    disarm(outcome, qemu_process_kill(process, SIGTERM, ERRP(outcome)));
    qemu_process_free(process);
}

static void status_text(struct outcome *outcome, int k)
{
    const QemuProcessStatus status = {.end = QEMU_PROCESS_SIGNALED, .term_signal = SIGSEGV, .core_dumped = true};
    char *text;

    arm(k);
    text = qemu_process_status_str(&status);
    disarm(outcome, text != NULL);
    outcome->step = QEMU_SPAWN_STEP_FORK; /* it has none */
    if (!text && wants_error) {
        error_setg(&outcome->err, "it has no message either");
    }
    free(text);
}

static void fork_fails(struct outcome *outcome, int k)
{
    static bool filtered;
    pid_t pid;

    if (!filtered) {
        seccomp_fail_fork(EAGAIN);
        filtered = true;
    }
    arm(k);
    pid = qemu_fork(ERRP(outcome));
    disarm(outcome, pid >= 0);
}

static const struct scene {
    const char *name;
    void (*run)(struct outcome *outcome, int k);
    int error; /* what it fails with where there is memory; 0: it succeeds */
    QemuSpawnStep step;
    bool is_last; /* afterwards the process can start nothing */
} scenes[] = {
    {"a program", plain, 0, QEMU_SPAWN_STEP_NONE, false},
    {"many options", with_much, 0, QEMU_SPAWN_STEP_NONE, false},
    {"pipes", with_pipes, 0, QEMU_SPAWN_STEP_NONE, false},
    {"a death signal", with_death_signal, 0, QEMU_SPAWN_STEP_NONE, false},
    {"a death signal, in a thread", with_death_signal_in_thread, 0, QEMU_SPAWN_STEP_NONE, false},
    {"another user", another_user, 0, QEMU_SPAWN_STEP_NONE, false},
    {"no such program", not_there, ENOENT, QEMU_SPAWN_STEP_EXEC, false},
    {"none in PATH", not_in_path, ENOENT, QEMU_SPAWN_STEP_EXEC, false},
    {"no interpreter", without_interpreter, ENOENT, QEMU_SPAWN_STEP_EXEC, false},
    {"no such folder", no_cwd, ENOENT, QEMU_SPAWN_STEP_CWD, false},
    {"no such descriptor", no_descriptor, EBADF, QEMU_SPAWN_STEP_ARGUMENTS, false},
    {"senseless options", senseless, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, false},
    {"qemu_spawn_sync()", sync_ends, 0, QEMU_SPAWN_STEP_NONE, false},
    {"qemu_spawn_sync(), too late", sync_too_late, ETIMEDOUT, QEMU_SPAWN_STEP_NONE, false},
    {"a handle", handle_waits, 0, QEMU_SPAWN_STEP_NONE, false},
    {"no such signal", no_such_signal, EINVAL, QEMU_SPAWN_STEP_NONE, false},
    {"a signal for one that has ended", signal_to_ended, ESRCH, QEMU_SPAWN_STEP_NONE, false},
    {"qemu_process_status_str()", status_text, 0, QEMU_SPAWN_STEP_NONE, false},
    {"qemu_fork() fails", fork_fails, EAGAIN, QEMU_SPAWN_STEP_NONE, true},
};

/* ---- each of them, with less and less of it ---- */

struct job {
    const struct scene *scene;
    const struct forced_way *way;
    bool wants_error;
};

static void expect(bool holds, const char *what, const struct outcome *outcome)
{
    size_t length = strlen(seen->wrong);

    if (!holds && length < sizeof(seen->wrong) - 256) {
        snprintf(seen->wrong + length, sizeof(seen->wrong) - length, "k %d: %s (%s, errno %d, step %d, \"%.80s\"); ",
                 seen->k, what, outcome->succeeded ? "it succeeded" : "it failed", outcome->error, (int)outcome->step,
                 outcome->err ? error_get_pretty(outcome->err) : "no message");
    }
}

static void check_outcome(const struct scene *scene, const struct outcome *outcome)
{
    bool is_death_signal = strncmp(scene->name, "a death signal", 14) == 0;

    if (outcome->succeeded) {
        expect(scene->error == 0, "it cannot have succeeded", outcome);
        expect(!outcome->err, "no message", outcome);
        return;
    }
    expect(!outcome->err == !wants_error, "a message, where one is wanted", outcome);
    expect(!outcome->err || error_get_pretty(outcome->err)[0] != '\0', "a message with words", outcome);
    if (interposed_malloc.failures == 0 || (scene->error != 0 && outcome->error == scene->error)) {
        /* A limit of no time may be over before the program is executed, or after. */
        expect(outcome->error == scene->error && (outcome->step == scene->step || outcome->error == ETIMEDOUT),
               "the real cause", outcome);
        return;
    }
    /* A thread that cannot be made is EAGAIN, also where memory is what it lacks. */
    expect((outcome->error == ENOMEM && outcome->step == QEMU_SPAWN_STEP_FORK) ||
               (is_death_signal && (outcome->error == EAGAIN || outcome->error == ENOMEM) &&
                outcome->step == QEMU_SPAWN_STEP_DEATH_SIGNAL),
           "no memory, and its step", outcome);
}

/*
 * What was lent to a child that closes its files in exec is freed by a later call of the library. Only a loaded machine
 * needs one.
 */
static void free_what_was_lent(int pieces)
{
    for (int i = 0; live > pieces && i < 1000; i++) {
        poll(NULL, 0, 1);
        qemu_spawn(NULL, NULL, NULL);
    }
}

static void lack_memory(void *arg)
{
    static struct state before, after;
    const struct job *job = arg;
    bool is_enough = false;

    alarm(100);
    wants_error = job->wants_error;
    force_way(job->way);
    {
        struct outcome outcome = {.err = NULL};

        if (!job->scene->is_last) {
            job->scene->run(&outcome, ENOUGH); /* what is made once is made */
            error_free(outcome.err);
        }
    }
    interposed_malloc.hook = count;
    for (int k = 0; !is_enough && k < ENOUGH; k++) {
        struct outcome outcome = {.err = NULL};
        int pieces = live;
        bool left;

        seen->k = k;
        look_at_state(&before);
        job->scene->run(&outcome, k);
        is_enough = interposed_malloc.failures == 0;
        check_outcome(job->scene, &outcome);
        error_free(outcome.err);
        left = child_is_left();
        free_what_was_lent(pieces);
        look_at_state(&after);
        expect(memcmp(&before, &after, sizeof(before)) == 0, "descriptors, mask and environment are what they were",
               &outcome);
        expect(!left, "no child is left", &outcome);
        expect(live <= pieces, "no memory is lost", &outcome);
    }
    expect(is_enough, "there is enough at last", &(struct outcome){.err = NULL});
    seen->finished = true;
    _exit(0);
}

static void test(const struct job *job)
{
    struct ending ending;

    memset(seen, 0, sizeof(*seen));
    ending = run_child(lack_memory, (void *)(uintptr_t)job);
    if (!ok(seen->finished && ending.status == 0, "%s: %s, %s: nothing ends the program", job->way->name,
            job->scene->name, job->wants_error ? "with a message" : "without a message")) {
        printf("# with %d calls of malloc() that succeed: ", seen->k);
        show_ending(&ending);
        return;
    }
    if (!ok(!*seen->wrong, "each call fails properly until there is enough memory (%d)", seen->k)) {
        printf("# %s\n", seen->wrong);
    }
}

#ifndef HOST_ERROR_API
/* The Error API itself. An Error that was set stays set; without memory, additions may be lost. */
static void lack_memory_for_errors(void *arg)
{
    bool is_enough = false;

    (void)arg;
    alarm(100);
    for (int k = 0; !is_enough && k < ENOUGH; k++) {
        struct outcome outcome = {.err = NULL};
        Error *err = NULL, *copy = NULL;

        seen->k = k;
        arm(k);
        error_setg(&outcome.err, "message %d", 1);
        error_setg_errno(&err, EINVAL, "message %s", "two");
        error_prepend(&err, "%s: ", "prefix");
        error_append_hint(&err, "A %s.\n", "hint");
        copy = err ? error_copy(err) : NULL;
        error_propagate_prepend(&copy, NULL, "%s", "nothing");
        is_enough = interposed_malloc.failures == 0;
        disarm(&outcome, false);
        expect(outcome.err && error_get_pretty(outcome.err)[0], "an Error that was set", &outcome);
        expect(err && error_get_pretty(err)[0], "another", &outcome);
        expect(copy && error_get_pretty(copy)[0], "its copy", &outcome);
        error_free(copy);
        error_free(err);
        error_free(outcome.err);
    }
    seen->finished = true;
    _exit(0);
}

static void test_errors(void)
{
    struct ending ending;

    memset(seen, 0, sizeof(*seen));
    ending = run_child(lack_memory_for_errors, NULL);
    if (!ok(seen->finished && ending.status == 0, "the Error API: nothing ends the program")) {
        printf("# with %d calls of malloc() that succeed: ", seen->k);
        show_ending(&ending);
        return;
    }
    if (!ok(!*seen->wrong, "there is an Error at each k up to the one that is enough (%d)", seen->k)) {
        printf("# %s\n", seen->wrong);
    }
}
#endif

int main(int argc, char **argv)
{
    char path[2 * PATH_MAX];

    if (argc > 1) {
        return spawned(argc, argv);
    }
    need_own_malloc();
    cast_net();
    needs_programs();
    need_forced_ways();
    make_folder();
    make_file(in_folder("script"), 0755, "#!/nowhere/bashh\n", 17);
    if (symlink(SELF, in_folder("qemu-self")) != 0) {
        bail("symlink");
    }
    snprintf(path, sizeof(path), "%s:/nowhere", folder);
    setenv("PATH", path, 1);
    seen = shared_memory(sizeof(*seen));
#ifndef HOST_ERROR_API
    test_errors();
#endif
    for (int way = 0; way < FORCED_WAYS; way++) {
        for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
            for (int wants = 0; wants < 2; wants++) {
                if (scenes[i].run == another_user && geteuid() != 0) {
                    skip(scenes[i].name, "only root can make one: run the tests as root");
                    continue;
                }
#ifdef HOST_ERROR_API
                if (wants) {
                    continue; /* that memory is the host's own matter, and this one's aborts */
                }
#endif
                test(&(struct job){&scenes[i], &forced_ways[way], wants != 0});
            }
        }
    }
    return done();
}
