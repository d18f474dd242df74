/*
 * With DETACHED nobody has to reap the child: the program gets no SIGCHLD for it and finds nothing to reap. Its handle
 * works, and tells how it ended where the kernel does. This is the same on each way, for PID 1 and for a subreaper.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ioctl.h>

#include "another-user.h"
#include "forced-ways.h"
#include "watched.h"

enum { ROUNDS = 20, PIPES = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT };

static int heard;

static void hear(int signum)
{
    (void)signum;
    heard++;
}

/* Whether the kernel keeps the status of a process that was reaped, by what it says of another process's child. */
static bool keeps_status(void)
{
    struct {
        uint64_t mask, rest[7];
    } info = {8, {0}};
    pid_t pid = fork();
    int pidfd, result;

    if (pid == 0) {
        _exit(0);
    }
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    wait_for(pid);
    result = ioctl(pidfd, _IOWR(0xFF, 11, info), &info);
    close(pidfd);
    return result == 0 && (info.mask & 8) != 0;
}

static pid_t parent_of(QemuProcess *process)
{
    return stat_of(qemu_process_pid(process)).parent;
}

/*
 * How the child ended. Where the kernel keeps that, it is known as soon as the process that reaps it has done so, for
 * which a loaded machine may need longer than one call waits.
 */
static int end_by_handle(QemuProcess *process, bool tells)
{
    int end = wait_ms(process, -1);

    while (end == UNKNOWN_END && tells && qemu_process_pidfd(process) >= 0) {
        end = wait_ms(process, -1);
    }
    return end;
}

/* Whether wait() reaps nothing. It may wait for a child that the kernel will reap. A keeper is seen by __WALL only. */
static bool nothing_to_reap(void)
{
    pid_t pid;

    do {
        pid = waitpid(-1, NULL, 0);
    } while (pid == -1 && errno == EINTR);
    return pid == -1 && errno == ECHILD;
}

struct setting {
    const struct forced_way *way;
    enum { PLAIN, SUBREAPER, FIRST } role;
};

static void end_by_itself(bool tells)
{
    char code[8];

    for (int i = 0; i < ROUNDS; i++) {
        QemuProcess *process;
        int end;

        snprintf(code, sizeof(code), "%d", i);
        process = spawn(ARGS(SELF, "exit", code), OPTIONS(.flags = QEMU_SPAWN_DETACHED));
        progress();
        if (!process) {
            tell("\"%s\"\n", told.message);
            return;
        }
        end = end_by_handle(process, tells);
        if (end != i && end != UNKNOWN_END) {
            tell("%s: status %d instead of %d\n", qemu_process_way(process), end, i);
        }
        qemu_process_free(process);
    }
}

static void be_signalled(bool tells, const struct setting *setting)
{
    QemuProcess *process = spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_DETACHED | PIPES));
    bool by_kernel;
    int in, out, end;

    if (!process) {
        tell("\"%s\"\n", told.message);
        return;
    }
    by_kernel = strstr(qemu_process_way(process), "+autoreap") != NULL;
    in = qemu_process_take_fd(process, STDIN_FILENO);
    out = qemu_process_take_fd(process, STDOUT_FILENO);
    put_byte(in, 'x');
    if (get_byte(out) != 'x') {
        tell("the child is dumb\n");
    }
    if (setting->role == PLAIN && !strstr(qemu_process_way(process), by_kernel ? "+autoreap" : "+orphan")) {
        tell("the way is %s\n", qemu_process_way(process));
    }
    if (setting->role != PLAIN && !strstr(qemu_process_way(process), by_kernel ? "+autoreap" : "+keeper")) {
        tell("as a reaper the way is %s\n", qemu_process_way(process));
    }
    if (strncmp(qemu_process_way(process), setting->way->name, 4) != 0 && setting->role == PLAIN) {
        tell("the way is %s and not %s\n", qemu_process_way(process), setting->way->name);
    }
    if (!by_kernel && parent_of(process) == getpid()) {
        tell("it is a child of this process\n");
    }
    if (wait_ms(process, 0) != TIMED_OUT) {
        tell("it has ended too early\n");
    }
    qemu_process_detach(process);
    if (qemu_process_pidfd(process) >= 0) {
        if (!qemu_process_kill(process, SIGTERM, NULL)) {
            tell("it cannot be signalled\n");
        }
    } else if (qemu_process_kill(process, SIGTERM, NULL) || errno != ECHILD) {
        tell("it was signalled by an id that may be another's\n");
    }
    close(in);
    end = end_by_handle(process, tells);
    if (end != UNKNOWN_END && end != (qemu_process_pidfd(process) >= 0 ? KILLED_BY + SIGTERM : 0)) {
        tell("it ended with %d\n", end);
    }
    qemu_process_free(process);
    close(out);
    progress();
}

/* Neither a failure nor the free of a living child leaves anything. */
static void leave_nothing(void)
{
    QemuProcess *process = spawn(ARGS("/nonexistent"), OPTIONS(.flags = QEMU_SPAWN_DETACHED));
    int out;

    if (process || told.step != QEMU_SPAWN_STEP_EXEC || told.error != ENOENT) {
        tell("step %d, errno %d\n", (int)told.step, told.error);
    }
    progress();
    process = spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_DETACHED | PIPES));
    if (!process) {
        tell("\"%s\"\n", told.message);
        return;
    }
    out = qemu_process_take_fd(process, STDOUT_FILENO);
    qemu_process_free(process); /* closes its stdin */
    while (get_byte(out) != 0) {
    }
    close(out);
}

/*
 * The caller goes on as a child of this process, which takes the place of init: it reaps what becomes its child, and
 * ends with the caller's status. Or the caller becomes the first process of a PID namespace.
 */
static void become_child_of_init(bool first)
{
    pid_t pid, other;
    int status = 0;

    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (first && unshare(CLONE_NEWPID) != 0) {
        _exit(96);
    }
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        return;
    }
    do {
        other = wait(&status);
    } while (other != pid && (other > 0 || errno == EINTR));
    watched->finished = other == pid && status == 0;
    _exit(watched->finished ? 0 : 95);
}

static void use(void *arg)
{
    const struct setting *setting = arg;
    bool tells;
    int before;

    if (setting->role == SUBREAPER) {
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    } else {
        become_child_of_init(setting->role == FIRST);
    }
    tells = keeps_status();
    force_way(setting->way);
    signal(SIGCHLD, hear);
    before = count_descriptors();
    end_by_itself(tells);
    be_signalled(tells, setting);
    leave_nothing();
    if (heard != 0) {
        tell("%d times SIGCHLD\n", heard);
    }
    if (!nothing_to_reap()) {
        tell("there is something to reap\n");
    }
    if (child_is_left()) {
        tell("a keeper is left\n");
    }
    if (count_descriptors() != before) {
        tell("%d descriptors, and before %d\n", count_descriptors(), before);
    }
}

static void test(const struct forced_way *way, int role, const char *name)
{
    struct setting setting = {way, role};
    char what[128];

    snprintf(what, sizeof(what), "%s, the best way open is %s", name, way->name);
    if (run_watched(use, &setting, what)) {
        is_str(watched->words, "", "nobody has to reap the child");
    }
}

/* Where no way can be forced. */
static void test_anyhow(void)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_DETACHED | PIPES));
    int in = qemu_process_take_fd(process, STDIN_FILENO), out = qemu_process_take_fd(process, STDOUT_FILENO);

    printf("# %s\n", qemu_process_way(process));
    put_byte(in, 'x');
    is_int(get_byte(out), 'x', "the program runs");
    ok(stat_of(qemu_process_pid(process)).parent != getpid(), "it is no child of this process");
    is_int(wait_ms(process, 0), TIMED_OUT, "it has not ended");
    close(in);
    is_int(get_byte(out), 0, "it ends");
    ok(wait_ms(process, -1) >= UNKNOWN_END, "which the handle tells");
    qemu_process_free(process);
    close(out);
    ok(!child_is_left(), "nothing is left");
}

static void test_contradictions(void)
{
    QemuProcessStatus status;
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;
    Error *err = NULL;

    fails(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_DETACHED | QEMU_SPAWN_KILL_ON_FREE), EINVAL, QEMU_SPAWN_STEP_ARGUMENTS,
          "cannot spawn: DETACHED excludes KILL_ON_FREE");
    fails(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_DETACHED, .death_signal = SIGTERM), EINVAL, QEMU_SPAWN_STEP_ARGUMENTS,
          "cannot spawn: DETACHED excludes death_signal");
    fails(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_KILL_ON_FREE, .death_signal = SIGTERM), EINVAL,
          QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: KILL_ON_FREE excludes death_signal");
    ok(qemu_spawn_sync(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_DETACHED, .failed_step = &step), -1, &status,
                       &err) == -1,
       "qemu_spawn_sync() cannot wait for it");
    is_int(step, QEMU_SPAWN_STEP_ARGUMENTS, "and says so");
    error_free(err);
}

int main(int argc, char **argv)
{
    static const struct forced_way no_pidfd = {"fork", NO_PIDFD};

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    test_contradictions();
    if (IS_EMULATED) {
        skip("a detached child", "the emulator makes no process that sends its parent no signal at its end");
        return done();
    }
    if (is_under_valgrind() || why_no_seccomp()) {
        test_anyhow();
        return done();
    }
    for (int i = 0; i < FORCED_WAYS; i++) {
        test(&forced_ways[i], PLAIN, "a plain process");
        test(&forced_ways[i], SUBREAPER, "a subreaper");
        if (geteuid() == 0) {
            test(&forced_ways[i], FIRST, "PID 1");
        } else {
            skip("PID 1", "only root may make a PID namespace");
        }
    }
    test(&no_pidfd, PLAIN, "without descriptors of processes");
    return done();
}
