/*
 * A supervisor holds execve() while a parent with a limit of time waits for its child. The call returns while execve()
 * is still held: ETIMEDOUT, at the step exec. Once the supervisor lets go, no child and no memory that was lent to it
 * is left. Meanwhile handlers run, and a fork of the program may spawn.
 *
 * SPDX-License-Identifier: MIT
 */
#include "limited.h"

#include "another-user.h"
#include "supervisor.h"
#include "watched.h"

static struct {
    pid_t parent;
    int held;      /* the first execve() of a child has been held */
    int may_go;    /* it need not be held any more */
    int interrupts; /* the supervisor sends a signal when it holds the call, and holds it until it was handled */
    int handled;
} *shared;

static const struct kind {
    const char *name;
    uint64_t flags;
    int death_signal; /* then another thread spawns */
} kinds[] = {
    {"no options", 0, 0},
    {"LEAVE_FDS", QEMU_SPAWN_LEAVE_FDS, 0},
    {"SET_UID", QEMU_SPAWN_SET_UID, 0},
    {"a death signal", 0, SIGTERM},
};

struct job {
    const struct forced_way *way;
    const struct kind *kind;
};

static int load(const int *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static void store(int *number, int value)
{
    __atomic_store_n(number, value, __ATOMIC_SEQ_CST);
}

/* ---- the supervisor ---- */

static void supervise(int listener, const void *arg)
{
    struct pollfd poll_fd = {listener, POLLIN, 0};
    struct seccomp_notif held, call;
    bool holds = false;

    (void)arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (poll(&poll_fd, 1, 1) >= 0 || errno == EINTR) {
        if (holds && (load(&shared->may_go) || (load(&shared->interrupts) && load(&shared->handled)))) {
            let_go_on(listener, &held);
            holds = false;
        }
        if (!(poll_fd.revents & POLLIN) || !next_call(listener, &call)) {
            continue;
        }
        if (load(&shared->held)) {
            let_go_on(listener, &call);
            continue;
        }
        held = call;
        holds = true;
        store(&shared->held, 1);
        if (load(&shared->interrupts)) {
            kill(shared->parent, SIGUSR1);
        }
    }
    _exit(0);
}

static pid_t start_supervisor(void)
{
    static const long number = SYS_execve;

    shared->parent = getpid();
    return fork_supervisor(&number, 1, supervise, NULL);
}

/* ---- the parent ---- */

static struct spawning spawning_of(const struct kind *kind, int64_t limit_ms)
{
    return (struct spawning){
        .program = SELF, .flags = kind->flags, .death_signal = kind->death_signal, .limit_ms = limit_ms, .result = -2};
}

/* In the thread that the kind asks for. */
static void spawn_somehow(struct spawning *spawning)
{
    pthread_t thread;

    if (!spawning->death_signal) {
        spawn_and_wait(spawning);
    } else if (pthread_create(&thread, NULL, spawn_and_wait, spawning) != 0 || pthread_join(thread, NULL) != 0) {
        _exit(94);
    }
}

static void be_held(void *arg)
{
    const struct job *job = arg;
    struct spawning first = spawning_of(job->kind, NO_LIMIT_MS), held = spawning_of(job->kind, 30), last = first;
    int descriptors;
    size_t memory;
    pid_t supervisor;

    force_way(job->way);
    store(&shared->held, 1); /* the first is let go: memory that the library keeps is then allocated */
    supervisor = start_supervisor();
    spawn_somehow(&first);
    waitpid(-1, NULL, WNOHANG);
    let_library_clean_up();
    tell("at first: %d, %s\n", first.result, first.message);
    descriptors = count_descriptors();
    memory = interposed_malloc.used;
    store(&shared->held, 0);
    progress();
    held.what = "pause"; /* if it were executed after all, it would never end */
    /* On a loaded machine a child may need longer. */
    while (!load(&shared->held)) {
        held.limit_ms *= 2;
        spawn_somehow(&held);
    }
    tell("held: %d, errno %d, step %d, \"%s\"\n", held.result, held.error, (int)held.step, held.message);
    progress();
    store(&shared->may_go, 1);
    spawn_somehow(&last);
    tell("then: %d, %s\n", last.result, last.message);
    progress();
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
    until_nothing_is_left();
    tell("%s", count_descriptors() == descriptors ? "" : "a descriptor is left\n");
    /* libc keeps a few bytes for each of the threads that were there at once. What is lent to a child has 8 KiB. */
    memory += job->kind->death_signal ? 4096 : 0;
    tell("%s", interposed_malloc.used <= memory ? "" : "memory is left\n");
}

static void test_held(const struct job *job)
{
    char what[128], expected[256];

    memset(shared, 0, sizeof(*shared));
    snprintf(what, sizeof(what), "%s, %s", job->way->name, job->kind->name);
    if (!run_watched(be_held, (void *)(uintptr_t)job, what)) {
        return;
    }
    snprintf(expected, sizeof(expected),
             "at first: 0, \n"
             "held: -1, errno %d, step %d, \"process took too long before it could execute '%s'\"\n"
             "then: 0, \n",
             ETIMEDOUT, (int)QEMU_SPAWN_STEP_EXEC, SELF);
    is_str(watched->words, expected, "the limit holds while exec is held, and nothing is left");
}

/* ---- what else goes on meanwhile ---- */

static void on_signal(int signum)
{
    (void)signum;
    store(&shared->handled, 1);
}

/* The signal is handled at once, and not when the call returns, or the supervisor would hold for ever. */
static void be_interrupted(void *arg)
{
    const struct job *job = arg;
    struct sigaction action = {.sa_handler = on_signal};
    struct spawning spawning = spawning_of(job->kind, NO_LIMIT_MS);
    pid_t supervisor;

    force_way(job->way);
    sigaction(SIGUSR1, &action, NULL);
    shared->interrupts = 1;
    supervisor = start_supervisor();
    spawn_somehow(&spawning);
    tell("%d, %s", spawning.result, spawning.message);
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
}

/* Forks the program while the child shares its memory. The fork has a copy of the memory, but not that child. */
static void *fork_meanwhile(void *status)
{
    pid_t pid;

    while (!load(&shared->held)) {
        yield_a_moment();
    }
    pid = fork();
    if (pid == 0) {
        struct spawning with = spawning_of(&kinds[0], NO_LIMIT_MS), without = spawning_of(&kinds[0], -1);

        spawn_and_wait(&with);
        spawn_and_wait(&without);
        _exit(with.result != 0 ? 1 : without.result != 0 ? 2 : has_child() ? 3 : 0);
    }
    *(int *)status = pid == -1 ? -1 : wait_for(pid);
    store(&shared->may_go, 1);
    return NULL;
}

static void be_forked(void *arg)
{
    const struct job *job = arg;
    struct spawning spawning = spawning_of(job->kind, NO_LIMIT_MS);
    int status = -1;
    pid_t supervisor;
    pthread_t thread;

    force_way(job->way);
    supervisor = start_supervisor();
    if (pthread_create(&thread, NULL, fork_meanwhile, &status) != 0) {
        _exit(94);
    }
    spawn_somehow(&spawning);
    pthread_join(thread, NULL);
    tell("%d, %s; the fork: %d", spawning.result, spawning.message, status);
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
}

static void test_meanwhile(const struct forced_way *way)
{
    const struct job job = {way, &kinds[0]};
    char what[128];

    memset(shared, 0, sizeof(*shared));
    snprintf(what, sizeof(what), "%s, a signal comes while exec is held", way->name);
    /* A parent that has copied its memory handles it later. */
    if (LIBRARY_LENDS_MEMORY && strcmp(way->name, "fork") != 0 &&
        run_watched(be_interrupted, (void *)(uintptr_t)&job, what)) {
        is_str(watched->words, "0, ", "it is handled, and the program runs");
    }
    memset(shared, 0, sizeof(*shared));
    snprintf(what, sizeof(what), "%s, the program forks while exec is held", way->name);
    if (run_watched(be_forked, (void *)(uintptr_t)&job, what)) {
        is_str(watched->words, "0, ; the fork: 0", "the fork spawns, and so does the program");
    }
}

int main(int argc, char **argv)
{
    need_own_malloc();
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_supervisor();
    shared = shared_memory(sizeof(*shared));
    for (int way = 0; way < FORCED_WAYS; way++) {
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
            if (kinds[kind].flags & QEMU_SPAWN_SET_UID && geteuid() != 0) {
                skip(kinds[kind].name, "only root can make a child of another user: run the tests as root");
                continue;
            }
            test_held(&(struct job){&forced_ways[way], &kinds[kind]});
        }
        test_meanwhile(&forced_ways[way]);
    }
    return done();
}
