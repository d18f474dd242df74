/*
 * The library reaps a child that could not execute its program, whatever the program does about its children: it may
 * ignore SIGCHLD, or have a thread that reaps every child, even those without an exit signal. The spawn fails with its
 * own cause, nothing hangs, no other child is reaped by mistake, and no zombie is left.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forced-ways.h"
#include "watched.h"

enum { ROUNDS = 60 };
enum reaper { NOBODY_ELSE, IGNORED, NO_WAIT, THIEF, THIEF_OF_ALL };

static const char *const names[] = {"no other code reaps", "SIGCHLD is ignored", "SA_NOCLDWAIT", "a thread that reaps",
                                    "a thread that reaps every kind"};

struct job {
    const struct forced_way *way;
    int more; /* what else is forbidden */
    enum reaper reaper;
};

static bool ends_now;
static int stolen_wrongly; /* how often the thief reaped a child that it must not see */

static void *steal(void *arg)
{
    const int options = *(const int *)arg;
    int status;

    while (!__atomic_load_n(&ends_now, __ATOMIC_SEQ_CST)) {
        pid_t pid = waitpid(-1, &status, WNOHANG | options);

        /* Exit status 3 is what the programs that are executed have. */
        if (pid > 0 && !options && !(WIFEXITED(status) && WEXITSTATUS(status) == 3)) {
            stolen_wrongly++;
        }
        sched_yield();
    }
    return arg;
}

static void spawn_beside_reaper(void *arg)
{
    static const int options[] = {0, __WALL};
    const struct job *job = arg;
    struct sigaction action = {.sa_handler = job->reaper == IGNORED ? SIG_IGN : SIG_DFL,
                               .sa_flags = job->reaper == NO_WAIT ? SA_NOCLDWAIT : 0};
    bool has_thief = job->reaper >= THIEF;
    pthread_t thread;

    if (job->way->forbidden | job->more) {
        if (!forbid(job->way->forbidden | job->more, ENOSYS)) {
            _exit(97);
        }
    }
    sigaction(SIGCHLD, &action, NULL);
    if (has_thief &&
        pthread_create(&thread, NULL, steal, (void *)(uintptr_t)&options[job->reaper == THIEF_OF_ALL]) != 0) {
        _exit(96);
    }
    for (int i = 0; i < ROUNDS; i++) {
        QemuProcess *process = spawn(ARGS("/nowhere/at/all"), NULL);
        QemuProcessStatus status = {.exit_code = -1};

        if (process || told.error != ENOENT || told.step != QEMU_SPAWN_STEP_EXEC) {
            tell("round %d: errno %d, step %d, \"%s\"\n", i, told.error, (int)told.step, told.message);
            _exit(1);
        }
        progress();
        /* One that succeeds, in between: its end is its own, or is not known. */
        process = spawn(ARGS(SELF, "exit", "3"), NULL);
        if (!process) {
            tell("round %d: errno %d, step %d, \"%s\"\n", i, told.error, (int)told.step, told.message);
            _exit(1);
        }
        if (qemu_process_wait(process, -1, &status, NULL) != 1 ||
            (ending_of(&status) != 3 && ending_of(&status) != UNKNOWN_END)) {
            tell("round %d: the end is %d\n", i, ending_of(&status));
        }
        qemu_process_free(process);
        progress();
    }
    __atomic_store_n(&ends_now, true, __ATOMIC_SEQ_CST);
    if (has_thief) {
        pthread_join(thread, NULL);
    }
    if (stolen_wrongly > 0) {
        tell("a child that failed was seen by waitpid(-1), %d times\n", stolen_wrongly);
    }
    /* One that has failed may be reaped by a later call. */
    for (int i = 0; has_child() && i < ROUNDS; i++) {
        qemu_spawn_sync(ARGS(SELF, "exit", "3"), NULL, -1, NULL, NULL);
        progress();
    }
    tell("%s", has_child() ? "a child is left\n" : "");
}

static void test(const struct job *job)
{
    char what[128];

    snprintf(what, sizeof(what), "%s%s, %s", job->way->name, job->more ? ", without descriptors of processes" : "",
             names[job->reaper]);
    if (run_watched(spawn_beside_reaper, (void *)(uintptr_t)job, what)) {
        is_str(watched->words, "", "each spawn fails, or succeeds, by itself");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    for (int reaper = NOBODY_ELSE; reaper <= THIEF_OF_ALL; reaper++) {
        for (int i = 0; i < FORCED_WAYS; i++) {
            test(&(struct job){&forced_ways[i], 0, (enum reaper)reaper});
        }
        test(&(struct job){&forced_ways[2], NO_PIDFD, (enum reaper)reaper});
    }
    return done();
}
