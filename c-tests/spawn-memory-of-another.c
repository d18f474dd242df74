/*
 * A child that has changed its user does not share its parent's memory. So no process can change the parent through it,
 * not even if another thread of the parent makes the process dumpable meanwhile. The library does not change whether
 * the parent may be dumped: what another thread sets meanwhile stays.
 *
 * A supervisor holds the child at its execve(), and looks at it with root's rights; the attacker has its own user's.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "another-user.h"
#include "supervisor.h"
#include "watched.h"

/* Only a process with the same user and group may trace it. */
enum { USER = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID };

static long marker; /* of the parent; the attacker writes to it */

static struct {
    pid_t child;      /* held at its execve() */
    int has_tried;    /* the attacker has */
    int has_answered; /* the parent's other thread has said whether it is dumpable, and goes on saying so */
    int held, attached, opened, written, seen_by_root;
} *shared;

static int load(const int *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static void store(int *number, int value)
{
    __atomic_store_n(number, value, __ATOMIC_SEQ_CST);
}

/* ---- the attacker, NOBODY ---- */

static bool write_to(pid_t pid, long value)
{
    char path[64];
    bool written;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd == -1) {
        return false;
    }
    shared->opened++;
    written = pwrite(fd, &value, sizeof(value), (off_t)(uintptr_t)&marker) == (ssize_t)sizeof(value);
    close(fd);
    return written;
}

static bool attack_child(pid_t pid)
{
    long value = 66;
    struct iovec from = {&value, sizeof(value)}, to = {&marker, sizeof(marker)};

    /* Over and over, for the parent's other thread makes it dumpable over and over. */
    for (int i = 0; i < 200; i++) {
        shared->written += write_to(pid, value) || process_vm_writev(pid, &from, 1, &to, 1, 0) > 0;
        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
            shared->attached++;
            return true;
        }
    }
    return false;
}

static pid_t start_attacker(void)
{
    pid_t pid = fork();

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        become(NOBODY);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;) {
            pid_t child = (pid_t)load(&shared->child);

            if (child != 0 && load(&shared->has_answered) && !load(&shared->has_tried)) {
                bool attached = attack_child(child);

                store(&shared->has_tried, 1);
                if (attached) {
                    _exit(0); /* which lets the child go */
                }
            }
            yield_a_moment();
        }
    }
    return pid;
}

/* ---- the supervisor, root ---- */

static void supervise(int listener)
{
    struct seccomp_notif call;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (next_call(listener, &call)) {
        store(&shared->has_tried, 0);
        store(&shared->has_answered, 0);
        shared->held++;
        store(&shared->child, (int)call.pid);
        while (!load(&shared->has_tried)) {
            yield_a_moment();
        }
        store(&shared->child, 0);
        shared->seen_by_root += write_to((pid_t)call.pid, 77);
        let_go_on(listener, &call);
    }
    _exit(0);
}

/* ---- the process that spawns ---- */

struct job {
    const struct forced_way *way;
    uint64_t flags;
    int before, meanwhile; /* the dumpable flag: before, and what another thread makes it while the child is held */
};

static int meanwhile;

/* Makes the process dumpable, or not, for as long as a child is held. */
static void *set_dumpable(void *arg)
{
    for (;;) {
        if (load(&shared->child) != 0) {
            prctl(PR_SET_DUMPABLE, meanwhile);
            store(&shared->has_answered, 1);
        }
    }
    return arg;
}

static void spawn_held(void *arg)
{
    static const long numbers[] = {SYS_execve, SYS_execveat};
    static const QemuGid groups[] = {NOBODY};
    const struct job *job = arg;
    QemuSpawnOptions opts = {.size = sizeof(opts), .flags = job->flags};
    QemuProcess *process;
    pthread_t thread;
    pid_t supervisor;
    int listener;

    opts.uid = job->flags & QEMU_SPAWN_SET_UID ? NOBODY : 0;
    opts.gid = job->flags & QEMU_SPAWN_SET_GID ? NOBODY : 0;
    if (job->flags & QEMU_SPAWN_SET_GROUPS) {
        opts.groups = groups;
        opts.n_groups = 1;
    }
    force_way(job->way);
    listener = ask_supervisor(numbers, 2);
    supervisor = fork();
    if (listener == -1 || supervisor == -1) {
        _exit(96);
    }
    if (supervisor == 0) {
        supervise(listener);
    }
    close(listener);
    meanwhile = job->meanwhile;
    prctl(PR_SET_DUMPABLE, job->before);
    if (pthread_create(&thread, NULL, set_dumpable, NULL) != 0) {
        _exit(95);
    }
    process = spawn(ARGS(SELF, "exit", "0"), &opts);
    tell("marker %ld, dumpable %d, way %s %s; ", marker, prctl(PR_GET_DUMPABLE),
         process ? qemu_process_way(process) : "none:", told.message);
    tell("held %d times; the attacker attached %d times, opened %d, wrote %d; root wrote %d\n", shared->held,
         shared->attached, shared->opened, shared->written, shared->seen_by_root);
    progress();
    if (process) {
        qemu_process_wait(process, -1, NULL, NULL);
        qemu_process_free(process);
    }
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
}

static void test(const struct job *job, const char *what)
{
    pid_t attacker;
    char name[128], words[64];

    memset(shared, 0, sizeof(*shared));
    fflush(NULL);
    attacker = start_attacker();
    snprintf(name, sizeof(name), "%s; the best way open is %s", what, job->way->name);
    if (run_watched(spawn_held, (void *)(uintptr_t)job, name)) {
        ok(shared->held > 0, "the child was held");
        snprintf(words, sizeof(words), "marker 0, dumpable %d, way fork ;", job->meanwhile);
        has_words(watched->words, "the parent's memory is what it was, and it is as dumpable as it said", words,
                  (char *)NULL);
        printf("# %s", watched->words);
    }
    kill(attacker, SIGKILL);
    wait_for(attacker);
}

/* Spawns with fork() forbidden. Reports the error, or the way in which the child was made. */
static void refuse_fork(void *arg)
{
    QemuProcess *process = spawn(ARGS(SELF, "exit", "0"),
                                 OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_NO_FORK_FALLBACK, .uid = NOBODY));

    (void)arg;
    if (process) {
        tell("way %s\n", qemu_process_way(process));
        end_of(process);
    } else {
        tell("errno %d, step %d: %s\n", told.error, (int)told.step, told.message);
    }
    progress();
}

static void test_refusal(void)
{
    char words[64];
    bool is_right;

    if (!run_watched(refuse_fork, NULL, "QEMU_SPAWN_NO_FORK_FALLBACK")) {
        return;
    }
    snprintf(words, sizeof(words), "errno %d, step %d: ", ENOTSUP, QEMU_SPAWN_STEP_FORK);
    is_right = strncmp(watched->words, words, strlen(words)) == 0 ||
               (strncmp(watched->words, "way ", 4) == 0 && strncmp(watched->words, "way clone", 9) != 0 &&
                strcmp(watched->words, "way fork\n") != 0);
    if (!ok(is_right, "it does not share the memory, and is no fork(): ENOTSUP where there is nothing else")) {
        printf("# %s", watched->words);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    prepare_for_another_user();
    need_supervisor();
    shared = shared_memory(sizeof(*shared));
    for (int way = 0; way < FORCED_WAYS; way++) {
        const struct forced_way *forced = &forced_ways[way];

        test(&(struct job){forced, USER, 1, 1}, "another thread makes it dumpable");
        test(&(struct job){forced, USER, 1, 0}, "another thread forbids to dump it");
        test(&(struct job){forced, USER, 0, 1}, "another thread allows to dump it");
        test(&(struct job){forced, QEMU_SPAWN_SET_UID, 1, 1}, "another user alone");
        test(&(struct job){forced, QEMU_SPAWN_SET_GID, 1, 1}, "another group alone");
        test(&(struct job){forced, QEMU_SPAWN_SET_GROUPS, 1, 1}, "other groups alone");
    }
    test_refusal();
    return done();
}
