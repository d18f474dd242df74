/*
 * Descriptors that are high up in a large table. The child does not copy the table for them, where the kernel lets it
 * fetch them from its parent. Either way it has exactly those that it was given, also if the calling thread has a table
 * of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "forced-ways.h"
#include "watched.h"

enum { MANY = 3000, ROOM = 4000, SMALL_TABLE = 1024 };

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

static char program[PATH_MAX];

/* ---- in the program ---- */

static long table_size(void)
{
    char line[128];
    long size = -1;
    FILE *file = fopen("/proc/self/status", "re");

    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "FDSize: %ld", &size) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return size;
}

/* Prints what can be read from each descriptor, and whether the table is small. */
static int report(void)
{
    char text[512] = "";
    size_t length = 0;
    bool small = table_size() <= SMALL_TABLE;

    for (int fd = 0; fd < ROOM; fd++) {
        char bytes[8] = "";

        if (fcntl(fd, F_GETFD) == -1 || fd == STDOUT_FILENO || fd == STDERR_FILENO) {
            continue;
        }
        if (pread(fd, bytes, sizeof(bytes) - 1, 0) < 0) {
            snprintf(bytes, sizeof(bytes), "?");
        }
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%d=%s ", fd, bytes);
    }
    printf("%s%s", text, small ? "small" : "large");
    return fflush(stdout) == 0 ? 0 : 98;
}

/* ---- in the test ---- */

/* A file that has this text. */
static int file_of(const char *text)
{
    int fd = open("/dev/shm", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

    if (fd == -1) {
        fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    }
    if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, 0666) != 0) {
        _exit(95);
    }
    return fd;
}

static void fill_table(void)
{
    const struct rlimit limit = {ROOM, ROOM};
    int fd, null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || null == -1 || dup2(null, STDIN_FILENO) == -1) {
        _exit(FOREIGN);
    }
    do {
        fd = open("/dev/null", O_RDONLY); /* without FD_CLOEXEC */
    } while (fd >= 0 && fd < MANY);
    if (fd < 0) {
        _exit(94);
    }
}

struct job {
    const struct forced_way *way;
    long refused; /* a system call that fails, or 0 */
    uint64_t flags;
    int death_signal;
    bool small; /* the table must be */
    bool own_table; /* of a thread */
};

/* A user whom the flags do not ask for is none. */
static QemuUid user_of(const struct job *job)
{
    return job->flags & QEMU_SPAWN_SET_UID ? NOBODY : 0;
}

static void expect_output(const struct job *job, const QemuSpawnFd *fds, size_t n, const char *wanted)
{
    QemuSpawnOptions opts = {.size = sizeof(opts), .flags = job->flags | QEMU_SPAWN_PIPE_STDOUT, .fds = fds,
                             .n_fds = n, .uid = user_of(job), .gid = user_of(job), .death_signal = job->death_signal};
    QemuProcess *process = spawn(ARGS(program, "report"), &opts);
    char text[1024], expected[1024];
    int fd, end;

    progress();
    if (!process) {
        tell("step %d, \"%s\"\n", (int)told.step, told.message);
        return;
    }
    fd = qemu_process_take_fd(process, STDOUT_FILENO);
    read_all(fd, text, sizeof(text));
    close(fd);
    end = end_of(process);
    snprintf(expected, sizeof(expected), "%s%s", wanted, job->small ? "small" : "large");
    if (end != 0 || strcmp(text, expected) != 0) {
        tell("\"%s\" and not \"%s\", ended %d\n", text, expected, end);
    }
}

static void spawn_all(const struct job *job)
{
    int a = file_of("a"), b = file_of("b"), before, now;

    expect_output(job, NULL, 0, "0= ");
    expect_output(job, (const QemuSpawnFd[]){{a, 0}, {b, 7}}, 2, "0=a 7=b ");
    expect_output(job, (const QemuSpawnFd[]){{a, 7}, {b, 5}, {7, 6}}, 3, "0= 5=b 6= 7=a ");
    before = count_descriptors();
    close(5);
    close(7);
    /* The lowest free numbers are targets, of the one or of the other. */
    expect_output(job, (const QemuSpawnFd[]){{a, 7}, {b, 5}}, 2, "0= 5=b 7=a ");
    expect_output(job, (const QemuSpawnFd[]){{a, 5}, {b, 7}, {a, 9}}, 3, "0= 5=a 7=b 9=a ");
    close(0);
    expect_output(job, (const QemuSpawnFd[]){{a, 3}, {QEMU_SPAWN_FD_NULL, 4}}, 2, "3=a 4= ");
    now = count_descriptors();
    if (now != before - 3) {
        tell("%d descriptors and not %d\n", now, before - 3);
    }
    /* A number that is far remains one, and so does its table. */
    if (!job->small) {
        return;
    }
    {
        QemuProcess *process = spawn(ARGS(program, "exit", "0"), OPTIONS(.flags = job->flags, .uid = user_of(job),
                                     .gid = user_of(job), .fds = (const QemuSpawnFd[]){{a, a}, {b, 2000}}, .n_fds = 2));

        if (!process || end_of(process) != 0) {
            tell("far targets: %s\n", told.message);
        }
    }
}

static void *with_own_table(void *arg)
{
    const struct job *job = arg;

    /* The main thread has other files at the same numbers. */
    if (unshare(CLONE_FILES) != 0) {
        _exit(FOREIGN);
    }
    for (int fd = MANY + 1; fd < MANY + 10; fd++) {
        close(fd);
    }
    spawn_all(job);
    return NULL;
}

static void run_job(void *arg)
{
    const struct job *job = arg;

    fill_table();
    force_way(job->way);
    if (job->refused != 0 && !fail_calls(EPERM, &job->refused, 1)) {
        _exit(97);
    }
    if (job->own_table) {
        pthread_t thread;

        for (int i = 0; i < 9; i++) {
            file_of("x");
        }
        if (pthread_create(&thread, NULL, with_own_table, arg) != 0 || pthread_join(thread, NULL) != 0) {
            _exit(96);
        }
    } else {
        spawn_all(job);
    }
}

static void test(const struct job *job, const char *name)
{
    char what[128];

    snprintf(what, sizeof(what), "%s; the best way open is %s", name, job->way->name);
    if (run_watched(run_job, (void *)(uintptr_t)job, what)) {
        is_str(watched->words, "", "the program has what it was given, and nothing else");
    }
}

/* Whether a child may fetch its parent's descriptors: a security module may forbid it to all but root. */
static bool may_fetch(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        int pidfd = (int)syscall(SYS_pidfd_open, parent, 0);

        syscall(SYS_pidfd_getfd, pidfd, -1, 0);
        if (errno != EBADF || syscall(SYS_kcmp, getpid(), parent, 2, 0, 0) < 0) {
            _exit(1);
        }
        _exit(0);
    }
    return wait_for(pid) == 0;
}

static int copy_of_table(void *arg)
{
    (void)arg;
    if (syscall(SYS_close_range, 64, ~0U, 2 /* CLOSE_RANGE_UNSHARE */) != 0) {
        return 1;
    }
    return table_size() <= SMALL_TABLE ? 0 : 1;
}

/*
 * Whether this kernel copies only the beginning of a table, if that is asked for. Linux 5.10 closes the other
 * descriptors in the copy, but makes it as large.
 */
static bool copies_beginning(void)
{
    static char stack[65536];
    pid_t pid = fork();

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        fill_table();
        pid = clone(copy_of_table, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL);
        _exit(pid != -1 && wait_for(pid) == 0 ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

int main(int argc, char **argv)
{
    const uint64_t user = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID;
    bool small;

    if (argc > 1) {
        return strcmp(argv[1], "report") == 0 ? report() : spawned(argc, argv);
    }
    needs_programs();
    need_forced_ways();
    make_folder();
    copy_library();
    snprintf(program, sizeof(program), "%s", in_folder("program"));
    copy_file(SELF, program, 0755);
    small = copies_beginning();
    printf("# the kernel copies %s of a table\n", small ? "only the beginning" : "the full size");
    if (!may_fetch()) {
        printf("# a child may not fetch its parent's descriptors\n");
        small = false;
    }
    for (int i = 0; i < FORCED_WAYS; i++) {
        const struct forced_way *way = &forced_ways[i];
        /* Only clone3() makes a child with a copy of the memory that shares the table. */
        bool shares = i < 2;

        test(&(struct job){.way = way, .small = small && shares}, "far descriptors");
        test(&(struct job){.way = way, .small = small && shares, .death_signal = SIGKILL}, "with a death signal");
        test(&(struct job){.way = way, .refused = SYS_pidfd_getfd}, "none may be fetched");
        test(&(struct job){.way = way, .refused = SYS_kcmp}, "tables may not be compared");
        test(&(struct job){.way = way, .own_table = true}, "the thread has a table of its own");
        if (geteuid() == 0) {
            test(&(struct job){.way = way, .flags = user, .small = small && i == 0}, "another user");
        }
    }
    return done();
}
