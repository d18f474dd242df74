/*
 * Programs that change themselves: namespaces, PID 1, filters of one thread, thousands of descriptors, a full table, no
 * /proc, another user. A spawn works in each of these situations, with each kind of options, in each way, and the
 * program has the attributes of the calling thread. Each of these spawns is in a process of its own, which must come to
 * its end.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/mount.h>

#include "another-user.h"
#include "supervisor.h"
#include "watched.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

enum { OK = 7, HIGH = 300, MANY = 19800, ROOM = 48, SLACK_NS = 123456, BEST_EFFORT_7 = 2 << 13 | 7 };

/* ---- the kinds of options ---- */

enum option { PLAIN, LEAVE, DEATH, DEATH_OF_THREAD, USER, PIPES, LIMIT, OPTIONS_N };

static const char *const option_names[OPTIONS_N] = {
    "no options", "LEAVE_FDS", "a death signal", "a death signal from another thread", "SET_UID", "pipes",
    "sync with a limit",
};

/* ---- the situations ---- */

struct cell {
    const struct situation *situation;
    const struct forced_way *way;
    enum option option;
};

static const struct situation {
    const char *name;
    /* Changes the calling thread or its process. False: this system cannot do that. */
    bool (*set_up)(const struct cell *cell);
    /* In the program: 0 if it finds what it should. */
    int (*check)(enum option option);
    /* Whether the set-up is for the thread that spawns, and not for the process. */
    bool of_thread;
    /* With these options the kernel may not allow it. Then the spawn fails at this step. */
    struct {
        enum option option;
        QemuSpawnStep step;
        int error;
    } fails;
    /* No trial child may be made, so that a kernel without clone3() makes a copy. */
    bool no_trial;
} situations[20];

static char program[PATH_MAX];

static bool no_change(const struct cell *cell)
{
    (void)cell;
    return true;
}

static int nothing(enum option option)
{
    (void)option;
    return 0;
}

static bool first_of_namespace(const struct cell *cell)
{
    (void)cell;
    return unshare(CLONE_NEWPID) == 0;
}

static int is_first(enum option option)
{
    (void)option;
    return getpid() == 1 ? 0 : 1;
}

/* From here on this function's caller is the first process of a namespace. */
static bool become_first(void)
{
    int status;
    pid_t pid;

    if (unshare(CLONE_NEWPID) != 0) {
        return false;
    }
    pid = fork();
    if (pid == -1) {
        return false;
    }
    if (pid > 0) {
        status = wait_for(pid);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 90);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return true;
}

static bool own_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool first_process(const struct cell *cell)
{
    (void)cell;
    return own_mounts() && become_first() && mount("proc", "/proc", "proc", 0, NULL) == 0;
}

static int parent_is_first(enum option option)
{
    (void)option;
    return getppid() == 1 ? 0 : 1;
}

static bool foreign_proc(const struct cell *cell)
{
    (void)cell;
    return become_first();
}

static bool first_in_first(const struct cell *cell)
{
    return first_process(cell) && unshare(CLONE_NEWPID) == 0;
}

/* Two that a program must not get. */
static bool open_two(void)
{
    int fd = open("/dev/null", O_RDWR);

    return fd > 2 && dup2(fd, HIGH) == HIGH;
}

/* The program has no descriptor that it must not have. */
static int has_three(enum option option)
{
    int others = 0;

    for (int fd = 3; fd < 1024; fd++) {
        others += fcntl(fd, F_GETFD) != -1;
    }
    return option == LEAVE || others == 0 ? 0 : 1;
}

static bool no_proc(const struct cell *cell)
{
    (void)cell;
    return own_mounts() && mount("none", "/proc", "tmpfs", 0, "") == 0 && open_two();
}

static bool no_proc_no_range(const struct cell *cell)
{
    return no_proc(cell) && forbid(NO_CLOSE_RANGE, ENOSYS) && is_forbidden(NO_CLOSE_RANGE, ENOSYS);
}

static bool many_descriptors(const struct cell *cell)
{
    const struct rlimit limit = {MANY + 100, MANY + 100};
    int fd;

    (void)cell;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    do {
        fd = open("/dev/null", O_RDONLY | (cell->option == LEAVE ? O_CLOEXEC : 0));
    } while (fd >= 0 && fd < MANY);
    return fd >= 0;
}

static bool full_table(const struct cell *cell)
{
    const struct rlimit limit = {ROOM, ROOM};

    (void)cell;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    while (open("/dev/null", O_RDWR | O_CLOEXEC) >= 0) {
    }
    return errno == EMFILE;
}

static bool lowered_limit(const struct cell *cell)
{
    const struct rlimit limit = {ROOM, ROOM};

    (void)cell;
    return open_two() && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool stdio_with_cloexec(const struct cell *cell)
{
    (void)cell;
    return fcntl(0, F_SETFD, FD_CLOEXEC) == 0 && fcntl(1, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(2, F_SETFD, FD_CLOEXEC) == 0;
}

static int has_stdio(enum option option)
{
    (void)option;
    return fcntl(0, F_GETFD) == 0 && fcntl(1, F_GETFD) == 0 && fcntl(2, F_GETFD) == 0 ? 0 : 1;
}

static bool own_folder(const struct cell *cell)
{
    (void)cell;
    if (unshare(CLONE_FS) != 0 || chdir(folder) != 0) {
        return false;
    }
    umask(0123);
    return true;
}

static int is_in_folder(enum option option)
{
    struct stat here, there;

    (void)option;
    if (stat(".", &here) != 0 || stat(getenv("EXPECTED_FOLDER"), &there) != 0) {
        return 2;
    }
    return here.st_ino == there.st_ino && here.st_dev == there.st_dev && umask(0) == 0123 ? 0 : 1;
}

static bool own_table(const struct cell *cell)
{
    (void)cell;
    return unshare(CLONE_FILES) == 0 && open_two();
}

static void read_link(const char *path, char *text, size_t size)
{
    ssize_t n = readlink(path, text, size - 1);

    text[n < 0 ? 0 : n] = '\0';
}

/* Older kernels let no child that moves into another time namespace share its parent's memory. */
static bool no_sharing;

static bool new_time(const struct cell *cell)
{
    char text[64];
    pid_t pid;

    (void)cell;
    if (unshare(CLONE_NEWTIME) != 0) {
        return false;
    }
    pid = vfork();
    if (pid == 0) {
        _exit(0);
    }
    no_sharing = pid == -1 && errno == EINVAL;
    if (!no_sharing && wait_for(pid) != 0) {
        return false;
    }
    read_link("/proc/thread-self/ns/time_for_children", text, sizeof(text));
    return setenv("EXPECTED_TIME", text, 1) == 0;
}

static int has_new_time(enum option option)
{
    char text[64];

    (void)option;
    read_link("/proc/self/ns/time", text, sizeof(text));
    return strcmp(text, getenv("EXPECTED_TIME")) == 0 ? 0 : 1;
}

static bool priorities(const struct cell *cell)
{
    (void)cell;
    return syscall(SYS_ioprio_set, 1, 0, BEST_EFFORT_7) == 0 && prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0) == 0 &&
           setpriority(PRIO_PROCESS, 0, 5) == 0;
}

static int has_priorities(enum option option)
{
    (void)option;
    return (syscall(SYS_ioprio_get, 1, 0) == BEST_EFFORT_7 ? 0 : 1) |
           (prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == SLACK_NS ? 0 : 2) | (getpriority(PRIO_PROCESS, 0) == 5 ? 0 : 4);
}

enum { JOIN_SESSION_KEYRING = 1, GET_KEYRING_ID = 0, SESSION_KEYRING = -3 };

static bool own_keyring(const struct cell *cell)
{
    char text[32];
    long id = syscall(SYS_keyctl, JOIN_SESSION_KEYRING, "qemu-fork-test");

    (void)cell;
    snprintf(text, sizeof(text), "%ld", id);
    /* It is the caller's session keyring that the program finds, and it may find it as another user. */
    return id > 0 && syscall(SYS_keyctl, 5 /* KEYCTL_SETPERM */, id, 0x3f3f3f3f) == 0 &&
           setenv("EXPECTED_KEYRING", text, 1) == 0;
}

static int has_keyring(enum option option)
{
    (void)option;
    return syscall(SYS_keyctl, GET_KEYRING_ID, SESSION_KEYRING, 0) == atol(getenv("EXPECTED_KEYRING")) ? 0 : 1;
}

/* ---- other threads ---- */

static void *spawn_in_sandbox(void *arg)
{
    QemuProcess *process;

    (void)arg;
    seccomp_fail_fork(EPERM);
    process = spawn(ARGS(program, "exit", "0"), NULL);
    if (process || told.error != EPERM) {
        _exit(91);
    }
    return NULL;
}

/* A thread has put itself into a sandbox, and has tried to spawn. */
static bool sandboxed_thread(const struct cell *cell)
{
    pthread_t thread;

    (void)cell;
    return pthread_create(&thread, NULL, spawn_in_sandbox, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static struct {
    int listener;
    pthread_t thread;
} hung = {.listener = -1};

static QemuSpawnOptions options_for(enum option option)
{
    QemuSpawnOptions opts = {.size = sizeof(opts)};

    switch (option) {
    case LEAVE:
        opts.flags = QEMU_SPAWN_LEAVE_FDS | QEMU_SPAWN_NULL_STDOUT;
        break;
    case DEATH:
    case DEATH_OF_THREAD:
        opts.death_signal = SIGKILL;
        break;
    case USER:
        /* In a user namespace where nobody may set groups, they can only stay. */
        opts.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID | QEMU_SPAWN_KEEP_GROUPS;
        opts.uid = opts.gid = NOBODY;
        break;
    case PIPES:
        opts.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT | QEMU_SPAWN_MERGE_STDERR;
        break;
    default:
        break;
    }
    return opts;
}

static void *spawn_one_that_hangs(void *arg)
{
    static const long number = SYS_execve;
    const struct cell *cell = arg;
    QemuSpawnOptions opts = options_for(cell->option);
    int listener = ask_supervisor(&number, 1);

    if (listener == -1) {
        _exit(FOREIGN);
    }
    __atomic_store_n(&hung.listener, listener, __ATOMIC_SEQ_CST);
    qemu_process_free(qemu_spawn(ARGS("/slow/program"), &opts, NULL));
    return NULL;
}

/* Another thread's spawn hangs in exec, as on a dead file server, until the end of this cell. */
static bool hanging_spawn(const struct cell *cell)
{
    struct pollfd listener = {-1, POLLIN, 0};

    if (pthread_create(&hung.thread, NULL, spawn_one_that_hangs, (void *)(uintptr_t)cell) != 0) {
        return false;
    }
    while ((listener.fd = __atomic_load_n(&hung.listener, __ATOMIC_SEQ_CST)) == -1) {
        yield_a_moment();
    }
    return poll(&listener, 1, -1) == 1;
}

static void end_hanging_spawn(void)
{
    if (hung.listener != -1) {
        struct seccomp_notif call;

        if (next_call(hung.listener, &call)) {
            fail_call(hung.listener, &call, EIO);
        }
        pthread_join(hung.thread, NULL);
    }
}

/* ---- who the process is ---- */

static bool another_user(const struct cell *cell)
{
    (void)cell;
    become(NOBODY);
    return true;
}

static int is_nobody(enum option option)
{
    (void)option;
    return getuid() == NOBODY && geteuid() == NOBODY ? 0 : 1;
}

static bool user_namespace(const struct cell *cell)
{
    (void)cell;
    return unshare(CLONE_NEWUSER) == 0;
}

static const struct situation situations[20] = {
    {"nothing is special", no_change, nothing, false, {0}, false},
    {"the first process of a PID namespace is spawned", first_of_namespace, is_first, true,
     {DEATH_OF_THREAD, QEMU_SPAWN_STEP_DEATH_SIGNAL, THREAD_REFUSED}, true},
    {"the caller is PID 1", first_process, parent_is_first, false, {0}, false},
    {"/proc is that of another PID namespace", foreign_proc, parent_is_first, false, {0}, false},
    {"a PID 1 spawns another", first_in_first, is_first, false,
     {DEATH_OF_THREAD, QEMU_SPAWN_STEP_DEATH_SIGNAL, THREAD_REFUSED}, true},
    {"there is no /proc", no_proc, has_three, false, {0}, false},
    {"there is neither /proc nor close_range()", no_proc_no_range, has_three, false, {0}, false},
    {"thousands of descriptors are open", many_descriptors, has_three, false, {0}, false},
    {"the table of descriptors is full", full_table, has_three, false,
     {PIPES, QEMU_SPAWN_STEP_PIPE, EMFILE}, false},
    {"descriptors are open beyond the limit", lowered_limit, has_three, false, {0}, false},
    {"stdin, stdout and stderr have FD_CLOEXEC", stdio_with_cloexec, has_stdio, false, {0}, false},
    {"the thread has a working directory of its own", own_folder, is_in_folder, true, {0}, false},
    {"the thread has descriptors of its own", own_table, has_three, true, {0}, false},
    {"the children's time namespace is another", new_time, has_new_time, true,
     {DEATH_OF_THREAD, QEMU_SPAWN_STEP_DEATH_SIGNAL, THREAD_REFUSED}, false},
    {"the thread has its own priorities", priorities, has_priorities, true, {0}, false},
    {"the session keyring is a new one", own_keyring, has_keyring, true, {0}, false},
    {"another thread has a filter against new processes", sandboxed_thread, nothing, false, {0}, false},
    {"another thread's spawn hangs in exec", hanging_spawn, nothing, false, {0}, false},
    {"the process has become another user", another_user, is_nobody, false, {0}, false},
    {"the process is in a new user namespace", user_namespace, nothing, false,
     {USER, QEMU_SPAWN_STEP_CREDENTIALS, EINVAL}, false},
};

enum { SITUATIONS = sizeof(situations) / sizeof(*situations) };

/* ---- one spawn ---- */

/* In the program. */
static int check_here(char **argv)
{
    int situation = atoi(argv[2]), option = atoi(argv[3]);

    return situations[situation].check((enum option)option) == 0 ? OK : 1;
}

static void expect_handle(const struct cell *cell, QemuProcess *process, const char *way)
{
    bool may_fail = cell->situation->fails.step == told.step && cell->situation->fails.option == cell->option &&
                    cell->situation->fails.error == told.error;

    if (!process && may_fail) {
        return;
    }
    if (!process) {
        tell("step %d, \"%s\"\n", (int)told.step, told.message);
    } else if (strcmp(qemu_process_way(process), way) != 0) {
        tell("the way is %s and not %s\n", qemu_process_way(process), way);
    }
}

static void spawn_as(const struct cell *cell)
{
    char situation[8], option[8];
    const char *const argv[] = {program, "check", situation, option, NULL};
    QemuSpawnOptions opts = options_for(cell->option);
    bool by_clone3 = LIBRARY_HAS_CLONE3 && cell->way == &forced_ways[0];
    bool copies = cell->option == USER || no_sharing || (cell->situation->no_trial && !by_clone3);
    const struct forced_way *best = !LIBRARY_HAS_CLONE3 && cell->way == &forced_ways[0] ? &forced_ways[1] : cell->way;
    const char *way = copies ? "fork" : best->name;
    QemuProcess *process;
    int end, fd;

    snprintf(situation, sizeof(situation), "%d", (int)(cell->situation - situations));
    snprintf(option, sizeof(option), "%d", (int)cell->option);
    if (cell->option == LIMIT) {
        QemuProcessStatus status = {.exit_code = -1};
        Error *err = NULL;

        if (qemu_spawn_sync(argv, &opts, 600000, &status, &err) != 0 || ending_of(&status) != OK) {
            tell("%s, ended %d\n", err ? error_get_pretty(err) : "no error", ending_of(&status));
        }
        error_free(err);
        return;
    }
    process = spawn(argv, &opts);
    progress();
    expect_handle(cell, process, way);
    if (!process) {
        return;
    }
    if (cell->option == PIPES) {
        char text[64];

        fd = qemu_process_take_fd(process, STDOUT_FILENO);
        read_all(fd, text, sizeof(text));
        close(fd);
    }
    end = end_of(process);
    if (end != OK) {
        tell("the program does not find what it should: it ended with %d\n", end);
    }
}

static void *spawn_in_thread(void *arg)
{
    const struct cell *cell = arg;

    if (cell->situation->of_thread && !cell->situation->set_up(cell)) {
        _exit(FOREIGN);
    }
    progress();
    force_way(cell->way);
    progress();
    spawn_as(cell);
    return NULL;
}

static void run_cell(void *arg)
{
    const struct cell *cell = arg;
    bool in_thread = cell->option == DEATH_OF_THREAD;
    pthread_t thread;

    /* After some of the changes the kernel refuses new threads. */
    if (!(in_thread && cell->situation->of_thread) && !cell->situation->set_up(cell)) {
        _exit(FOREIGN);
    }
    if (!in_thread) {
        progress();
        force_way(cell->way);
        progress();
        spawn_as(cell);
    } else if (pthread_create(&thread, NULL, spawn_in_thread, arg) == 0) {
        pthread_join(thread, NULL);
    } else if (cell->situation->set_up != first_in_first) {
        tell("no thread: %s\n", strerror(errno));
    }
    progress();
    end_hanging_spawn();
    /* A child that failed may be reaped by a later call. */
    for (int i = 0; i < 1000 && has_child(); i++) {
        spawn(ARGS("/nowhere"), NULL);
        yield_a_moment();
    }
    if (has_child()) {
        tell("a child is left\n");
    }
}

static void test(const struct cell *cell)
{
    char what[256];

    snprintf(what, sizeof(what), "%s: %s; the best way open is %s", cell->situation->name,
             option_names[cell->option], cell->way->name);
    if (run_watched(run_cell, (void *)(uintptr_t)cell, what)) {
        is_str(watched->words, "", "it works");
    }
}

/* Whether this system can do what the situation needs. */
static bool is_possible(const struct situation *situation)
{
    const struct cell cell = {situation, &forced_ways[0], PLAIN};
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        bool possible = situation->set_up(&cell);

        end_hanging_spawn();
        _exit(possible ? 0 : FOREIGN);
    }
    status = wait_for(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == FOREIGN) {
        skip(situation->name, "this system cannot do it");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "check") == 0) {
        return check_here(argv);
    }
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    need_root();
    need_forced_ways();
    make_folder();
    copy_library();
    snprintf(program, sizeof(program), "%s", copy_self("program", NOBODY));
    setenv("EXPECTED_FOLDER", folder, 1);
    watched = shared_memory(sizeof(*watched));
    for (int i = 0; i < SITUATIONS; i++) {
        if (!is_possible(&situations[i])) {
            continue;
        }
        for (int option = 0; option < OPTIONS_N; option++) {
            for (int way = 0; way < FORCED_WAYS; way++) {
                test(&(struct cell){&situations[i], &forced_ways[way], (enum option)option});
            }
        }
    }
    return done();
}
