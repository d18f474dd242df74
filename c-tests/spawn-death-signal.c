/*
 * The death signal comes when the whole process ends that spawned the child, however it ends; and not when only the
 * thread ends that called qemu_spawn(), for which the kernel would send it. Nothing is there for it before it is used.
 */
#include <pthread.h>

#include "spawn.h"

static int threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    struct dirent *entry;
    int n = 0;

    while (folder && (entry = readdir(folder)) != NULL) {
        n += entry->d_name[0] != '.';
    }
    closedir(folder);
    return n;
}

/* What a process that is to die has spawned: its end is seen by the end of the file, for it alone has the other end. */
struct dying {
    int write_end;
    uint64_t flags;
    int death_signal;
    bool from_thread, after_fork;
    pid_t pid; /* out: the child's, if it is there */
    int error;
};

static QemuProcess *spawn_waiter(const struct dying *dying)
{
    const QemuSpawnFd list[] = {{dying->write_end, 3}};

    return qemu_spawn(ARGS(SELF, "pause"), OPTIONS(.fds = list, .n_fds = 1, .flags = dying->flags, .uid = 65534,
                                                   .death_signal = dying->death_signal), NULL);
}

static void *spawn_in_thread(void *arg)
{
    return spawn_waiter((const struct dying *)arg);
}

static void spawn_and_die(struct dying *dying)
{
    QemuProcess *process = NULL;
    pthread_t thread;

    if (dying->after_fork) {
        /* The thread that makes such children is there, and is not in the child of fork(). */
        if (qemu_spawn_sync(ARGS(SELF, "exit", "0"), OPTIONS(.death_signal = SIGKILL), -1, NULL, NULL) != 0) {
            _exit(1);
        }
        if (fork() != 0) {
            wait(NULL);
            _exit(0);
        }
    }
    if (dying->from_thread) {
        if (pthread_create(&thread, NULL, spawn_in_thread, dying) == 0) {
            pthread_join(thread, (void **)&process);
        }
    } else {
        process = spawn_waiter(dying);
    }
    dying->error = errno;
    dying->pid = process ? qemu_process_pid(process) : -1;
    if (process && (kill(dying->pid, 0) != 0 || qemu_process_wait(process, 5, NULL, NULL) != 0)) {
        dying->pid = -2;
    }
    kill(getpid(), SIGKILL);
}

/* Whether the child ends with its parent: only then does the pipe end. */
static void dies(struct dying how, const char *what)
{
    struct dying *dying = shared_memory(sizeof(*dying));
    int ends[2];
    char byte;
    pid_t pid;
    struct pollfd poll_fd;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    *dying = how;
    dying->write_end = ends[1];
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        spawn_and_die(dying);
    }
    close(ends[1]);
    wait_for(pid);
    if (!ok(dying->pid > 0, "%s: the child lives while its parent does", what)) {
        printf("# pid %d, %s\n", (int)dying->pid, strerror(dying->error));
    }
    poll_fd = (struct pollfd){ends[0], POLLIN, 0};
    /* A child that is not signalled lives for 100 seconds. */
    ok(poll(&poll_fd, 1, 60000) == 1 && read(ends[0], &byte, 1) == 0, "%s: and dies after it", what);
    close(ends[0]);
    munmap(dying, sizeof(*dying));
}

static void *spawn_here(void *arg)
{
    return must_spawn(ARGS(SELF, "cat"), (const QemuSpawnOptions *)arg);
}

static QemuProcess *in_thread(const QemuSpawnOptions *opts)
{
    pthread_t thread;
    void *process;

    if (pthread_create(&thread, NULL, spawn_here, (void *)(uintptr_t)opts) != 0) {
        bail("pthread_create");
    }
    pthread_join(thread, &process);
    return (QemuProcess *)process;
}

/* The thread has ended: its child must not have been signalled. It tells by what it still does. */
static void outlives_thread(void)
{
    QemuProcess *process = in_thread(OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT,
                                             .death_signal = SIGTERM));
    int in = qemu_process_take_fd(process, 0), out = qemu_process_take_fd(process, 1);
    char byte = 0;

    ok(write(in, "x", 1) == 1 && read(out, &byte, 1) == 1 && byte == 'x', "the thread has ended, its child lives");
    close(in);
    close(out);
    is_int(end_of(process), 0, "and ends by itself");
}

static void helper_thread(int before)
{
    char path[64];
    uint64_t mask = 0;
    DIR *folder;
    struct dirent *entry;
    int n = 0;

    is_int(threads(), before + 1, "there is one thread more now");
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "0"), OPTIONS(.death_signal = SIGHUP))), 0, "once more");
    is_int(threads(), before + 1, "it is the same for all");
    folder = opendir("/proc/self/task");
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != getpid()) {
            snprintf(path, sizeof(path), "/proc/self/task/%d/status", atoi(entry->d_name));
            n += read_status_set(path, "SigBlk", &mask);
        }
    }
    closedir(folder);
    ok(n == 1 && (mask & ALL_BLOCKABLE) == ALL_BLOCKABLE && !(mask & (BIT(32) | BIT(33))),
       "it takes no signal of the program's, and those of libc's");
}

static void errors(void)
{
    fails(ARGS("/nowhere"), OPTIONS(.death_signal = SIGTERM), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute '/nowhere': %");
    fails(ARGS(SELF), OPTIONS(.death_signal = SIGTERM, .cwd = "/nowhere"), ENOENT, QEMU_SPAWN_STEP_CWD,
          "cannot change directory to '/nowhere': %");
}

int main(int argc, char **argv)
{
    sigset_t set, old;
    char expected[128];
    int before;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    if (!proc_tells_masks()) {
        skip_all("/proc does not tell the threads of the program, but of an emulator");
    }
    signal(SIGPIPE, SIG_IGN); /* a child that is not there any more shall be told, not end the test */
    before = threads();
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "0"), NULL)), 0, "a child without a death signal");
    is_int(threads(), before, "needs no thread");
    outlives_thread();
    helper_thread(before);
    errors();

    dies((struct dying){.death_signal = SIGTERM}, "SIGTERM");
    dies((struct dying){.death_signal = SIGKILL, .from_thread = true}, "SIGKILL, spawned by a thread that is no more");
    dies((struct dying){.death_signal = SIGHUP, .after_fork = true}, "SIGHUP, after the program has forked");
    if (geteuid() == 0) {
        dies((struct dying){.death_signal = SIGTERM, .flags = QEMU_SPAWN_SET_UID}, "with another user");
    } else {
        skip("with another user", "only root can change it: run the tests as root");
    }

    /* The mask is the caller's, not that thread's. */
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &set, &old);
    snprintf(expected, sizeof(expected), "ignored %016llx blocked 0000000000000200\n",
             (unsigned long long)ignored_signals());
    is_str(output_of(ARGS(SELF, "signals"), OPTIONS(.signals = QEMU_SPAWN_SIGNALS_INHERIT, .death_signal = SIGTERM)),
           expected, "INHERIT: the mask of the thread that called");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    ok(!has_child(), "no child is left");
    return done();
}
