/*
 * A filter forbids to set a signal's disposition, or to ask for it. It forbids clone3() as well, which can clear the
 * handlers by itself. A child that cannot remove its parent's handlers must not unblock its signals: the spawn fails at
 * that step, and no handler ever runs in the child, however many signals are sent to it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forced-ways.h"
#include "watched.h"

enum refusal { SETTING, ASKING };

static struct {
    pid_t parent;
    int sent, elsewhere, stop;
} *storm;

struct job {
    const struct forced_way *way;
    enum refusal refusal;
    QemuSpawnSignals signals;
};

static void handler(int signum)
{
    (void)signum;
    if (syscall(SYS_getpid) != storm->parent) {
        __atomic_add_fetch(&storm->elsewhere, 1, __ATOMIC_SEQ_CST);
    }
}

#define LOAD_SECOND_HALF(field) \
    ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4))

/* Makes rt_sigaction() fail if it sets a disposition, or if it only asks for one. */
static void refuse(enum refusal refusal)
{
    struct sock_filter code[16];
    struct sock_fprog program = {0, code};
    const unsigned is_null = refusal == SETTING ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;
    const unsigned is_not = refusal == SETTING ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW;

    code[program.len++] = LOAD(nr);
    code[program.len++] = UNLESS_EQUAL(SYS_rt_sigaction, 6);
    code[program.len++] = LOAD(args[1]);
    code[program.len++] = UNLESS_EQUAL(0, 3);
    code[program.len++] = LOAD_SECOND_HALF(args[1]);
    code[program.len++] = UNLESS_EQUAL(0, 1);
    code[program.len++] = ANSWER(is_null);
    code[program.len++] = ANSWER(is_not);
    code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(97);
    }
}

/* Starts a process that sends the signal to each child of the spawning process. */
static pid_t start_storm(void)
{
    pid_t pid;

    memset(storm, 0, sizeof(*storm));
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        while (!__atomic_load_n(&storm->stop, __ATOMIC_SEQ_CST)) {
            pid_t parent = __atomic_load_n(&storm->parent, __ATOMIC_SEQ_CST), list[4];
            int n = parent > 0 ? children_of(parent, list, 4) : 0;

            for (int i = 0; i < n; i++) {
                storm->sent += kill(list[i], SIGUSR1) == 0;
            }
            sched_yield();
        }
        _exit(0);
    }
    return pid;
}

static void spawn_refused(void *arg)
{
    const struct job *job = arg;
    struct sigaction action = {.sa_handler = handler};
    QemuProcess *process;

    sigaction(SIGUSR1, &action, NULL);
    force_way(job->way);
    refuse(job->refusal);
    __atomic_store_n(&storm->parent, getpid(), __ATOMIC_SEQ_CST);
    process = spawn(ARGS(in_folder("busy")), OPTIONS(.signals = job->signals));
    tell("%s, errno %d, step %d, \"%s\"", process ? "a handle" : "none", process ? 0 : told.error, (int)told.step,
         told.message);
    progress();
    if (process) {
        end_of(process);
    }
    tell("%s", child_is_left() ? "; a child is left" : "");
}

static void test(const struct job *job)
{
    char what[128], words[64];
    pid_t sender = start_storm();

    snprintf(what, sizeof(what), "%s: to %s is forbidden, signals %s", job->way->name,
             job->refusal == SETTING ? "set a disposition" : "ask for one",
             job->signals == QEMU_SPAWN_SIGNALS_DEFAULT ? "by default" : "inherited");
    if (run_watched(spawn_refused, (void *)(uintptr_t)job, what)) {
        is_int(storm->elsewhere, 0, "no handler of the parent has run in the child");
        if (strcmp(job->way->name, "clone3") == 0) {
            /* INHERIT may not need to ask, but the spawn fails: the program is busy, or a signal ends the child. */
            ok(strncmp(watched->words, "none, ", 6) == 0, "the spawn fails: %s", watched->words);
        } else {
            snprintf(words, sizeof(words), "none, errno %d, step %d, ", EPERM, QEMU_SPAWN_STEP_SIGNALS);
            has_words(watched->words, "the spawn fails, and names the step", words, (char *)NULL);
        }
        ok(!strstr(watched->words, "a child is left"), "no child is left");
    }
    __atomic_store_n(&storm->stop, 1, __ATOMIC_SEQ_CST);
    wait_for(sender);
}

int main(int argc, char **argv)
{
    int busy;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    make_folder();
    /* A busy program is tried again for a while: time enough for the other process to find the child. */
    make_file(in_folder("busy"), 0755, "#!/bin/sh\n", 10);
    busy = open(in_folder("busy"), O_WRONLY | O_CLOEXEC);
    storm = shared_memory(sizeof(*storm));
    if (busy == -1) {
        bail("busy");
    }
    for (int i = 0; i < FORCED_WAYS; i++) {
        test(&(struct job){&forced_ways[i], SETTING, QEMU_SPAWN_SIGNALS_DEFAULT});
        test(&(struct job){&forced_ways[i], SETTING, QEMU_SPAWN_SIGNALS_INHERIT});
        test(&(struct job){&forced_ways[i], ASKING, QEMU_SPAWN_SIGNALS_INHERIT});
    }
    return done();
}
