/*
 * The parent is killed before its child has executed the program. Another process, which the parent forked in the
 * middle of the spawn, still holds copies of the parent's descriptors, so the child sees no end of a pipe. The child
 * must not wait for ever for the dead parent: it executes the program, or ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "supervisor.h"
#include "watched.h"

static struct {
    pid_t parent, supervisor, holder, child;
    int held;    /* the supervisor holds a system call of the parent or of the child, in the middle of a spawn */
    int verdict; /* 1: the child has ended; 2: it still sleeps */
} *shared;

/* ---- the supervisor ---- */

/* The child of the spawn: the parent's only child besides the supervisor and the holder. */
static pid_t find_child(void)
{
    pid_t list[8];
    int n = children_of(shared->parent, list, 8);

    for (int i = 0; i < n; i++) {
        if (list[i] != shared->supervisor && list[i] != shared->holder) {
            return list[i];
        }
    }
    return 0;
}

static bool is_gone(pid_t pid)
{
    char state = process_state(pid);

    return state == 0 || state == 'Z' || state == 'X';
}

static void supervise(int listener)
{
    struct seccomp_notif call;
    struct pollfd poll_fd = {listener, POLLIN, 0};

    if (!next_call(listener, &call)) {
        _exit(1);
    }
    __atomic_store_n(&shared->held, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&shared->holder, __ATOMIC_SEQ_CST) == 0) {
        yield_a_moment();
    }
    shared->child = find_child();
    kill(shared->parent, SIGKILL);
    while (!is_gone(shared->parent)) {
        yield_a_moment();
    }
    let_go_on(listener, &call);
    for (int looks = 0; looks < patience && !is_gone(shared->child); looks++) {
        if (poll(&poll_fd, 1, 1) == 1 && (poll_fd.revents & POLLIN) && next_call(listener, &call)) {
            let_go_on(listener, &call);
        }
        looks = process_state(shared->child) == 'R' ? 0 : looks;
    }
    shared->verdict = is_gone(shared->child) ? 1 : 2;
    kill(shared->child, SIGKILL);
    kill(shared->holder, SIGKILL);
    _exit(0);
}

/* ---- the parent ---- */

/* Forks in the middle of the spawn, as another thread of a program may. */
static void *fork_holder(void *arg)
{
    pid_t pid;

    while (!__atomic_load_n(&shared->held, __ATOMIC_SEQ_CST)) {
        yield_a_moment();
    }
    pid = fork();
    if (pid == 0) {
        pause_for_ever();
    }
    __atomic_store_n(&shared->holder, pid, __ATOMIC_SEQ_CST);
    return arg;
}

struct job {
    const struct forced_way *way;
    uint64_t flags;
};

static void spawn_and_die(const struct job *job)
{
    static const long numbers[] = {SYS_execve, SYS_execveat, SYS_pidfd_open};
    pthread_t thread;
    int listener;
    pid_t pid;

    shared->parent = getpid();
    force_way(job->way);
    listener = ask_supervisor(numbers, sizeof(numbers) / sizeof(*numbers));
    pid = fork();
    if (listener == -1 || pid == -1) {
        _exit(96);
    }
    if (pid == 0) {
        shared->supervisor = getpid();
        supervise(listener);
    }
    close(listener);
    if (pthread_create(&thread, NULL, fork_holder, NULL) != 0) {
        _exit(95);
    }
    spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = job->flags, .uid = job->flags ? NOBODY : 0));
    pause_for_ever();
}

static void test(const struct job *job)
{
    char what[128];
    int status;
    pid_t pid;

    memset(shared, 0, sizeof(*shared));
    cast_net();
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        spawn_and_die(job);
        _exit(0);
    }
    status = wait_for(pid);
    snprintf(what, sizeof(what), "%s%s", job->way->name, job->flags ? ", another user" : "");
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && shared->child > 0, "%s: the parent is killed", what);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) { /* orphans have become this process's children */
    }
    is_int(shared->verdict, 1, "the child ends, or executes the program, which does");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_supervisor();
    shared = shared_memory(sizeof(*shared));
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (int i = 0; i < FORCED_WAYS; i++) {
        test(&(struct job){&forced_ways[i], 0});
        if (geteuid() == 0) {
            test(&(struct job){&forced_ways[i], QEMU_SPAWN_SET_UID});
        } else {
            skip("another user", "only root can make such a child: run the tests as root");
        }
    }
    return done();
}
