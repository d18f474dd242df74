/*
 * A process is not told from another by its id: the first process of a PID namespace can make the first process of
 * another, and both have the id 1. In the second one a handle of the first is a copied handle, and without a descriptor
 * it signals nobody. And a program that executes another by its main thread does not end for its children.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "forced-ways.h"
#include "watched.h"

static char program[PATH_MAX];

/* The caller goes on as the first process of a namespace. The process that was it ends with the same status. */
static void become_first(void)
{
    int status;
    pid_t pid;

    if (unshare(CLONE_NEWPID) != 0) {
        _exit(FOREIGN);
    }
    pid = fork();
    if (pid == -1) {
        _exit(96);
    }
    if (pid > 0) {
        status = wait_for(pid);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 90);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* In the second namespace: a stranger has the id of the first one's child. */
static void use_copied_handle(QemuProcess *process)
{
    pid_t stranger = 0, wanted = qemu_process_pid(process);
    bool killed;

    while (stranger < wanted) {
        stranger = fork();
        if (stranger == 0) {
            pause_for_ever();
        }
        if (stranger == -1) {
            _exit(95);
        }
    }
    if (getpid() != 1 || stranger != wanted) {
        tell("the ids are %d and %d\n", (int)getpid(), (int)stranger);
        return;
    }
    errno = 0;
    killed = qemu_process_kill(process, SIGKILL, NULL);
    if (killed || errno != ECHILD) {
        tell("a signal by a copied handle: %d, errno %d\n", killed, errno);
    }
    progress();
    if (qemu_process_stop(process, 0, NULL, NULL)) {
        tell("a stop by a copied handle\n");
    }
    (void)wait_ms(process, 0);
    qemu_process_free(process);
    if (waitpid(stranger, NULL, WNOHANG) != 0) {
        tell("the stranger has ended\n");
    }
    /* The other strangers end with this process, which is their namespace's first. */
}

static void spawn_with_death_signal(void)
{
    QemuProcess *process = spawn(ARGS(program, "exit", "5"), OPTIONS(.death_signal = SIGKILL));

    progress();
    if (!process) {
        tell("with a death signal: \"%s\"\n", told.message);
    } else if (end_of(process) != 5) {
        tell("with a death signal: it ended otherwise\n");
    }
}

static void nest(void *arg)
{
    const int *forbidden = arg;
    QemuProcess *process;
    int status;
    pid_t pid;

    become_first();
    if (*forbidden != 0 && !forbid(*forbidden, ENOSYS)) {
        _exit(97);
    }
    process = must_spawn(ARGS(program, "pause"), NULL);
    spawn_with_death_signal();
    pid = unshare(CLONE_NEWPID) == 0 ? fork() : -1;
    if (pid == -1) {
        _exit(96);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (*forbidden != 0) {
            use_copied_handle(process);
        }
        spawn_with_death_signal();
        _exit(0);
    }
    status = wait_for(pid);
    if (status != 0) {
        tell("the second namespace's first process ended with 0x%x\n", (unsigned)status);
    }
    if (wait_ms(process, 0) != TIMED_OUT || !qemu_process_kill(process, SIGKILL, NULL) ||
        wait_ms(process, -1) != KILLED_BY + SIGKILL) {
        tell("the handle is of no use to its owner\n");
    }
    qemu_process_free(process);
}

/* ---- execve() of the parent ---- */

static void execute_another(void *arg)
{
    const struct forced_way *way = arg;
    QemuProcess *process;
    char pid[16];

    force_way(way);
    process = spawn(ARGS(program, "pause"), OPTIONS(.death_signal = SIGKILL));
    if (!process) {
        tell("\"%s\"\n", told.message);
        return;
    }
    snprintf(pid, sizeof(pid), "%d", (int)qemu_process_pid(process));
    watched->finished = true;
    execl(program, program, "executed", pid, (char *)NULL);
    _exit(94);
}

/* In the program that the parent has become: 0 if the child has got no signal but this one. */
static int was_left_alone(pid_t pid)
{
    int status = wait_for((kill(pid, SIGTERM), pid));

    return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : 1;
}

int main(int argc, char **argv)
{
    int none = 0, no_pidfd = NO_PIDFD;

    if (argc > 2 && strcmp(argv[1], "executed") == 0) {
        return was_left_alone(atoi(argv[2]));
    }
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    need_forced_ways();
    make_folder();
    copy_library();
    snprintf(program, sizeof(program), "%s", in_folder("program"));
    copy_file(SELF, program, 0755);
    for (int i = 0; i < FORCED_WAYS; i++) {
        char what[128];

        snprintf(what, sizeof(what), "the parent executes a program; the best way open is %s", forced_ways[i].name);
        if (run_watched(execute_another, (void *)(uintptr_t)&forced_ways[i], what)) {
            is_str(watched->words, "", "its child lives on");
        }
    }
    if (geteuid() != 0) {
        skip("PID 1 in PID 1", "only root can make a PID namespace");
        return done();
    }
    if (run_watched(nest, &none, "PID 1 in PID 1")) {
        is_str(watched->words, "", "each has its own children");
    }
    if (run_watched(nest, &no_pidfd, "the same without descriptors of processes")) {
        is_str(watched->words, "", "a copied handle signals nobody");
    }
    return done();
}
