/*
 * The child gets its death signal when the program ends, however that ends, and not when the thread that spawned it
 * ends. The kernel sends the signal when the thread that made the child ends. So for a thread that is not the main
 * thread, a helper thread of the library makes the child, and lives as long as the child.
 *
 * SPDX-License-Identifier: MIT
 */
#include "handle.h"

enum { NOBODY = 65534 };

/* ---- in the program that was spawned ---- */

static void tell_and_exit(int signum)
{
    const char byte = signum == SIGUSR1 ? 'd' : '?';

    _exit(write(STDOUT_FILENO, &byte, 1) == 1 ? 0 : 1);
}

/* Says "r" when it is ready and "d" when it gets the signal. */
static int wait_for_death(void)
{
    int signum = 0;

    signal(SIGUSR1, tell_and_exit);
    put_byte(STDOUT_FILENO, prctl(PR_GET_PDEATHSIG, &signum) == 0 && signum == SIGUSR1 ? 'r' : 'x');
    pause_for_ever();
}

/* ---- in the test ---- */

struct thread {
    QemuSpawnOptions opts;
    QemuProcess *process;
    int in, out;
    pid_t tid;
};

static void *spawn_and_end(void *arg)
{
    struct thread *self = arg;

    self->tid = (pid_t)syscall(SYS_gettid);
    self->process = must_spawn(ARGS(SELF, "cat"), &self->opts);
    self->in = qemu_process_take_fd(self->process, STDIN_FILENO);
    self->out = qemu_process_take_fd(self->process, STDOUT_FILENO);
    return NULL;
}

static void *spawn_without_taking(void *arg)
{
    struct thread *self = arg;

    self->tid = (pid_t)syscall(SYS_gettid);
    self->process = must_spawn(ARGS(SELF, "cat"), &self->opts);
    return NULL;
}

/* pthread_join() returns a moment before the kernel has ended the thread and would send the signal. */
static void await_end_of_task(pid_t tid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/task/%d", (int)tid);
    while (access(path, F_OK) == 0) {
        yield_a_moment();
    }
}

static void test_thread_ends(void)
{
    struct thread self = {.opts = *OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT,
                                           .death_signal = SIGKILL)};
    pthread_t thread;

    if (pthread_create(&thread, NULL, spawn_and_end, &self) != 0) {
        bail("pthread_create");
    }
    pthread_join(thread, NULL);
    await_end_of_task(self.tid);
    (void)!write(self.in, "x", 1);
    is_int(get_byte(self.out), 'x', "the thread that spawned it has ended, and the child lives");
    close(self.in);
    close(self.out);
    is_int(end_of(self.process), 0, "it ends by itself");
}

/* Spawns a cat in a thread that ends. */
static QemuProcess *spawn_in_thread(void)
{
    struct thread self = {.opts = *OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN, .death_signal = SIGTERM)};
    pthread_t thread;

    if (pthread_create(&thread, NULL, spawn_without_taking, &self) != 0) {
        bail("pthread_create");
    }
    pthread_join(thread, NULL);
    await_end_of_task(self.tid);
    return self.process;
}

/* Lets a cat end; its exit status. */
static int stop_cat(QemuProcess *process)
{
    close(qemu_process_take_fd(process, STDIN_FILENO));
    return end_of(process);
}

struct middle {
    int to_test;
    const QemuSpawnOptions *opts;
    bool forks;
};

/* Spawns a child that gets a signal when this process ends, and waits for that end. */
static void be_the_middle(const struct middle *middle)
{
    QemuSpawnOptions opts = *middle->opts;
    const QemuSpawnFd map[] = {{middle->to_test, STDOUT_FILENO}};

    if (middle->forks) {
        /* The program forks while the library has a helper thread, which the forked process does not have. */
        QemuProcess *process = spawn_in_thread();
        pid_t pid = fork();

        if (pid > 0) {
            _exit(wait_for(pid) == 0 ? 0 : 1);
        }
        qemu_process_free(process);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    }
    opts.death_signal = SIGUSR1;
    opts.fds = map;
    opts.n_fds = 1;
    if (!qemu_spawn(ARGS(SELF, "wait-for-death"), &opts, NULL)) {
        put_byte(middle->to_test, '-');
        _exit(1);
    }
    close(middle->to_test);
    pause_for_ever();
}

static void test_parent_dies(const QemuSpawnOptions *opts, bool forks, const char *what)
{
    struct middle middle = {.opts = opts, .forks = forks};
    int ends[2];
    char told_first;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        close(ends[0]);
        middle.to_test = ends[1];
        be_the_middle(&middle);
    }
    close(ends[1]);
    told_first = get_byte(ends[0]);
    is_int(told_first, 'r', what);
    ok(kill(pid, SIGKILL) == 0, "the parent is killed");
    (void)wait_for(pid);
    if (told_first == 'r') {
        is_int(get_byte(ends[0]), 'd', "the child gets the signal");
    }
    close(ends[0]);
}

static void test_existence(void)
{
    int before = count_threads();
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "0"), NULL);

    end_of(process);
    is_int(count_threads(), before, "an ordinary spawn starts no thread");
    process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN, .death_signal = SIGTERM));
    is_int(count_threads(), before, "nor does one with a death signal in the main thread");
    is_int(stop_cat(process), 0, "and the child ends by itself");
    process = spawn_in_thread();
    is_int(count_threads(), before + 1, "in another thread it does");
    is_int(stop_cat(process), 0, "the child ends by itself");
    while (count_threads() != before) {
        yield_a_moment();
    }
    ok(true, "and the thread with it");
    ok(!child_is_left(), "no child is left");
}

static void test_errors(void)
{
    QemuProcess *process = spawn(ARGS("/nowhere/at/all"), OPTIONS(.death_signal = SIGTERM));

    ok(!process && told.error == ENOENT && told.step == QEMU_SPAWN_STEP_EXEC, "its errors are the same: %s",
       told.message);
    ok(!child_is_left(), "nothing is left");
    process = spawn(ARGS(SELF), OPTIONS(.death_signal = NSIG + 1));
    ok(!process && told.error == EINVAL && told.step == QEMU_SPAWN_STEP_ARGUMENTS, "no such signal: %s", told.message);
    process = spawn(ARGS(SELF), OPTIONS(.death_signal = -1));
    ok(!process && told.error == EINVAL && told.step == QEMU_SPAWN_STEP_ARGUMENTS, "a negative one: %s", told.message);
}

/* setuid() makes every thread change its user, the library's helper too, and waits for all of them. */
static void change_user(void *arg)
{
    char path[64];
    DIR *tasks;
    struct dirent *entry;
    int others = 0, before;
    QemuProcess *process;

    (void)arg;
    process = spawn_in_thread();
    before = count_threads();
    alarm(net_seconds());
    if (before != 2 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0) {
        exit(1);
    }
    tasks = opendir("/proc/self/task");
    while (tasks && (entry = readdir(tasks)) != NULL) {
        struct stat status;
        char text[2048];
        int fd;

        snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &status) != 0) {
            continue;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC);
        read_all(fd, text, sizeof(text));
        close(fd);
        others += !strstr(text, "\nUid:\t65534\t65534\t65534\t65534\n");
    }
    if (stop_cat(process) != 0) {
        exit(3);
    }
    exit(others == 0 && tasks ? 0 : 2);
}

int main(int argc, char **argv)
{
    QemuSpawnOptions as_nobody = *OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID, .uid = NOBODY,
                                          .gid = NOBODY);
    struct ending ending;
    QemuProcess *process;

    if (argc > 1) {
        return strcmp(argv[1], "wait-for-death") == 0 ? wait_for_death() : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    /* A process that loses its parent then becomes a child of this process. */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (IS_EMULATED) {
        skip("the number of threads", "the emulator has threads of its own");
    } else {
        test_existence();
    }
    test_thread_ends();
    test_errors();
    test_parent_dies(OPTIONS(.flags = 0), false, "a child with a death signal is ready");
    test_parent_dies(OPTIONS(.flags = QEMU_SPAWN_SETSID), false, "one in a session of its own");
    if (IS_EMULATED) {
        skip("one whose parent was forked when it had spawned another",
             "the emulator fails in a child that has threads");
    } else {
        test_parent_dies(OPTIONS(.flags = 0), true, "one whose parent was forked when it had spawned another");
    }
    if (geteuid() != 0) {
        skip("a child that changes its user", "only root can");
        skip("the program changes its user", "only root can");
        return done();
    }
    process = spawn(ARGS(SELF, "exit", "0"), &as_nobody);
    if (process && end_of(process) == 0) {
        test_parent_dies(&as_nobody, false, "one that changes its user");
    } else {
        skip("a child that changes its user", "another user may not read where this program is");
    }
    if (IS_EMULATED) {
        skip("the program changes its user, with all its threads", "the emulator has threads of its own, which do not");
        return done();
    }
    ending = run_child(change_user, NULL);
    exits_with(&ending, 0, "the program changes its user, with all its threads");
    return done();
}
