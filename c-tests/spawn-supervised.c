/*
 * A seccomp supervisor decides by the flags whether a process may be made: with CLONE_FILES or without. So the trial
 * child may be allowed and the real one refused, or the other way round. A spawn then takes another way or fails. It
 * must not try again for ever: it ends after a few calls.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/uio.h>

#include "supervisor.h"
#include "watched.h"

/* A spawn makes at most this many calls that make a process: enough for all ways, their trials and second tries. */
enum { BOUND = 12 };

enum { OF_CLONE3 = 1, OF_CLONE = 2, WITH_FILES = 4 };

static struct {
    pid_t parent;
    int calls, refused;
} *shared;

struct job {
    int refusal; /* refuses OF_CLONE3, OF_CLONE or both, without CLONE_FILES; with WITH_FILES, those with it */
    int error;
    uint64_t flags;
    const char *name;
};

/* The flags of a call that makes a process. */
static uint64_t flags_of(const struct seccomp_notif *call)
{
    uint64_t flags = 0;
    struct iovec to = {&flags, sizeof(flags)};
    struct iovec from = {(void *)(uintptr_t)call->data.args[0], sizeof(flags)};

    if (call->data.nr != SYS_clone3) {
        return call->data.args[FLAGS_ARGUMENT];
    }
    return process_vm_readv((pid_t)call->pid, &to, 1, &from, 1, 0) == (ssize_t)sizeof(flags) ? flags : 0;
}

static void supervise(int listener, const void *arg)
{
    const struct job *job = arg;
    struct seccomp_notif call;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (next_call(listener, &call)) {
        bool has_files = flags_of(&call) & CLONE_FILES;
        bool is_meant = job->refusal & (call.data.nr == SYS_clone3 ? OF_CLONE3 : OF_CLONE);

        if ((pid_t)call.pid != shared->parent) {
            let_go_on(listener, &call);
            continue;
        }
        if (++shared->calls > 1000) {
            kill(shared->parent, SIGKILL); /* all other signals are blocked while it makes children for ever */
        }
        if (is_meant && has_files == !!(job->refusal & WITH_FILES)) {
            shared->refused++;
            fail_call(listener, &call, job->error);
        } else {
            let_go_on(listener, &call);
        }
    }
    _exit(0);
}

static void spawn_supervised(void *arg)
{
    static const long numbers[] = {
        SYS_clone3, SYS_clone,
#ifdef SYS_fork
        SYS_fork, SYS_vfork,
#endif
    };
    const struct job *job = arg;
    pid_t supervisor;

    shared->parent = getpid();
    supervisor = fork_supervisor(numbers, sizeof(numbers) / sizeof(*numbers), supervise, job);
    for (int i = 0; i < 2; i++) {
        QemuProcess *process;
        int before = shared->calls;

        process = spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = job->flags));
        tell("%s, way %s, step %d, \"%s\", %d calls%s\n", process ? "a handle" : "none",
             process ? qemu_process_way(process) : "none", (int)told.step, told.message, shared->calls - before,
             shared->calls - before > BOUND ? ": too many" : "");
        progress();
        if (process) {
            end_of(process);
        }
    }
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
    tell("%s", child_is_left() ? "a child is left\n" : "");
}

static void test(const struct job *job)
{
    char what[160];

    memset(shared, 0, sizeof(*shared));
    snprintf(what, sizeof(what), "%s, %s: %s", job->name, job->flags & QEMU_SPAWN_LEAVE_FDS ? "LEAVE_FDS" : "no flags",
             strerror(job->error));
    if (!run_watched(spawn_supervised, (void *)(uintptr_t)job, what)) {
        printf("# %d processes asked for, %d refused\n", shared->calls, shared->refused);
        return;
    }
    ok(shared->calls > 0, "the supervisor was asked");
    if (!ok(!strstr(watched->words, "too many"), "and no more often than BOUND")) {
        printf("# %s", watched->words);
    }
    ok(!strstr(watched->words, "left"), "no child is left");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int refusal;
    } refusals[] = {
        {"clone3() without CLONE_FILES is refused", OF_CLONE3},
        {"clone3() and clone() without CLONE_FILES are refused", OF_CLONE3 | OF_CLONE},
        {"clone3() with CLONE_FILES is refused", OF_CLONE3 | WITH_FILES},
        {"clone3() and clone() with CLONE_FILES are refused", OF_CLONE3 | OF_CLONE | WITH_FILES},
    };
    static const int errors[] = {EPERM, ENOSYS, EINVAL};

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_supervisor();
    shared = shared_memory(sizeof(*shared));
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        for (size_t error = 0; error < sizeof(errors) / sizeof(*errors); error++) {
            test(&(struct job){refusals[i].refusal, errors[error], 0, refusals[i].name});
            test(&(struct job){refusals[i].refusal, errors[error], QEMU_SPAWN_LEAVE_FDS, refusals[i].name});
        }
    }
    return done();
}
