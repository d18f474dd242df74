/*
 * malloc() and its relatives fail from the k-th call on, for each k until a run needs no more calls than that. A run
 * either succeeds with all that the program has written, or fails with ENOMEM: half an answer is never a success.
 * Nothing is left: no memory, no descriptor, no child.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc.h"

#include "run.h"

enum { ENOUGH = 200 }; /* calls of malloc(): no run here makes so many */

/* In shared memory, because a process without memory may end by abort(). */
static struct {
    int k;
    bool finished;
    char wrong[2048];
} *seen;

static bool take_all(void *opaque, int child_fd, const char *data, size_t len)
{
    size_t *came = opaque;

    (void)data;
    came[child_fd] += len;
    return true;
}

static size_t came[3];

/* What is run, and how much it writes to each output. */
static const struct scene {
    const char *name, *size;
    QemuRunOptions options;
    bool has_sink;
} scenes[] = {
    {"little output", "10", {.input = "abc", .input_len = 3}, false},
    {"much output", "100000", {.timeout_ms = LONG_MS}, false},
    {"much output with CUT", "100000", {.flags = QEMU_RUN_CUT | QEMU_RUN_CHECK, .stdout_limit = 1 << 20}, false},
    {"much output with KEEP_TAIL", "100000", {.flags = QEMU_RUN_KEEP_TAIL, .stdout_limit = 1 << 20}, false},
    {"a sink", "100000", {.sink = take_all, .opaque = came}, true},
    {"a sink that gets lines", "100000", {.flags = QEMU_RUN_LINES, .sink = take_all, .opaque = came}, true},
};

/* Malloc fails at the k-th call, and after it. */
static void arm(int k)
{
    interposed_malloc.succeed = k;
    interposed_malloc.failures = 0;
    interposed_malloc.fails = true;
}

static void disarm(void)
{
    interposed_malloc.fails = false;
}

static void expect(bool holds, const char *what)
{
    size_t length = strlen(seen->wrong);

    if (!holds && length < sizeof(seen->wrong) - 300) {
        snprintf(seen->wrong + length, sizeof(seen->wrong) - length,
                 "k %d: %s (%s, errno %d, end %d, status %d, out %zu, err %zu, \"%.80s\"); ", seen->k, what,
                 ran.done ? "done" : "failed", ran.error, (int)ran.result.end, ran_end(), ran.result.out_len,
                 ran.result.err_len, ran.message);
    }
}

/* Like run() of run.h, but allocates no memory itself. */
static void run_without(const struct scene *scene, int k)
{
    QemuRunOptions options = scene->options;
    Error *err = NULL;

    options.size = sizeof(options);
    options.grace_ms = LONG_MS;
    memset(&ran.result, 0, sizeof(ran.result));
    ran.result.size = sizeof(ran.result);
    memset(came, 0, sizeof(came));
    arm(k);
    if (form == IN_ONE_CALL) {
        ran.done = qemu_run(ARGS(SELF, "write", scene->size), NULL, &options, &ran.result, &err);
        ran.error = errno;
    } else {
        QemuRun *one = qemu_run_start(ARGS(SELF, "write", scene->size), NULL, &options, &err);
        int step = 0;

        ran.error = errno;
        while (one && step == 0) {
            struct pollfd ready = {.fd = qemu_run_fd(one), .events = POLLIN};

            poll(&ready, 1, -1);
            step = qemu_run_step(one, &ran.result, &err);
            ran.error = errno;
        }
        ran.done = step == 1;
        qemu_run_free(one);
    }
    disarm();
    take_error(err);
}

static void check_outcome(const struct scene *scene, bool is_enough)
{
    size_t size = strtoul(scene->size, NULL, 10);
    bool is_whole = scene->has_sink ? came[1] == size && came[2] == size
                                    : ran.result.out_len == size && ran.result.err_len == size &&
                                          ran.result.out[size - 1] == 'o' && ran.result.err[size - 1] == 'e';

    if (ran.done) {
        expect(is_whole && ran.result.end == QEMU_RUN_END_EXITED && ran_end() == 0, "half an answer is a success");
        expect(!*ran.message, "a message");
        return;
    }
    expect(!is_enough, "it fails where there is memory");
    expect(ran.error == ENOMEM, "the errno");
    expect(*ran.message, "no message");
    expect(ran.result.end == QEMU_RUN_END_LIMIT || (ran.result.end == QEMU_RUN_END_NOT_STARTED && !ran.result.out),
           "the end");
}

static void lack_memory(void *arg)
{
    static struct state before, after;
    const struct scene *scene = arg;
    bool is_enough = false;

    alarm(100);
    run_without(scene, ENOUGH); /* memory that is allocated only once has been allocated */
    run_clear();
    for (int k = 0; !is_enough && k < ENOUGH; k++) {
        size_t used = interposed_malloc.used;

        seen->k = k;
        look_at_state(&before);
        run_without(scene, k);
        is_enough = interposed_malloc.failures == 0;
        check_outcome(scene, is_enough);
        run_clear();
        for (int i = 0; has_child() && i < 1000; i++) {
            /* A failed child may end later. Then another call reaps it. */
            poll(NULL, 0, 1);
            qemu_spawn(NULL, NULL, NULL);
        }
        look_at_state(&after);
        expect(memcmp(&before, &after, sizeof(before)) == 0, "descriptors and mask are what they were");
        expect(!has_child(), "a child is left");
        expect(interposed_malloc.used <= used, "memory is lost");
    }
    expect(is_enough, "there is never enough");
    seen->finished = true;
    _exit(0);
}

static void test_scenes(void)
{
    for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
        struct ending ending;

        memset(seen, 0, sizeof(*seen));
        ending = run_child(lack_memory, (void *)(uintptr_t)&scenes[i]);
        if (!ok(seen->finished && ending.status == 0, "%s: nothing ends the program", scenes[i].name)) {
            printf("# with %d calls of malloc() that succeed: ", seen->k);
            show_ending(&ending);
            continue;
        }
        if (!ok(!*seen->wrong, "each run fails as it should, up to the one that has enough (%d)", seen->k)) {
            printf("# %s\n", seen->wrong);
        }
        ok(seen->k > 3, "there were several");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strcmp(argv[1], "write") == 0) {
            write_many(STDOUT_FILENO, 'o', strtoul(argv[2], NULL, 10));
            write_many(STDERR_FILENO, 'e', strtoul(argv[2], NULL, 10));
            return 0;
        }
        return spawned(argc, argv);
    }
    need_own_malloc();
#ifdef HOST_ERROR_API
    skip_all("the memory of an Error is the host's own matter there, and this one's aborts");
#endif
    cast_net();
    needs_programs();
    seen = shared_memory(sizeof(*seen));
    in_both_forms(test_scenes);
    return done();
}
