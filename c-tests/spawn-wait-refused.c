/*
 * A filter refuses waitid(), by which the library asks whether a child has executed its program. A program that is
 * missing is a failed spawn nevertheless, and so is a child that ends before it executes the program. A program that is
 * executed has a handle.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forced-ways.h"
#include "watched.h"

struct job {
    const struct forced_way *way;
    int error;
    bool limited, killed, only_fork;
};

static void refuse(const struct job *job)
{
    struct sock_filter code[16];
    struct sock_fprog program = {0, code};

    code[program.len++] = LOAD(nr);
    code[program.len++] = UNLESS_EQUAL(SYS_waitid, 1);
    code[program.len++] = ANSWER(SECCOMP_RET_ERRNO | (unsigned)job->error);
    if (job->killed) {
        code[program.len++] = UNLESS_EQUAL(SYS_chdir, 1);
        code[program.len++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    }
    if (job->only_fork) {
        /* The call that libc's fork() makes is the only one that makes a process. */
        code[program.len++] = UNLESS_EQUAL(SYS_clone, 3);
        code[program.len++] = LOAD_LOW_HALF(args[FLAGS_ARGUMENT]);
        code[program.len++] = IF_SET(CLONE_CHILD_SETTID, 1);
        code[program.len++] = ANSWER(SECCOMP_RET_ERRNO | EPERM);
    }
    code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(97);
    }
}

/* Makes a child, and tells what the caller is told. */
static void make_one(const struct job *job, const char *const *argv, const QemuSpawnOptions *opts)
{
    QemuSpawnStep step = QEMU_SPAWN_STEP_NONE;
    QemuProcessStatus status;
    QemuSpawnOptions copy = *opts;
    Error *err = NULL;
    QemuProcess *process = NULL;
    bool made;

    copy.failed_step = &step;
    if (job->limited) {
        /* The program's end cannot be asked for either, so it is unknown. */
        made = qemu_spawn_sync(argv, &copy, 600000, &status, &err) == 0;
    } else {
        process = qemu_spawn(argv, &copy, &err);
        made = process != NULL;
    }
    progress();
    if (made) {
        tell("made\n");
    } else {
        tell("errno %d, step %d: %s\n", errno, (int)step, err ? error_get_pretty(err) : "no text");
    }
    error_free(err);
    qemu_process_free(process);
}

static void run_job(void *arg)
{
    const struct job *job = arg;

    force_way(job->way);
    refuse(job);
    if (job->killed) {
        make_one(job, ARGS(SELF, "exit", "0"), OPTIONS(.cwd = "/"));
    } else {
        make_one(job, ARGS("/nowhere"), OPTIONS(.flags = 0));
        make_one(job, ARGS(SELF, "exit", "0"), OPTIONS(.flags = 0));
    }
    while (waitpid(-1, NULL, __WALL) > 0) {
    }
}

static void test(const struct job *job)
{
    char what[128], expected[256];

    snprintf(what, sizeof(what), "%s%s, waitid() fails with errno %d%s", job->only_fork ? "only libc's " : "",
             job->way->name, job->error, job->limited ? ", with a limit of time" : "");
    if (!run_watched(run_job, (void *)(uintptr_t)job, what)) {
        return;
    }
    if (job->killed) {
        snprintf(expected, sizeof(expected), "errno %d, step %d: process ended before it could execute '%s'\n",
                 ECANCELED, QEMU_SPAWN_STEP_CWD, SELF);
        is_str(watched->words, expected, "a child that ends before exec is a failed spawn");
    } else {
        snprintf(expected, sizeof(expected), "errno %d, step %d: cannot execute '/nowhere': %s\nmade\n", ENOENT,
                 QEMU_SPAWN_STEP_EXEC, strerror(ENOENT));
        is_str(watched->words, expected, "a missing program is a failed spawn, another one is executed");
    }
}

int main(int argc, char **argv)
{
    static const int errors[] = {EPERM, ENOSYS};
    bool survives;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    survives = survives_dump();
    for (int way = 0; way <= FORCED_WAYS; way++) {
        for (int i = 0; i < 4; i++) {
            bool only_fork = way == FORCED_WAYS;
            struct job job = {&forced_ways[only_fork ? way - 1 : way], errors[i / 2], i % 2 != 0, false, only_fork};

            test(&job);
            job.killed = true;
            if (survives || strcmp(job.way->name, "fork") == 0) {
                test(&job);
            } else {
                skip(job.way->name, "before Linux 5.16 what dumps core ends who shares its memory, too");
            }
        }
    }
    return done();
}
