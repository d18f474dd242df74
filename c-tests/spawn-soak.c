/*
 * Sixteen threads spawn with all kinds of options, and wait, signal, stop and free, while other threads fork, change
 * the process's user, forbid themselves system calls, and open and close descriptors. Each child must do what it was
 * asked for. At the end there is no child, no thread and no descriptor more than at the beginning.
 *
 * It takes two seconds, or as many as QEMU_FORK_SOAK_SECONDS says: `make soak` has six hundred.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "forced-ways.h"
#include "watched.h"

enum { SPAWNERS = 16, OTHERS = 5, DESCRIPTORS = 600 };

static char program[PATH_MAX];
static int64_t end_us;
static bool is_root;
static struct {
    long spawned, failed, forked, changed, filtered, opened, wrong;
} count;

static bool goes_on(void)
{
    return clock_us(CLOCK_MONOTONIC) < end_us;
}

static void one_more(long *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

__attribute__((__format__(__printf__, 1, 2))) static void wrong(const char *fmt, ...)
{
    if (__atomic_add_fetch(&count.wrong, 1, __ATOMIC_RELAXED) <= 20) {
        char text[1024];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        printf("# %s\n", text);
    }
}

/* ---- the threads that spawn ---- */

/* Whether another thread's doing explains the error: it has changed the user, or has taken the descriptors. */
static bool is_excused(int error, QemuSpawnStep step)
{
    return (error == EPERM && step == QEMU_SPAWN_STEP_CREDENTIALS && is_root) || error == EMFILE || error == EAGAIN;
}

static QemuProcess *try(const char *const *argv, QemuSpawnOptions *opts)
{
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;
    Error *err = NULL;
    QemuProcess *process;
    int error;

    opts->size = sizeof(*opts);
    opts->failed_step = &step;
    process = qemu_spawn(argv, opts, &err);
    error = errno;
    if (process) {
        one_more(&count.spawned);
        return process;
    }
    one_more(&count.failed);
    if (!is_excused(error, step)) {
        wrong("step %d, errno %d: %s", (int)step, error, err ? error_get_pretty(err) : "no Error");
    }
    error_free(err);
    return NULL;
}

static void expect_end(QemuProcess *process, int wanted, const char *what)
{
    int end = wait_ms(process, -1);

    if (end != wanted) {
        wrong("%s: it ended with %d and not %d", what, end, wanted);
    }
    qemu_process_free(process);
}

static const char *const one_variable[] = {"SOAK=1", NULL};

static QemuSpawnOptions random_options(unsigned *seed)
{
    QemuSpawnOptions opts = {.size = sizeof(opts)};
    unsigned bits = (unsigned)rand_r(seed);

    if (bits % 4 == 0) {
        opts.flags |= QEMU_SPAWN_LEAVE_FDS;
    }
    if (bits / 4 % 4 == 0) {
        opts.death_signal = SIGKILL;
    }
    if (bits / 16 % 8 == 0 && is_root) {
        opts.flags |= QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID;
        opts.uid = opts.gid = NOBODY;
    }
    if (bits / 128 % 4 == 0) {
        opts.flags |= QEMU_SPAWN_SETSID;
    }
    if (bits / 512 % 4 == 0) {
        opts.flags |= QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_MERGE_STDERR;
    }
    if (bits / 2048 % 4 == 0) {
        opts.cwd = "/";
        opts.env_set = one_variable;
    }
    return opts;
}

/* Another thread may have taken the right to signal the child for a moment. */
static void stop(QemuProcess *process)
{
    QemuProcessStatus status = {.exit_code = -1};

    while (!qemu_process_stop(process, 0, &status, NULL)) {
        if (errno != EPERM && errno != ETIMEDOUT) {
            wrong("stop: errno %d", errno);
            break;
        }
        yield_a_moment();
    }
}

static void spawn_once(unsigned *seed)
{
    char number[8];
    int code = rand_r(seed) % 100;
    QemuSpawnOptions opts = random_options(seed);
    QemuProcess *process;
    pid_t pid;
    int fd;

    snprintf(number, sizeof(number), "%d", code);
    switch (rand_r(seed) % 7) {
    case 0: /* a pipe to it and from it */
        opts.flags &= ~(uint64_t)QEMU_SPAWN_NULL_STDIN;
        opts.flags |= QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT;
        process = try(ARGS(program, "cat"), &opts);
        if (process) {
            char text[16] = "";

            fd = qemu_process_take_fd(process, STDIN_FILENO);
            if (write(fd, number, strlen(number)) != (ssize_t)strlen(number)) {
                wrong("write: errno %d", errno);
            }
            close(fd);
            fd = qemu_process_take_fd(process, STDOUT_FILENO);
            read_all(fd, text, sizeof(text));
            close(fd);
            if (strcmp(text, number) != 0) {
                wrong("cat: \"%s\" and not \"%s\"", text, number);
            }
            expect_end(process, 0, "cat");
        }
        break;
    case 1: /* one that is stopped */
        process = try(ARGS(program, "pause"), &opts);
        if (process) {
            stop(process);
            qemu_process_free(process);
        }
        break;
    case 2: /* one whose handle is freed before */
        process = try(ARGS(program, "exit", number), &opts);
        if (process) {
            pid = qemu_process_pid(process);
            qemu_process_detach(process);
            qemu_process_free(process);
            if (wait_for(pid) != code << 8) {
                wrong("a detached child ended otherwise");
            }
        }
        break;
    case 3: { /* with a limit of time */
        QemuProcessStatus status = {.exit_code = -1};
        Error *err = NULL;

        if (qemu_spawn_sync(ARGS(program, "exit", number), &opts, 600000, &status, &err) == 0) {
            one_more(&count.spawned);
            if (ending_of(&status) != code) {
                wrong("sync: it ended with %d and not %d", ending_of(&status), code);
            }
        } else {
            one_more(&count.failed);
            if (!is_excused(errno, QEMU_SPAWN_STEP_CREDENTIALS)) {
                wrong("sync: %s", error_get_pretty(err));
            }
            error_free(err);
        }
        break;
    }
    case 4: /* one that does not exist */
        opts.flags &= ~(uint64_t)(QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID);
        opts.uid = opts.gid = 0; /* a value without its flag is refused */
        process = qemu_spawn(ARGS("/nowhere/program"), &opts, NULL);
        if (process || (errno != ENOENT && errno != EMFILE && errno != EAGAIN)) {
            wrong("a program that does not exist: errno %d", errno);
        }
        break;
    default:
        process = try(ARGS(program, "exit", number), &opts);
        if (process) {
            expect_end(process, code, "exit");
        }
        break;
    }
}

static void *spawn_on(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    while (goes_on()) {
        spawn_once(&seed);
    }
    return NULL;
}

/* ---- the others ---- */

static void *fork_on(void *arg)
{
    bool ours = false;

    (void)arg;
    while (goes_on()) {
        pid_t pid = ours ? qemu_fork(NULL) : fork();

        if (pid == 0) {
            _exit(3);
        }
        if (pid > 0 && wait_for(pid) != 3 << 8) {
            wrong("a forked child ended otherwise");
        }
        ours = !ours;
        one_more(&count.forked);
        yield_a_moment();
    }
    return NULL;
}

/* glibc tells all threads, by a signal that none of them may block for long. */
static void *change_user(void *arg)
{
    (void)arg;
    while (goes_on()) {
        /* With two different ids, programs would not find a library by LD_LIBRARY_PATH. */
        if (setresuid(STRANGER, STRANGER, 0) != 0 || setresuid(0, 0, 0) != 0) {
            wrong("setresuid: errno %d", errno);
        }
        one_more(&count.changed);
        for (int i = 0; i < 10; i++) {
            yield_a_moment();
        }
    }
    return NULL;
}

static void *spawn_filtered(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    force_way(&forced_ways[seed % 2 + 1]);
    for (int i = 0; i < 5; i++) {
        spawn_once(&seed);
    }
    return NULL;
}

/* A filter is never removed, so each has a thread of its own, which ends. */
static void *filter_on(void *arg)
{
    uintptr_t seed = (uintptr_t)arg;

    while (goes_on()) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, spawn_filtered, (void *)seed++) == 0) {
            pthread_join(thread, NULL);
            one_more(&count.filtered);
        }
        give_time_to_spin();
    }
    return NULL;
}

static void *open_on(void *arg)
{
    static int fds[DESCRIPTORS];

    (void)arg;
    while (goes_on()) {
        for (int i = 0; i < DESCRIPTORS; i++) {
            fds[i] = open("/dev/null", O_RDONLY | (i % 2 ? O_CLOEXEC : 0));
        }
        for (int i = 0; i < DESCRIPTORS; i++) {
            if (fds[i] >= 0) {
                close(fds[i]);
                one_more(&count.opened);
            }
        }
        yield_a_moment();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("QEMU_FORK_SOAK_SECONDS");
    int64_t seconds = wanted ? atol(wanted) : 2;
    const struct rlimit room = {4096, 4096};
    pthread_t threads[SPAWNERS + OTHERS];
    int n = 0, threads_before, descriptors_before;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    need_forced_ways();
    signal(SIGPIPE, SIG_IGN);
    is_root = geteuid() == 0 && setgroups(0, NULL) == 0;
    make_folder();
    copy_library();
    snprintf(program, sizeof(program), "%s", in_folder("program"));
    copy_file(SELF, program, 0755);
    (void)setrlimit(RLIMIT_NOFILE, &room);
    alarm((unsigned)seconds + 4 * net_seconds());
    qemu_process_free(must_spawn(ARGS(program, "exit", "0"), NULL));
    while (has_child()) {
        (void)waitpid(-1, NULL, 0);
    }
    threads_before = count_threads();
    descriptors_before = count_descriptors();

    end_us = clock_us(CLOCK_MONOTONIC) + seconds * 1000000;
    for (uintptr_t i = 0; i < SPAWNERS; i++) {
        n += pthread_create(&threads[n], NULL, spawn_on, (void *)(i + 1)) == 0;
    }
    n += pthread_create(&threads[n], NULL, fork_on, NULL) == 0;
    n += pthread_create(&threads[n], NULL, filter_on, (void *)(uintptr_t)1) == 0;
    n += pthread_create(&threads[n], NULL, open_on, NULL) == 0;
    if (is_root) {
        n += pthread_create(&threads[n], NULL, change_user, NULL) == 0;
    } else {
        skip("a thread that changes the user", "only root can");
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("# %lld seconds: %ld spawned, %ld not, %ld forked, %ld changes of the user, %ld filters, %ld descriptors\n",
           (long long)seconds, count.spawned, count.failed, count.forked, count.changed, count.filtered, count.opened);
    ok(count.spawned > 0, "children were spawned");
    is_int((int)count.wrong, 0, "and nothing went wrong:");
    /* What was given up is reaped by a later call, and a helper thread ends a moment after its child. */
    for (int i = 0; i < 20000 && (has_child() || count_threads() != threads_before); i++) {
        qemu_process_free(qemu_spawn(ARGS("/nowhere"), NULL, NULL));
        yield_a_moment();
    }
    ok(!has_child(), "no child is left");
    is_int(count_threads(), threads_before, "threads:");
    is_int(count_descriptors(), descriptors_before, "descriptors:");
    return done();
}
