/*
 * A signal ends the child before it has executed its program. It comes from a filter that kills a process at execve(),
 * or it is SIGKILL, SIGTERM or SIGQUIT from another process. The spawn fails and its error names the signal. The child
 * is reaped, the parent gets no SIGCHLD, and it lives on. While the execution of a busy program is tried again, only
 * SIGKILL ends the child in its pauses; other signals stay pending until the next try. An ignored signal then changes
 * nothing, and a blocked one stays pending in the program.
 *
 * A supervisor holds the child at its execve(), or says that the program is busy and holds it in its pause.
 *
 * SPDX-License-Identifier: MIT
 */
#include "supervisor.h"
#include "watched.h"

#define PROGRAM SELF

enum place { AT_EXEC, IN_PAUSE, BY_FILTER };
enum special { NOTHING_SPECIAL, IS_IGNORED, IS_BLOCKED };

static struct {
    pid_t parent;
    int heard; /* SIGCHLD in the parent */
    int tries; /* of execve() */
    int pauses;
    int pending; /* whether the signal was pending in the pause */
} *shared;

struct job {
    const struct forced_way *way;
    enum place place;
    int signum;
    enum special special;
};

/* ---- the supervisor ---- */

/* Waits until that process has ended, or is about to. Does not sleep, because its own calls would wait for itself. */
static void await_death(pid_t pid)
{
    char state;

    do {
        sched_yield();
        state = process_state(pid);
    } while (state != 'Z' && state != 'X' && state != 0);
}

static void supervise(int listener, const struct job *job)
{
    struct seccomp_notif call;
    char path[64];
    uint64_t pending = 0, blocked = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (next_call(listener, &call)) {
        bool is_try = call.data.nr == SYS_execve || call.data.nr == SYS_execveat;
        pid_t child = (pid_t)call.pid;

        if (child == shared->parent) {
            let_go_on(listener, &call); /* the parent has pauses of its own */
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
        shared->tries += is_try;
        shared->pauses += !is_try;
        if (is_try && shared->tries == 1 && job->place == IN_PAUSE) {
            fail_call(listener, &call, ETXTBSY);
            continue;
        }
        if (job->place == (is_try ? AT_EXEC : IN_PAUSE) && (is_try ? shared->tries : shared->pauses) == 1) {
            kill(child, job->signum);
            if (job->signum == SIGKILL || (is_try && job->special == NOTHING_SPECIAL)) {
                await_death(child);
            } else {
                shared->pending = read_status_set(path, "ShdPnd", &pending) &&
                                  read_status_set(path, "SigBlk", &blocked) &&
                                  (pending & blocked & BIT(job->signum));
            }
        }
        let_go_on(listener, &call);
    }
    _exit(0);
}

/* ---- the process that spawns ---- */

static void hear(int signum)
{
    (void)signum;
    shared->heard++;
}

/* Installs a filter that kills the process at execve(). */
static void kill_at_exec(void)
{
    struct sock_filter code[8];
    struct sock_fprog program = {0, code};

    code[program.len++] = LOAD(nr);
    code[program.len++] = UNLESS_EQUAL(SYS_execve, 1);
    code[program.len++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    code[program.len++] = UNLESS_EQUAL(SYS_execveat, 1);
    code[program.len++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(97);
    }
}

static void spawn_one(void *arg)
{
    static const long numbers[] = {
        SYS_execve, SYS_execveat, SYS_clock_nanosleep,
#ifdef SYS_nanosleep
        SYS_nanosleep,
#endif
    };
    const struct job *job = arg;
    const int signums[] = {job->signum, 0};
    QemuSpawnOptions opts = {.size = sizeof(opts)};
    QemuProcess *process;
    pid_t supervisor = 0;
    sigset_t set;

    force_way(job->way);
    shared->parent = getpid();
    if (job->place == BY_FILTER) {
        kill_at_exec();
    } else {
        int listener = ask_supervisor(numbers, sizeof(numbers) / sizeof(*numbers));

        supervisor = fork();
        if (listener == -1 || supervisor == -1) {
            _exit(96);
        }
        if (supervisor == 0) {
            supervise(listener, job);
        }
        close(listener);
    }
    if (job->special == IS_IGNORED) {
        opts.ignored = signums;
    } else if (job->special == IS_BLOCKED) {
        sigemptyset(&set);
        sigaddset(&set, job->signum);
        sigprocmask(SIG_BLOCK, &set, NULL);
        opts.signals = QEMU_SPAWN_SIGNALS_INHERIT;
    }
    signal(SIGCHLD, hear);
    process = spawn(ARGS(PROGRAM, "pending", "15"), &opts);
    tell("%s, errno %d, step %d, heard %d: \"%s\"; ", process ? "a handle" : "none", process ? 0 : told.error,
         (int)told.step, shared->heard, told.message);
    progress();
    tell("ended %d; ", process ? end_of(process) : 0);
    if (supervisor != 0) {
        signal(SIGCHLD, SIG_DFL);
        kill(supervisor, SIGKILL);
        wait_for(supervisor);
    }
    errno = 0;
    tell("%s left; ", waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD ? "no child" : "a child");
    tell("tries %d, pauses %d, pending %d\n", shared->tries, shared->pauses, shared->pending);
}

/* ---- the test ---- */

static const char *name_of(int signum)
{
    switch (signum) {
    case SIGKILL:
        return "SIGKILL";
    case SIGTERM:
        return "SIGTERM";
    case SIGQUIT:
        return "SIGQUIT";
    default:
        return "SIGSYS";
    }
}

static void test(const struct job *job)
{
    static const char *const places[] = {"at execve()", "in a pause", "by a filter at execve()"};
    static const char *const specials[] = {"", ", which is ignored", ", which is blocked"};
    char what[128], expected[256], text[256];

    memset(shared, 0, sizeof(*shared));
    snprintf(what, sizeof(what), "%s: %s %s%s", job->way->name, name_of(job->signum), places[job->place],
             specials[job->special]);
    if (!run_watched(spawn_one, (void *)(uintptr_t)job, what)) {
        return;
    }
    if (job->special != NOTHING_SPECIAL) {
        has_words(watched->words, "the program is executed", "a handle, errno 0, step 0, ", (char *)NULL);
        has_words(watched->words, "and has the signal pending, or knows nothing of it",
                  job->special == IS_BLOCKED ? "ended 5; " : "ended 0; ", (char *)NULL);
    } else {
        snprintf(expected, sizeof(expected), "none, errno %d, step %d, heard 0: \"", ECANCELED, QEMU_SPAWN_STEP_EXEC);
        snprintf(text, sizeof(text), "process ended by signal %d (%s) before it could execute '%s'", job->signum,
                 name_of(job->signum), PROGRAM);
        has_words(watched->words, "the spawn fails, and no SIGCHLD is sent", expected, (char *)NULL);
        has_words(watched->words, "the message names the signal", text, (char *)NULL);
    }
    has_words(watched->words, "nothing is left", "no child left; ", (char *)NULL);
    if (job->place == IN_PAUSE) {
        ok(shared->pauses > 0, "there was a pause (by nanosleep())");
        if (job->signum != SIGKILL && job->special != IS_IGNORED) {
            ok(shared->pending, "the signal stays pending in the pause");
        }
    }
}

/* main() of the program: whether that signal is pending. */
static int tell_pending(int signum)
{
    sigset_t set;

    return sigpending(&set) == 0 && sigismember(&set, signum) ? 5 : 0;
}

int main(int argc, char **argv)
{
    static const char kills_both[] = "before Linux 5.16 what dumps core ends who shares its memory, too";
    bool survives;

    if (argc > 1) {
        return strcmp(argv[1], "pending") == 0 ? tell_pending(atoi(argv[2])) : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_supervisor();
    shared = shared_memory(sizeof(*shared));
    survives = survives_dump();
    for (int i = 0; i < FORCED_WAYS; i++) {
        const struct forced_way *way = &forced_ways[i];
        bool is_fork = strcmp(way->name, "fork") == 0;

        test(&(struct job){way, AT_EXEC, SIGKILL, NOTHING_SPECIAL});
        test(&(struct job){way, AT_EXEC, SIGTERM, NOTHING_SPECIAL});
        test(&(struct job){way, AT_EXEC, SIGTERM, IS_IGNORED});
        test(&(struct job){way, AT_EXEC, SIGTERM, IS_BLOCKED});
        test(&(struct job){way, IN_PAUSE, SIGKILL, NOTHING_SPECIAL});
        test(&(struct job){way, IN_PAUSE, SIGTERM, NOTHING_SPECIAL});
        test(&(struct job){way, IN_PAUSE, SIGTERM, IS_IGNORED});
        test(&(struct job){way, IN_PAUSE, SIGTERM, IS_BLOCKED});
        if (survives || is_fork) {
            test(&(struct job){way, AT_EXEC, SIGQUIT, NOTHING_SPECIAL});
            test(&(struct job){way, IN_PAUSE, SIGQUIT, NOTHING_SPECIAL});
            test(&(struct job){way, BY_FILTER, SIGSYS, NOTHING_SPECIAL});
        } else {
            skip("SIGQUIT at execve() and in a pause, and SIGSYS", kills_both);
        }
    }
    return done();
}
