/*
 * The ways in: clone3(), clone() and fork(), each where a seccomp filter closes those before it, with EPERM as with
 * ENOSYS. Whatever the way is, a spawn does the same: descriptors, signals, pipes, errors, and nothing left behind.
 */
#include <pthread.h>
#include <sched.h>

#include "spawn.h"
#include "seccomp.h"

#ifdef EMULATED
#define FIRST_WAY NULL
#else
#define FIRST_WAY "clone3"
#endif

#ifdef __s390__
enum { FLAGS = 1 };
#else
enum { FLAGS = 0 };
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { LOW_HALF = 4 };
#else
enum { LOW_HALF = 0 };
#endif

enum { CLONE3 = 1, CLONE = 2, CLOSE_RANGE = 4, PIDFD = 8 };

/* Fails what makes a process that shares the memory, and leaves fork() and new threads alone. */
static void close_ways(int which, int error)
{
    static const unsigned pidfd_calls[] = {SYS_pidfd_open, SYS_pidfd_send_signal};
    const unsigned fail = SECCOMP_RET_ERRNO | (unsigned)error;
    struct sock_filter code[32];
    struct sock_fprog program = {0, code};

#define ADD(...) code[program.len++] = (struct sock_filter)__VA_ARGS__
#define FAIL_CALL(number) \
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(number), 0, 1)); \
    ADD(BPF_STMT(BPF_RET | BPF_K, fail))
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    if (which & CLONE3) {
        FAIL_CALL(SYS_clone3);
    }
    if (which & CLOSE_RANGE) {
        FAIL_CALL(SYS_close_range);
    }
    for (size_t i = 0; which & PIDFD && i < 2; i++) {
        FAIL_CALL(pidfd_calls[i]);
    }
    if (which & CLONE) {
#ifdef SYS_vfork
        FAIL_CALL(SYS_vfork);
#endif
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
        ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * FLAGS + LOW_HALF));
        ADD(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VFORK, 0, 1));
        ADD(BPF_STMT(BPF_RET | BPF_K, fail));
    }
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(97);
    }
}

struct battery {
    int closed, error;
    const char *way;       /* what qemu_process_way() must say; NULL: whatever */
    char wrong[2048];      /* out: what did not hold */
};

static struct battery *battery;

#define MUST(holds) (void)((holds) || note(#holds, __LINE__))

static bool note(const char *what, int line)
{
    size_t length = strlen(battery->wrong);

    snprintf(battery->wrong + length, sizeof(battery->wrong) - length, "# line %d: %.200s: %.200s\n", line, what,
             told.message);
    return false;
}

static void try_descriptors(void)
{
    QemuProcess *process;
    int in, out, fd = fcntl(STDIN_FILENO, F_DUPFD, 40);
    char text[4096] = "", byte = 0;
    const QemuSpawnFd swap[] = {{0, 40}, {40, 0}, {1, 5}};

    process = spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT));
    MUST(process);
    in = qemu_process_take_fd(process, 0);
    out = qemu_process_take_fd(process, 1);
    MUST(write(in, "x", 1) == 1 && read(out, &byte, 1) == 1 && byte == 'x');
    close(in);
    MUST(end_of(process) == 0);
    close(out);
    process = spawn(ARGS(SELF, "descriptors", in_folder("table")), OPTIONS(.fds = swap, .n_fds = 3));
    MUST(process && end_of(process) == 0);
    in = open(in_folder("table"), O_RDONLY | O_CLOEXEC);
    read_all(in, text, sizeof(text));
    close(in);
    MUST(strncmp(text, "0 is", 4) == 0 && strstr(text, "\n5 is") && strstr(text, "\n40 is") && !strstr(text, "\n3 is"));
    for (in = 0; strchr(text, '\n'); in++) {
        *strchr(text, '\n') = ' ';
    }
    MUST(in == 5);
    close(fd);
}

static void try_errors(void)
{
    char text[256];
    const QemuSpawnFd list[] = {{0, 50}};

    snprintf(text, sizeof(text), "cannot execute '/nowhere': %s", strerror(ENOENT));
    MUST(!spawn(ARGS("/nowhere"), NULL) && told.error == ENOENT && told.step == QEMU_SPAWN_STEP_EXEC);
    MUST(strcmp(told.message, text) == 0);
    MUST(!spawn(ARGS(SELF), OPTIONS(.cwd = "/nowhere", .fds = list, .n_fds = 1)) && told.step == QEMU_SPAWN_STEP_CWD);
    MUST(!spawn(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_SET_PGID, .pgid = 1)) && told.step == QEMU_SPAWN_STEP_GROUP);
    MUST(!has_child());
}

static void try_signals(void)
{
    char text[128];

    block_a_few();
    signal(SIGUSR1, SIG_IGN);
    MUST(strcmp(output_of(ARGS(SELF, "signals"), NULL), "ignored 0000000000000000 blocked 0000000000000000\n") == 0);
    snprintf(text, sizeof(text), "ignored %016llx blocked %016llx\n", (unsigned long long)ignored_signals(),
             (unsigned long long)own_mask());
    MUST(strcmp(output_of(ARGS(SELF, "signals"), OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT)), text) == 0);
}

static void try_handle(void)
{
    QemuProcessStatus status;
    QemuProcess *process = spawn(ARGS(SELF, "pause"), NULL);

    MUST(process);
    MUST(!battery->way || strcmp(qemu_process_way(process), battery->way) == 0);
    MUST(qemu_process_wait(process, 0, NULL, NULL) == 0 && qemu_process_wait(process, 2, NULL, NULL) == 0);
    MUST(qemu_process_kill(process, 0, NULL));
    MUST(qemu_process_stop(process, -1, &status, NULL) && status.term_signal == SIGTERM);
    MUST(!qemu_process_kill(process, SIGKILL, NULL) && errno == ESRCH);
    qemu_process_free(process);
    MUST(qemu_spawn_sync(ARGS(SELF, "exit", "3"), NULL, -1, &status, NULL) == 0 && status.exit_code == 3);
    MUST(qemu_spawn_sync(ARGS(SELF, "pause"), NULL, 2, &status, NULL) == -1 && errno == ETIMEDOUT);
    MUST(status.term_signal == SIGKILL);
}

static void try_fallback(void)
{
    char text[256];
    QemuProcess *process = spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_NO_FORK_FALLBACK));

    if (battery->way && strcmp(battery->way, "fork") == 0) {
        snprintf(text, sizeof(text), "cannot start a child process: %s (a seccomp filter may forbid it)",
                 strerror(battery->error));
        MUST(!process && told.step == QEMU_SPAWN_STEP_FORK && told.error == battery->error);
        MUST(strcmp(told.message, text) == 0);
    } else if (battery->way) {
        MUST(process);
    }
    if (process) {
        MUST(end_of(process) == 0);
    }
}

static void try_everything(void *arg)
{
    static struct state before, after;

    (void)arg;
    for (int fd = 3; fd < 1024; fd++) {
        close(fd);
    }
    close_ways(battery->closed, battery->error);
    look_at_state(&before);
    try_descriptors();
    try_errors();
    try_handle();
    try_fallback();
    look_at_state(&after);
    MUST(memcmp(&before, &after, sizeof(after)) == 0);
    MUST(!has_child());
    try_signals();
}

static void check_way(int closed, int error, const char *way, const char *what)
{
    struct ending ending;

    memset(battery, 0, sizeof(*battery));
    battery->closed = closed;
    battery->error = error;
    battery->way = way;
    ending = run_child(try_everything, NULL);
    exits_with(&ending, 0, what);
    if (!ok(!*battery->wrong, "%s: all is as it is without a filter", what)) {
        printf("%s", battery->wrong);
    }
}

/* It was open when the first child was made, and is closed later. */
static void close_later(void *arg)
{
    (void)arg;
    MUST(strcmp(output_of(ARGS(SELF, "cwd"), NULL), "") != 0);
    try_everything(NULL);
}

static bool hold;
static pid_t holder;

/* What another thread may do at the worst moment: this process has a copy of every descriptor, and keeps it. */
static void fork_a_holder(void)
{
    if (hold) {
        holder = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (holder == 0) {
            pause_for_ever();
        }
    }
}

static void with_holder(void *arg)
{
    QemuProcess *process;

    (void)arg;
    close_ways(CLONE3 | CLONE, ENOSYS);
    pthread_atfork(fork_a_holder, NULL, NULL);
    hold = true;
    process = spawn(ARGS(SELF, "exit", "6"), NULL);
    hold = false;
    MUST(process && holder > 0 && kill(holder, SIGKILL) == 0 && wait_for(holder) == SIGKILL);
    MUST(strcmp(qemu_process_way(process), "fork") == 0);
    MUST(end_of(process) == 6);
    hold = true;
    process = spawn(ARGS("/nowhere"), NULL);
    hold = false;
    MUST(kill(holder, SIGKILL) == 0 && wait_for(holder) == SIGKILL);
    MUST(!process && told.error == ENOENT && told.step == QEMU_SPAWN_STEP_EXEC);
    MUST(!has_child());
}

/* fork() needs pipes to hear of errors: with a full table that step is told. */
static void with_full_table(void *arg)
{
    struct rlimit limit = {64, 64};
    char text[128];

    (void)arg;
    close_ways(CLONE3 | CLONE, EPERM);
    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(STDIN_FILENO) != -1) {
    }
    snprintf(text, sizeof(text), "cannot start a child process: %s", strerror(EMFILE));
    for (int i = 0; i < 2; i++) {
        MUST(!spawn(ARGS(SELF, "exit", "0"), NULL) && told.error == EMFILE && told.step == QEMU_SPAWN_STEP_FORK);
        MUST(strcmp(told.message, text) == 0);
    }
    MUST(!has_child());
}

static void with_nothing(void *arg)
{
    const int error = *(const int *)arg;
    char text[256];

    seccomp_fail_fork(error);
    snprintf(text, sizeof(text), "cannot start a child process: %s (%s)", strerror(error),
             error == EAGAIN ? "there is a limit on processes" : "a seccomp filter may forbid it");
    MUST(!spawn(ARGS(SELF, "exit", "0"), NULL) && told.error == error && told.step == QEMU_SPAWN_STEP_FORK);
    MUST(strcmp(told.message, text) == 0);
    MUST(!has_child());
}

static void check(void (*body)(void *), void *arg, const char *what)
{
    struct ending ending;

    *battery->wrong = '\0';
    ending = run_child(body, arg);
    exits_with(&ending, 0, what);
    if (!ok(!*battery->wrong, "%s: it is as promised", what)) {
        printf("%s", battery->wrong);
    }
}

int main(int argc, char **argv)
{
    int error;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    need_seccomp();
    if (!proc_tells_masks()) {
        skip_all("/proc does not tell the signal masks of the program, but of an emulator");
    }
    make_folder();
    battery = shared_memory(sizeof(*battery));
    check_way(0, 0, FIRST_WAY, "nothing is closed");
    check_way(CLOSE_RANGE, ENOSYS, FIRST_WAY, "no close_range()");
    check_way(CLOSE_RANGE, EPERM, FIRST_WAY, "close_range() is forbidden");
    check_way(CLONE3, ENOSYS, "clone", "no clone3()");
    check_way(CLONE3, EPERM, "clone", "clone3() is forbidden");
    check_way(CLONE3 | CLOSE_RANGE, EPERM, "clone", "clone3() and close_range() are forbidden");
    check_way(CLONE3 | CLONE, ENOSYS, "fork", "only fork()");
    check_way(CLONE3 | CLONE | CLOSE_RANGE | PIDFD, EPERM, "fork", "only fork(), and no descriptor of a process");

    battery->closed = CLONE3 | CLONE;
    battery->error = EPERM;
    battery->way = "fork";
    check(close_later, NULL, "closed after the first spawn");
    check(with_holder, NULL, "another process holds the pipes of fork() open");
    check(with_full_table, NULL, "fork() and a full table");
    error = EPERM;
    check(with_nothing, &error, "no way at all: EPERM");
    error = EAGAIN;
    check(with_nothing, &error, "no way at all: EAGAIN");
    return done();
}
