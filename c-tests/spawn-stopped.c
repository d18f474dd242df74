/*
 * A child changes its user, and that user sends it SIGSTOP before it has executed its program. The library must not
 * wait until that user sends SIGCONT: neither in the thread that spawns, nor in other threads, nor when the child of a
 * failed spawn is reaped. A child that is stopped once is continued. One that is stopped again and again is killed, and
 * the spawn fails.
 *
 * The attacker holds the program open for writing, so the child tries to execute it again for a while.
 *
 * SPDX-License-Identifier: MIT
 */
#include "attacker.h"
#include "forced-ways.h"

enum { SPAWNS = 10, FOLDERS = 2000 };

static char program[PATH_MAX]; /* a copy of this program, owned by the attacker */

/* ---- the attacker ---- */

static int held = -1; /* the program, open for writing */

static void stop_once(pid_t child)
{
    char path[64];
    uint64_t pending = 0;

    if (held == -1 || kill(child, SIGSTOP) != 0) {
        return;
    }
    deed_succeeded();
    /* Waits until the child has stopped. Otherwise the executed program could be stopped instead. */
    snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
    while (read_status_set(path, "ShdPnd", &pending) && (pending & BIT(SIGSTOP))) {
        sched_yield();
    }
    /* From now on the program can be executed. */
    close(held);
    held = -1;
}

/* Until the child is gone. */
static void stop_always(pid_t child)
{
    while (kill(child, SIGSTOP) == 0 && !__atomic_load_n(&attack->stop, __ATOMIC_SEQ_CST)) {
        deed_succeeded();
    }
}

static void let_attacker_end(void)
{
    __atomic_store_n(&attack->stop, 1, __ATOMIC_SEQ_CST);
}

/* ---- the process that spawns ---- */

static void check(bool holds, const char *what)
{
    if (!holds) {
        tell("not so: %s (errno %d, step %d, \"%s\")\n", what, told.error, (int)told.step, told.message);
        _exit(1);
    }
}

/* The message of a spawn whose child was stopped too often, or whose program was busy for too long. */
static bool is_failure(void)
{
    char words[64];

    snprintf(words, sizeof(words), "was stopped by signal %d (SIGSTOP) before it could execute '", SIGSTOP);
    return told.step == QEMU_SPAWN_STEP_EXEC &&
           ((told.error == ECANCELED && strstr(told.message, words) && strstr(told.message, program)) ||
            (told.error == ETXTBSY && strstr(told.message, "(it is open for writing)")));
}

static void begin(const struct forced_way *way)
{
    force_way(way);
    attack->parent = getpid();
}

/* The child of a failed spawn may be reaped by a later call. */
static void check_no_child(void)
{
    let_attacker_end();
    for (int i = 0; has_child() && i < SPAWNS; i++) {
        end_of(must_spawn(ARGS(SELF, "exit", "0"), NULL));
        progress();
    }
    check(!has_child(), "no child is left");
}

static bool was_attacked(void)
{
    return __atomic_load_n(&attack->succeeded, __ATOMIC_SEQ_CST) > 0;
}

/*
 * Spawns the attacker's program, which is open for writing. On a busy machine the child may be gone before the attacker
 * finds it; then the spawn is tried again.
 */
static QemuProcess *spawn_attacked(void)
{
    QemuProcess *process;

    do {
        process = spawn(ARGS(program, "exit", "7"), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = NOBODY));
        progress();
    } while (!process && told.error == ETXTBSY && !was_attacked());
    return process;
}

static void stopped_once(void *way)
{
    QemuProcess *process;

    begin(way);
    process = spawn_attacked();
    if (!process && told.error == ETXTBSY) {
        /* The child was stopped after its last try. By now no process has the program open for writing. */
        process = spawn_attacked();
    }
    check(process != NULL, "the child is continued, and executes the program");
    progress();
    check(strcmp(qemu_process_way(process), "fork") == 0, "it has a copy of the memory");
    check(end_of(process) == 7, "the program ends by itself");
    check_no_child();
}

static void stopped_always(void *way)
{
    QemuProcess *process;

    begin(way);
    process = spawn_attacked();
    check(!process, "a program that stays open for writing is not executed");
    check(was_attacked(), "the child was stopped");
    check(is_failure(), "the message says why");
    progress();
    check_no_child();
}

/* Some children are stopped after they have reported their failure. */
static void stopped_after_report(void *way)
{
    static char path[FOLDERS * sizeof("/nowhere:")];

    /* A long PATH keeps the child busy, so that the attacker can find it. */
    for (int i = 0; i < FOLDERS; i++) {
        strcat(path, i > 0 ? ":/nowhere" : "/nowhere");
    }
    setenv("PATH", path, 1);
    begin(way);
    /* On a busy machine the attacker may miss some children. */
    for (int i = 0; i < SPAWNS || !was_attacked(); i++) {
        QemuProcess *process = spawn(ARGS("qemu-no-such"), OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SEARCH_PATH,
                                                                   .uid = NOBODY));

        check(!process, "the spawn fails");
        check(told.error == ENOENT || told.error == ECANCELED, "errno is that of exec, or of a stopped child");
        progress();
    }
    check_no_child();
}

static void *spawn_others(void *arg)
{
    while (!was_attacked()) {
        yield_a_moment();
    }
    for (int i = 0; i < 20; i++) {
        QemuProcessStatus status = {.exit_code = -1};
        Error *err = NULL;
        int result = qemu_spawn_sync(ARGS(SELF, "exit", "3"), i % 2 == 0 ? NULL :
                                     OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = STRANGER), -1, &status, &err);

        if (result != 0 || status.exit_code != 3) {
            tell("another thread's spawn: %s\n", err ? error_get_pretty(err) : "another status");
            _exit(1);
        }
        progress();
        tell("%s", i == 19 ? "the other thread has spawned all of its own\n" : "");
    }
    return arg;
}

static void beside_others(void *way)
{
    pthread_t thread;
    QemuProcess *process;

    begin(way);
    if (pthread_create(&thread, NULL, spawn_others, NULL) != 0) {
        _exit(96);
    }
    process = spawn_attacked();
    check(!process && is_failure(), "the spawn fails, and the message says why");
    pthread_join(thread, NULL);
    check_no_child();
}

/* ---- the test ---- */

static void test(Deed *deed, void (*body)(void *), const struct forced_way *way, const char *what)
{
    char name[128];
    pid_t attacker;

    held = open(program, O_WRONLY | O_CLOEXEC);
    if (held == -1) {
        bail(program);
    }
    attacker = start_attacker(deed);
    close(held); /* now only the attacker has it open */
    held = -1;
    snprintf(name, sizeof(name), "%s; the best way open is %s", what, way->name);
    run_watched(body, (void *)(uintptr_t)way, name);
    stop_attacker(attacker);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    prepare_for_another_user();
    need_forced_ways();
    snprintf(program, sizeof(program), "%s", copy_self("program", NOBODY));
    release_hung = let_attacker_end;
    for (int way = 0; way < FORCED_WAYS; way++) {
        test(stop_once, stopped_once, &forced_ways[way], "stopped once");
        test(stop_always, stopped_always, &forced_ways[way], "stopped again and again");
        test(stop_always, stopped_after_report, &forced_ways[way], "stopped after it has failed");
        test(stop_always, beside_others, &forced_ways[way], "stopped, while another thread spawns");
    }
    return done();
}
