/*
 * With DETACHED another process makes the child, before Linux 7.1. It is killed while the child, which may have this
 * process's memory, is about to execute the program. The spawn fails with an error that names the signal, and nothing
 * is left of the child.
 *
 * SPDX-License-Identifier: MIT
 */
#include "supervisor.h"
#include "watched.h"

static struct {
    pid_t spawner, child;
} *shared;

struct setting {
    const struct forced_way *way;
    bool is_subreaper;
};

/* Kills the parent of the process that calls execve(), which waits for an answer meanwhile, and never gets one. */
static void supervise(int listener)
{
    struct seccomp_notif call;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (next_call(listener, &call)) {
        pid_t parent = stat_of((pid_t)call.pid).parent;

        if (parent == shared->spawner) {
            let_go_on(listener, &call); /* the kernel reaps the child: there is no other process */
            continue;
        }
        shared->child = (pid_t)call.pid;
        kill(parent, SIGKILL);
    }
    _exit(0);
}

static void lose(void *arg)
{
    static const long numbers[] = {SYS_execve};
    const struct setting *setting = arg;
    QemuProcess *process;
    int listener, before;
    pid_t supervisor;

    prctl(PR_SET_CHILD_SUBREAPER, setting->is_subreaper, 0, 0, 0);
    force_way(setting->way);
    memset(shared, 0, sizeof(*shared));
    shared->spawner = getpid();
    listener = ask_supervisor(numbers, sizeof(numbers) / sizeof(*numbers));
    supervisor = fork();
    if (listener == -1 || supervisor == -1) {
        _exit(96);
    }
    if (supervisor == 0) {
        supervise(listener);
    }
    close(listener);
    before = count_descriptors();
    process = spawn(ARGS(SELF, "exit", "0"), OPTIONS(.flags = QEMU_SPAWN_DETACHED));
    progress();
    if (process) {
        if (!strstr(qemu_process_way(process), "+autoreap")) {
            tell("it was made: %s\n", qemu_process_way(process));
        }
        qemu_process_free(process);
    } else {
        if (told.error != ECANCELED || !strstr(told.message, "ended by signal 9 (SIGKILL)")) {
            tell("errno %d: %s\n", told.error, told.message);
        }
        if (shared->child == 0 || (process_state(shared->child) != 0 && process_state(shared->child) != 'Z')) {
            tell("the child lives on\n");
        }
    }
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
    if (child_is_left()) {
        tell("a child is left\n");
    }
    if (count_descriptors() != before) {
        tell("a descriptor is left\n");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    need_supervisor();
    shared = shared_memory(sizeof(*shared));
    for (int i = 0; i < 2 * FORCED_WAYS; i++) {
        struct setting setting = {&forced_ways[i / 2], i % 2};
        char what[128];

        snprintf(what, sizeof(what), "%s, %s", setting.way->name, setting.is_subreaper ? "a subreaper" : "a plain process");
        if (run_watched(lose, &setting, what)) {
            is_str(watched->words, "", "the spawn fails, and nothing is left");
        }
    }
    return done();
}
