/*
 * A limit of time, and a FUSE file system whose server does not answer. In one test the program is a file of it, and
 * OPEN is held: the call fails at the limit. The child cannot be killed before the answer, and is reaped after it. In
 * the other a file of it is open in the parent, and exec closes the copy, but FLUSH is held: the spawn does not wait
 * for that, on any kernel.
 *
 * SPDX-License-Identifier: MIT
 */
#include "limited.h"

#include "another-user.h"
#include "forced-ways.h"
#include "fuse.h"

enum { LOW = 5 };

static struct fuse fuse;

struct job {
    const struct forced_way *way;
    uint64_t flags;
};

static int load(const int *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static void store(int *number, int value)
{
    __atomic_store_n(number, value, __ATOMIC_SEQ_CST);
}

static void open_is_held(void *arg)
{
    const struct job *job = arg;
    struct spawning held = {.program = fuse.file, .flags = job->flags, .limit_ms = 30}, first = held;
    int before = fuse.state->open_answers, descriptors;
    size_t memory;

    force_way(job->way);
    first.program = SELF;
    first.limit_ms = NO_LIMIT_MS;
    spawn_and_wait(&first); /* memory that the library keeps has been allocated */
    let_library_clean_up();
    descriptors = count_descriptors();
    memory = interposed_malloc.used;
    store(&fuse.state->opens, 0);
    store(&fuse.state->holds_open, 1);
    /* On a loaded machine a child may need longer. */
    while (!load(&fuse.state->opens)) {
        held.limit_ms *= 2;
        spawn_and_wait(&held);
    }
    tell("%d, errno %d, step %d, %s, \"%s\"\n", held.result, held.error, (int)held.step,
         load(&fuse.state->open_answers) == before ? "not answered" : "answered", held.message);
    /* A child that waits for the answer has not ended. If it shares the memory, its stack is there. */
    if (LIBRARY_LENDS_MEMORY && !job->flags && strcmp(job->way->name, "fork") != 0 && has_child() &&
        interposed_malloc.used < memory + 8192) {
        tell("what was lent to the child is freed too early\n");
    }
    progress();
    store(&fuse.state->holds_open, 0);
    until_nothing_is_left();
    tell("%s", count_descriptors() == descriptors ? "" : "a descriptor is left\n");
    tell("%s", interposed_malloc.used == memory ? "" : "memory is left\n");
}

static void flush_is_held(void *arg)
{
    const struct job *job = arg;
    QemuRunOptions options = {.size = sizeof(options), .timeout_ms = NO_LIMIT_MS};
    QemuRunResult result = {.size = sizeof(result)};
    int fd, before = fuse.state->answers, over;
    Error *err = NULL;
    QemuRun *run;

    force_way(job->way);
    fd = open(fuse.file, O_RDWR | O_CLOEXEC);
    if (fd == -1 || (fd != LOW && (dup3(fd, LOW, O_CLOEXEC) == -1 || close(fd) != 0))) {
        _exit(95);
    }
    before = load(&fuse.state->answers);
    store(&fuse.state->holds, 1);
    run = qemu_run_start(ARGS(SELF, "exit", "3"), OPTIONS(.flags = job->flags), &options, &err);
    tell("%s%s, %s\n", run ? "started" : "not started", err ? error_get_pretty(err) : "",
         load(&fuse.state->answers) == before ? "not answered" : "answered");
    progress();
    store(&fuse.state->holds, 0);
    do {
        struct pollfd poll_fd = {run ? (int)qemu_run_fd(run) : -1, POLLIN, 0};

        poll(&poll_fd, 1, 1000);
        over = qemu_run_step(run, &result, NULL);
    } while (over == 0);
    tell("exit status %d\n", result.status.exit_code);
    qemu_run_free(run);
}

static void let_server_answer(void)
{
    store(&fuse.state->is_over, 1);
}

static void test(void (*body)(void *), const struct job *job, const char *what, const char *expected)
{
    char name[128];

    snprintf(name, sizeof(name), "%s, %s: %s", job->way->name, job->flags ? "SET_UID" : "no options", what);
    if (run_watched(body, (void *)(uintptr_t)job, name)) {
        is_str(watched->words, expected, "as it should be");
    }
    store(&fuse.state->holds, 0);
    store(&fuse.state->holds_open, 0);
    store(&fuse.state->is_over, 0);
}

int main(int argc, char **argv)
{
    char late[256];
    pid_t server;

    need_own_malloc();
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    server = start_fuse(&fuse);
    release_hung = let_server_answer;
    snprintf(late, sizeof(late),
             "-1, errno %d, step %d, not answered, \"process took too long before it could execute '%s'\"\n", ETIMEDOUT,
             (int)QEMU_SPAWN_STEP_EXEC, fuse.file);
    for (int way = 0; way < FORCED_WAYS; way++) {
        for (int user = 0; user < 2; user++) {
            const struct job job = {&forced_ways[way], user ? QEMU_SPAWN_SET_UID : 0};

            test(open_is_held, &job, "the program is not opened", late);
            test(flush_is_held, &job, "a file is not closed", "started, not answered\nexit status 3\n");
        }
    }
    fuse_abort(&fuse);
    kill(server, SIGKILL);
    wait_for(server);
    return done();
}
