/*
 * A job in the foreground of a terminal: it may read, ^C reaches it and not its parent, and nobody is stopped by SIGTTOU.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ioctl.h>
#include <termios.h>

#include "another-user.h"

#define FOREGROUND .flags = QEMU_SPAWN_FOREGROUND

static int master;

/* As a shell does it after a job. */
static bool take_back(int terminal)
{
    sigset_t ttou, before;
    bool is_ours;

    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    sigprocmask(SIG_BLOCK, &ttou, &before);
    is_ours = tcsetpgrp(terminal, getpgrp()) == 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return is_ours;
}

/* The process that has the terminal. Returns the number of the first check that does not hold. */
static int shell(const char *name)
{
    QemuProcess *job;
    int terminal;

    alarm(net_seconds());
    if (setsid() == -1) {
        return 1;
    }
    terminal = open(name, O_RDWR | O_CLOEXEC);
    if (terminal == -1 || ioctl(terminal, TIOCSCTTY, 0) != 0 || tcgetpgrp(terminal) != getpgrp() ||
        dup2(terminal, STDIN_FILENO) == -1) {
        return 2;
    }
    if (end_of(must_spawn(ARGS(SELF, "foreground"), NULL)) != 0) {
        return 3; /* it is in our group */
    }
    if (end_of(must_spawn(ARGS(SELF, "foreground"), OPTIONS(FOREGROUND))) != 0 || tcgetpgrp(terminal) == getpgrp()) {
        return 4;
    }
    /* We are in the background now: another job comes to the foreground all the same. */
    if (end_of(must_spawn(ARGS(SELF, "foreground"),
                          OPTIONS(FOREGROUND, .signals = QEMU_SPAWN_SIGNALS_INHERIT))) != 0) {
        return 5;
    }
    if (write(master, "hello\n", 6) != 6 || end_of(must_spawn(ARGS(SELF, "line", "hello"), OPTIONS(FOREGROUND))) != 0) {
        return 6;
    }
    job = must_spawn(ARGS(SELF, "pause"), OPTIONS(FOREGROUND));
    if (getpgid(qemu_process_pid(job)) != qemu_process_pid(job) || tcgetpgrp(terminal) != qemu_process_pid(job)) {
        return 7;
    }
    if (write(master, "\003", 1) != 1 || end_of(job) != 1000 + SIGINT) {
        return 8;
    }
    /* The number that the terminal would get is that of a file, and stdin is closed. */
    if (end_of(must_spawn(ARGS(SELF, "foreground"),
                          OPTIONS(FOREGROUND, .fds = (const QemuSpawnFd[]){{QEMU_SPAWN_FD_CLOSED, 0}}, .n_fds = 1,
                                  .files = (const QemuSpawnFile[]){{3, "/dev/null", O_RDWR, 0},
                                                                   {4, "/dev/null", O_RDWR, 0},
                                                                   {5, "/dev/null", O_RDWR, 0}}, .n_files = 3))) != 0) {
        return 9;
    }
    /* Another job's group. */
    job = must_spawn(ARGS(SELF, "pause"), OPTIONS(.flags = QEMU_SPAWN_SET_PGID));
    if (end_of(must_spawn(ARGS(SELF, "foreground"), OPTIONS(.flags = QEMU_SPAWN_FOREGROUND | QEMU_SPAWN_SET_PGID,
                                                            .pgid = qemu_process_pid(job)))) != 0 ||
        tcgetpgrp(terminal) != qemu_process_pid(job) || !qemu_process_stop(job, 0, NULL, NULL)) {
        return 10;
    }
    qemu_process_free(job);
    /* A user who may not open the terminal. */
    if (geteuid() == 0 && setgroups(0, NULL) == 0 && fchmod(terminal, 0600) == 0) {
        job = must_spawn(ARGS("/bin/sleep", "100"), OPTIONS(.flags = QEMU_SPAWN_FOREGROUND | QEMU_SPAWN_SET_UID,
                                                            .uid = NOBODY));
        if (tcgetpgrp(terminal) != qemu_process_pid(job) || !qemu_process_stop(job, 0, NULL, NULL)) {
            return 11;
        }
        qemu_process_free(job);
    }
    return take_back(terminal) && tcgetpgrp(terminal) == getpgrp() ? 0 : 12;
}

/* Without a terminal. */
static int alone(void)
{
    if (setsid() == -1) {
        return 1;
    }
    if (spawn(ARGS("/bin/true"), OPTIONS(FOREGROUND)) || told.error != ENXIO || told.step != QEMU_SPAWN_STEP_TERMINAL) {
        return 2;
    }
    return strncmp(told.message, "cannot bring it to the foreground, because there is no terminal: ", 65) == 0 ? 0 : 3;
}

static int exit_of(pid_t pid)
{
    int status = wait_for(pid);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

int main(int argc, char **argv)
{
    const char *name;
    pid_t pid;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    pid = fork();
    if (pid == 0) {
        _exit(alone());
    }
    is_int(exit_of(pid), 0, "without a terminal it fails with ENXIO");
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master == -1 || grantpt(master) != 0 || unlockpt(master) != 0 || !(name = ptsname(master))) {
        skip("jobs in the foreground", "this system has no pseudoterminals");
        return done();
    }
    pid = fork();
    if (pid == 0) {
        _exit(shell(name));
    }
    is_int(exit_of(pid), 0, "jobs in the foreground");
    return done();
}
