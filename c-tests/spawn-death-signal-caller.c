/*
 * A child with a death signal has the calling thread's user, nice value, filters, privileges and CPUs, not those of an
 * earlier moment or of another thread. The library's helper thread ends with the child. So it does not keep the program
 * from entering a user namespace, or from ending with its last thread. The main thread needs no helper. A parent
 * outside the child's PID namespace does not count as ended.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "forced-ways.h"
#include "watched.h"

enum { NICE = 7 };

/* ---- in the program that was spawned ---- */

static int tell_caller(void)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC), cpus = 0;
    const char *seccomp;
    cpu_set_t set;

    read_all(fd, text, sizeof(text));
    close(fd);
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    cpus = CPU_COUNT(&set);
    seccomp = strstr(text, "\nSeccomp:\t");
    printf("uid %d nice %d no_new_privs %d seccomp %c cpus %d\n", (int)getuid(), getpriority(PRIO_PROCESS, 0),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), seccomp ? seccomp[10] : '?', cpus);
    return fflush(stdout) == 0 ? 0 : 98;
}

/* ---- in the test ---- */

/* Waits until there are no more than that. Ends the test if that never happens. */
static void await_threads(int count)
{
    while (count_threads() > count) {
        yield_a_moment();
    }
}

static QemuProcess *spawn_mortal(const char *what, const char *how)
{
    QemuProcess *process = spawn(ARGS(SELF, what, how), OPTIONS(.death_signal = SIGKILL));

    if (!process) {
        tell("%s (errno %d, step %d)\n", told.message, told.error, (int)told.step);
        _exit(1);
    }
    return process;
}

static void *spawn_in_thread(void *arg)
{
    end_of(spawn_mortal("exit", "0"));
    return arg;
}

static void in_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, arg) != 0 || pthread_join(thread, NULL) != 0) {
        _exit(96);
    }
}

/* Changes this thread alone: the kernel's calls change one thread, libc's the whole process. */
static void *spawn_as_changed(void *arg)
{
    struct sock_filter code[] = {ANSWER(SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, code};
    cpu_set_t one;
    int cpu = sched_getcpu();

    CPU_ZERO(&one);
    CPU_SET(cpu < 0 ? 0 : cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0 ||
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ||
        syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) != 0) {
        _exit(95);
    }
    tell("%s", output_of(ARGS(SELF, "caller"), OPTIONS(.death_signal = SIGKILL)));
    return arg;
}

static void thread_is_changed(void *way)
{
    force_way(way);
    in_thread(spawn_in_thread, NULL); /* there has been such a child before */
    progress();
    in_thread(spawn_as_changed, NULL);
}

static void program_is_changed(void *way)
{
    struct sock_filter code[] = {ANSWER(SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, code};

    in_thread(spawn_in_thread, NULL);
    force_way(way);
    progress();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ||
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE) != 0) {
        _exit(95);
    }
    tell("%s", output_of(ARGS(SELF, "caller"), OPTIONS(.death_signal = SIGKILL)));
}

static void main_thread_needs_none(void *way)
{
    int before = count_threads();
    QemuProcess *process;

    force_way(way);
    process = spawn_mortal("pause", "");
    progress();
    tell("%d more threads\n", count_threads() - before);
    qemu_process_stop(process, 0, NULL, NULL);
    qemu_process_free(process);
}

static void helper_ends(void *way)
{
    int before = count_threads();

    force_way(way);
    in_thread(spawn_in_thread, NULL);
    progress();
    await_threads(before);
}

static void enter_user_namespace(void *way)
{
    int before = count_threads();

    force_way(way);
    end_of(spawn_mortal("exit", "0"));
    progress();
    in_thread(spawn_in_thread, NULL);
    progress();
    await_threads(before);
    if (unshare(CLONE_NEWUSER) != 0) {
        tell("unshare: %s\n", strerror(errno));
    }
}

static void *exit_late(void *arg)
{
    spawn_in_thread(NULL);
    watched->finished = true;
    return arg; /* the last thread of the program's own */
}

static void last_thread_ends(void *way)
{
    pthread_t thread;

    force_way(way);
    end_of(spawn_mortal("exit", "0"));
    if (pthread_create(&thread, NULL, exit_late, NULL) != 0) {
        _exit(96);
    }
    pthread_exit(NULL);
}

/* The first process of the namespace, whose parent is outside: getppid() is 0 there. */
static void in_pid_namespace(void *way)
{
    force_way(way);
    if (unshare(CLONE_NEWPID) != 0) {
        _exit(95);
    }
    tell("ended %d\n", end_of(spawn_mortal("exit", "5")));
}

/* A thread whose children are in another namespace can make no thread, and the library none for it. */
static void *spawn_refused(void *arg)
{
    QemuProcess *process;

    if (unshare(CLONE_NEWPID) != 0) {
        _exit(95);
    }
    process = spawn(ARGS(SELF, "exit", "5"), OPTIONS(.death_signal = SIGKILL));
    tell("%s, errno %d, step %d\n", process ? "a handle" : "none", process ? 0 : told.error, (int)told.step);
    if (process) {
        end_of(process);
    }
    return arg;
}

static void thread_in_pid_namespace(void *way)
{
    force_way(way);
    in_thread(spawn_refused, NULL);
}

/* ---- */

static void test(void (*body)(void *), const struct forced_way *way, const char *what, const char *expected)
{
    char name[128];

    snprintf(name, sizeof(name), "%s; the best way open is %s", what, way->name);
    if (run_watched(body, (void *)(uintptr_t)way, name)) {
        is_str(watched->words, expected, "what it tells");
    }
}

/* Whether a process may do this in a namespace of its own. */
static bool may_unshare(int what)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        _exit(unshare(what) == 0 ? 0 : 1);
    }
    return pid > 0 && wait_for(pid) == 0;
}

int main(int argc, char **argv)
{
    char changed[128], all[128];
    cpu_set_t set;

    if (argc > 1) {
        return strcmp(argv[1], "caller") == 0 ? tell_caller() : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    prepare_for_another_user();
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    snprintf(changed, sizeof(changed), "uid %d nice %d no_new_privs 1 seccomp 2 cpus 1\n", NOBODY, NICE);
    snprintf(all, sizeof(all), "uid 0 nice %d no_new_privs 1 seccomp 2 cpus %d\n", NICE, CPU_COUNT(&set));
    for (int i = 0; i < FORCED_WAYS; i++) {
        const struct forced_way *way = &forced_ways[i];

        test(thread_is_changed, way, "a thread has changed itself", changed);
        test(program_is_changed, way, "the program has changed itself", all);
        test(main_thread_needs_none, way, "the main thread spawns", "0 more threads\n");
        test(helper_ends, way, "the child has ended: no thread is left", "");
        test(last_thread_ends, way, "the program's last thread ends", "");
        if (may_unshare(CLONE_NEWUSER)) {
            test(enter_user_namespace, way, "the child has ended: the program enters a user namespace", "");
        } else {
            skip("a user namespace", "this process may not make one");
        }
        if (may_unshare(CLONE_NEWPID)) {
            char expected[64];

            snprintf(expected, sizeof(expected), "none, errno %d, step %d\n", THREAD_REFUSED,
                     QEMU_SPAWN_STEP_DEATH_SIGNAL);
            test(in_pid_namespace, way, "the main thread in a new PID namespace", "ended 5\n");
            test(thread_in_pid_namespace, way, "another thread in one", expected);
        } else {
            skip("a PID namespace", "this process may not make one");
        }
    }
    return done();
}
