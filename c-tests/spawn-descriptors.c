/*
 * The child has the descriptors that it was given, and no others. The parent's descriptors never change. Pipes work
 * whichever of stdin, stdout and stderr the parent has closed. A list may swap descriptors. No child has an end of
 * another child's pipe. A full table is an error only if the spawn needs a descriptor.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include "spawn.h"

#define FDS(...) .fds = (const QemuSpawnFd[]){__VA_ARGS__}, \
                 .n_fds = sizeof((const QemuSpawnFd[]){__VA_ARGS__}) / sizeof(QemuSpawnFd)

enum {
    DEV_NULL = -1,
    /* Under an emulator, which takes its time to start, all or none of them is a pipe. */
    PIPED_STEP = IS_EMULATED ? 7 : 1,
};

static struct {
    char got[8192], expected[8192];
} table;

/* Expects one more descriptor in the child: the file of `reference` in the parent, or the other end of its pipe. */
static void expect(int target, int reference, const char *mode)
{
    int fd = reference == DEV_NULL ? open("/dev/null", O_RDWR | O_CLOEXEC) : reference;
    int flags = fcntl(fd, F_GETFL);
    size_t length = strlen(table.expected);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0) {
        strcat(table.expected, "the test's reference is not open\n");
        return;
    }
    if (!mode) {
        mode = flags & O_RDWR ? "rw" : (flags & O_WRONLY ? "w" : "r");
    }
    snprintf(table.expected + length, sizeof(table.expected) - length, "%d is %llu/%llu %s\n", target,
             (unsigned long long)status.st_dev, (unsigned long long)status.st_ino, mode);
    if (reference == DEV_NULL) {
        close(fd);
    }
}

/* Makes the child list its descriptors. */
static QemuProcess *start(const QemuSpawnOptions *opts)
{
    *table.expected = *table.got = '\0';
    return qemu_spawn(ARGS(SELF, "descriptors", in_folder("table")), opts, NULL);
}

/* Whether it has what it shall have. */
static bool is_expected(QemuProcess *process)
{
    int fd, end;

    if (!process) {
        snprintf(table.got, sizeof(table.got), "no child: %s\n", strerror(errno));
        return false;
    }
    end = end_of(process);
    fd = open(in_folder("table"), O_RDONLY | O_CLOEXEC);
    read_all(fd, table.got, sizeof(table.got));
    close(fd);
    return end == 0 && strcmp(table.got, table.expected) == 0;
}

static void is_table(QemuProcess *process, const char *what)
{
    if (!ok(is_expected(process), "%s", what)) {
        printf("# expected:\n%s# got:\n%s", table.expected, table.got);
    }
}

static void expect_stdio(void)
{
    for (int fd = 0; fd < 3; fd++) {
        expect(fd, fd, NULL);
    }
}

/* A file of its own, at this number. */
static int open_at(int number, int flags)
{
    char name[32];
    int fd, copy;

    snprintf(name, sizeof(name), "file-%d", number);
    fd = open(in_folder(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    copy = dup3(fd, number, flags);
    if (fd == -1 || copy != number) {
        bail("dup3");
    }
    close(fd);
    return copy;
}

static void check_lists(int a, int b, int c, int kept)
{
    QemuProcess *process = start(NULL);

    expect_stdio();
    is_table(process, "by default: stdin, stdout, stderr");

    process = start(OPTIONS(.flags = QEMU_SPAWN_LEAVE_FDS));
    expect_stdio();
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) == 0) {
            expect(fd, fd, NULL);
        }
    }
    is_table(process, "LEAVE_FDS: all that have no FD_CLOEXEC");
    ok(fcntl(kept, F_GETFD) == 0 && strstr(table.got, "\n900 is "), "one of which there was");

    process = start(OPTIONS(FDS({a, b}, {b, a})));
    expect_stdio();
    expect(a, b, NULL);
    expect(b, a, NULL);
    is_table(process, "two that swap");

    process = start(OPTIONS(FDS({a, b}, {b, c}, {c, a})));
    expect_stdio();
    expect(a, c, NULL);
    expect(b, a, NULL);
    expect(c, b, NULL);
    is_table(process, "three in a ring");

    process = start(OPTIONS(FDS({a, a})));
    expect_stdio();
    expect(a, a, NULL);
    is_table(process, "one that stays, though it has FD_CLOEXEC");
    is_int(fcntl(a, F_GETFD), FD_CLOEXEC, "which it still has in the parent");

    process = start(OPTIONS(FDS({a, 3}, {a, 4}, {a, 5}, {a, 1000})));
    expect_stdio();
    expect(3, a, NULL);
    expect(4, a, NULL);
    expect(5, a, NULL);
    expect(1000, a, NULL);
    is_table(process, "one several times");

    process = start(OPTIONS(FDS({2, 0}, {0, 1}, {1, 2})));
    expect(0, 2, NULL);
    expect(1, 0, NULL);
    expect(2, 1, NULL);
    is_table(process, "stdio in a ring");

    process = start(OPTIONS(FDS({0, 7}, {QEMU_SPAWN_FD_NULL, 5}, {1, 6}),
                            .flags = QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_NULL_STDOUT));
    expect(0, DEV_NULL, NULL);
    expect(1, DEV_NULL, NULL);
    expect(2, 2, NULL);
    expect(5, DEV_NULL, NULL);
    expect(6, 1, NULL);
    expect(7, 0, NULL);
    is_table(process, "sources are the parent's, whatever the flags are; FD_NULL is /dev/null");

    process = start(OPTIONS(FDS({a, 2}, {kept, 3}), .flags = QEMU_SPAWN_LEAVE_FDS));
    expect(0, 0, NULL);
    expect(1, 1, NULL);
    expect(2, a, NULL);
    expect(3, kept, NULL);
    for (int fd = 4; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) == 0) {
            expect(fd, fd, NULL);
        }
    }
    is_table(process, "a list and LEAVE_FDS");
}

/* The longest possible list: all numbers in reverse. */
static void check_long_list(int a, int b)
{
    static QemuSpawnFd list[200];
    size_t n = sizeof(list) / sizeof(*list);
    QemuProcess *process;

    for (size_t i = 0; i < n; i++) {
        list[i] = (QemuSpawnFd){i % 2 ? a : b, (int)(n + 2 - i)};
    }
    process = start(OPTIONS(.fds = list, .n_fds = n));
    expect_stdio();
    for (size_t i = n; i-- > 0;) {
        expect(list[i].target, list[i].source, NULL);
    }
    is_table(process, "two hundred in descending order");
}

/* What goes wrong with these of 0, 1 and 2 closed, in all combinations of flags: shared, for it is a process's own. */
static struct {
    int checks, wrong;
    char text[2048];
} *closed_stdio;

static void with_closed(int closed, int piped, int nulled)
{
    QemuProcess *process = start(OPTIONS(.flags = (uint64_t)piped * QEMU_SPAWN_PIPE_STDIN |
                                                  (uint64_t)nulled * QEMU_SPAWN_NULL_STDIN));
    int ends[3] = {-1, -1, -1};
    bool holds = process != NULL;

    for (int fd = 0; process && fd < 3; fd++) {
        if (nulled & 1 << fd) {
            expect(fd, DEV_NULL, NULL);
        } else if (piped & 1 << fd) {
            ends[fd] = qemu_process_take_fd(process, fd);
            holds = holds && ends[fd] > 2 && fcntl(ends[fd], F_GETFD) == FD_CLOEXEC;
            expect(fd, ends[fd], fd == 0 ? "r" : "w");
        } else if (!(closed & 1 << fd)) {
            expect(fd, fd, NULL);
        }
    }
    holds = is_expected(process) && holds;
    for (int fd = 0; fd < 3; fd++) {
        if (ends[fd] >= 0) {
            close(ends[fd]);
        }
        holds = holds && (fcntl(fd, F_GETFD) == -1) == ((closed >> fd & 1) == 1);
    }
    closed_stdio->checks++;
    if (!holds) {
        if (!closed_stdio->wrong++) {
            snprintf(closed_stdio->text, sizeof(closed_stdio->text),
                     "# closed %d, piped %d, null %d\n# expected:\n%.800s# got:\n%.800s", closed, piped, nulled,
                     table.expected, table.got);
        }
    }
}

static void check_closed_stdio(void)
{
    closed_stdio = shared_memory(sizeof(*closed_stdio));
    for (int closed = 0; closed < 8; closed++) {
        pid_t pid = fork();

        if (pid == -1) {
            bail("fork");
        }
        if (pid == 0) {
            for (int fd = 0; fd < 3; fd++) {
                if (closed & 1 << fd) {
                    close(fd);
                }
            }
            for (int piped = 0; piped < 8; piped += PIPED_STEP) {
                with_closed(closed, piped, 0);
                with_closed(closed, piped, 7 & ~piped);
            }
            _exit(0);
        }
        is_int(wait_for(pid), 0, "a process with some of its stdio closed");
    }
    is_int(closed_stdio->checks, 8 * 2 * (7 / PIPED_STEP + 1), "every combination was tried");
    if (!is_int(closed_stdio->wrong, 0, "in each the child has what it shall have, and no more")) {
        printf("%s", closed_stdio->text);
    }
}

static void check_merge(int a)
{
    QemuProcess *process;
    int saved, end;
    char text[64];

    process = must_spawn(ARGS(SELF, "both"), OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR | QEMU_SPAWN_PIPE_STDOUT));
    end = qemu_process_take_fd(process, STDOUT_FILENO);
    read_all(end, text, sizeof(text));
    close(end);
    is_int(end_of(process), 0, "MERGE_STDERR and a pipe:");
    is_str(text, "out\nerr\n", "both come through it");

    process = start(OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR | QEMU_SPAWN_NULL_STDOUT));
    expect(0, 0, NULL);
    expect(1, DEV_NULL, NULL);
    expect(2, DEV_NULL, NULL);
    is_table(process, "MERGE_STDERR and /dev/null");

    process = start(OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR, FDS({a, 1}, {2, 9})));
    expect(0, 0, NULL);
    expect(1, a, NULL);
    expect(2, a, NULL);
    expect(9, 2, NULL);
    is_table(process, "MERGE_STDERR and a list");

    fflush(stdout);
    saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 50);
    fcntl(STDOUT_FILENO, F_SETFD, FD_CLOEXEC);
    process = start(OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR));
    expect(0, 0, NULL);
    expect(1, 1, NULL);
    expect(2, 1, NULL);
    end = is_expected(process);
    fcntl(STDOUT_FILENO, F_SETFD, 0);
    ok(end, "MERGE_STDERR where stdout has FD_CLOEXEC: the child has it all the same, twice");

    close(STDOUT_FILENO);
    process = start(OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR));
    expect(0, 0, NULL);
    end = is_expected(process);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    ok(end, "MERGE_STDERR where stdout is closed: both are");
}

/* If the second child had an end of the first child's stdin, the first would not see the end of the file. */
static void check_siblings(void)
{
    const uint64_t pipes = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT;
    QemuProcess *first = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = pipes | QEMU_SPAWN_LEAVE_FDS));
    QemuProcess *second = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = pipes | QEMU_SPAWN_LEAVE_FDS));
    int in = qemu_process_take_fd(first, 0), out = qemu_process_take_fd(first, 1);
    char byte;

    close(in);
    is_int((int)read(out, &byte, 1), 0, "a sibling holds no end of a pipe open");
    close(out);
    is_int(end_of(first), 0, "the first ends");
    is_int(qemu_process_wait(second, 0, NULL, NULL), 0, "the second lives");
    close(qemu_process_take_fd(second, 0));
    is_int(end_of(second), 0, "until its own stdin ends");
}

static int stop, disturbed;

/* Opens and closes all the time, without FD_CLOEXEC; each must be this thread's from the first to the last moment. */
static void *open_and_close(void *arg)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        int fds[16];

        for (int i = 0; i < 16; i++) {
            fds[i] = fcntl(STDIN_FILENO, F_DUPFD, i % 2 ? 3 : 600);
        }
        for (int i = 0; i < 16; i++) {
            disturbed += fds[i] == -1 || fcntl(fds[i], F_GETFD) != 0 || close(fds[i]) != 0;
        }
    }
    return arg;
}

static void check_other_thread(int a)
{
    pthread_t thread;
    int wrong = 0;

    if (pthread_create(&thread, NULL, open_and_close, NULL) != 0) {
        bail("pthread_create");
    }
    for (int i = 0; i < (IS_EMULATED ? 8 : 40); i++) {
        QemuProcess *process = i % 2 ? start(NULL) : start(OPTIONS(FDS({a, 3})));

        expect_stdio();
        if (i % 2 == 0) {
            expect(3, a, NULL);
        }
        if (!is_expected(process) && !wrong++) {
            printf("# expected:\n%s# got:\n%s", table.expected, table.got);
        }
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    is_int(wrong, 0, "what another thread opens meanwhile never gets into a child");
    is_int(disturbed, 0, "and is never closed under its hands");
}

/* With not one number free. The exit status tells. */
static void with_full_table(void *arg)
{
    struct rlimit limit = {64, 64};
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;
    QemuProcess *process;
    QemuProcessStatus status;
    Error *err = NULL;
    int spare[2];

    (void)arg;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        _exit(90);
    }
    while (dup(STDIN_FILENO) != -1) {
    }
    errno = 0;
    if (qemu_spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDERR, .failed_step = &step), &err) ||
        errno != EMFILE || step != QEMU_SPAWN_STEP_PIPE) {
        _exit(91);
    }
    fprintf(stderr, "%s\n", error_get_pretty(err));
    error_free(err);
    process = qemu_spawn(ARGS(SELF, "exit", "33"), OPTIONS(.failed_step = &step), NULL);
    if (!process && step == QEMU_SPAWN_STEP_FORK && errno == EMFILE) {
        _exit(10); /* by fork(), which needs pipes */
    }
    if (!process || qemu_process_pidfd(process) != -1 || qemu_process_wait(process, -1, &status, NULL) != 1 ||
        status.exit_code != 33) {
        _exit(92);
    }
    qemu_process_free(process);
    process = qemu_spawn(ARGS(SELF, "pause"), NULL, NULL);
    if (!process || qemu_process_wait(process, 0, NULL, NULL) != 0 || qemu_process_wait(process, 5, NULL, NULL) != 0 ||
        !qemu_process_stop(process, -1, &status, NULL) || status.term_signal != SIGTERM ||
        qemu_process_kill(process, SIGKILL, NULL) || errno != ESRCH) {
        _exit(93);
    }
    qemu_process_free(process);
    /* Room for one pipe and not for the second: the first goes away again. */
    close(63);
    close(62);
    if (qemu_spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT), NULL) ||
        errno != EMFILE || pipe(spare) != 0) {
        _exit(94);
    }
    _exit(child_is_left() ? 95 : 0);
}

static void check_full_table(void)
{
    struct ending ending = run_child(with_full_table, NULL);
    char expected[256];

    if (WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 10) {
        skip("a full table", "here only fork() makes children, and needs pipes");
        return;
    }
    exits_with(&ending, 0, "a full table: without pipes there are children, and no descriptors of them");
    snprintf(expected, sizeof(expected), "cannot make a pipe for stderr: %s\n", strerror(EMFILE));
    is_str(ending.text, expected, "with pipes there are none");
}

int main(int argc, char **argv)
{
    static struct state before;
    int a, b, c, kept;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    make_folder();
    /* Descriptors that were already open when the test started do not count. */
    for (int fd = 3; fd < 1024; fd++) {
        close(fd);
    }
    a = open_at(20, O_CLOEXEC);
    b = open_at(21, O_CLOEXEC);
    c = open_at(22, 0);
    kept = open_at(900, 0);
    look_at_state(&before);
    check_lists(a, b, c, kept);
    check_long_list(a, b);
    check_closed_stdio();
    check_merge(a);
    check_siblings();
    check_other_thread(a);
    check_full_table();
    is_same_state(&before, "the parent's are what they were");
    ok(!child_is_left(), "no child is left");
    return done();
}
