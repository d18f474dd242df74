/*
 * Functions for the tests of qemu_spawn(). Each of them executes itself: with arguments it is the spawned program,
 * which reports what it finds or does what its arguments say. So no other program is needed, and a fully static program
 * tests the same.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <qemu-fork.h>

#include "child.h"
#include "error-api.h"
#include "mask.h"
#include "net.h"

/* This very program, wherever the child's working directory is. */
#define SELF "/proc/self/exe"
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define OPTIONS(...) (&(QemuSpawnOptions){.size = sizeof(QemuSpawnOptions), __VA_ARGS__})

extern char **environ;

/* ---- in the program that was spawned ---- */

/* The signals that are ignored, from the kernel: libc hides its own. */
static uint64_t ignored_signals(void)
{
    return status_set("/proc/self/status", "SigIgn");
}

/* Prints a line for each open descriptor: what it is, and whether exec would close it. */
static void tell_descriptors(FILE *file)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    while (folder && (entry = readdir(folder)) != NULL) {
        int fd = atoi(entry->d_name);
        struct stat status;

        if (entry->d_name[0] == '.' || fd == dirfd(folder) || fd == fileno(file) || fstat(fd, &status) != 0) {
            continue;
        }
        fprintf(file, "%d is %llu/%llu %s\n", fd, (unsigned long long)status.st_dev, (unsigned long long)status.st_ino,
                fcntl(fd, F_GETFL) & O_RDWR ? "rw" : (fcntl(fd, F_GETFL) & O_WRONLY ? "w" : "r"));
    }
    if (folder) {
        closedir(folder);
    }
}

static void tell_ids(void)
{
    uid_t uids[3];
    gid_t gids[3], groups[64];
    int n = getgroups(64, groups);

    getresuid(&uids[0], &uids[1], &uids[2]);
    getresgid(&gids[0], &gids[1], &gids[2]);
    printf("uid %d %d %d\ngid %d %d %d\ngroups", (int)uids[0], (int)uids[1], (int)uids[2], (int)gids[0], (int)gids[1],
           (int)gids[2]);
    for (int i = 0; i < n; i++) {
        printf(" %d", (int)groups[i]);
    }
    printf("\nno_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

/* Waits until a signal ends it. Gives up after a while, in case the test ends without sending one. */
__attribute__((__noreturn__)) static void pause_for_ever(void)
{
    alarm(net_seconds());
    for (;;) {
        pause();
    }
}

/* Whether this system executes programs of this processor. */
static bool executes_programs(void)
{
    pid_t pid;

    if (!IS_EMULATED) {
        return true;
    }
    pid = fork();
    if (pid == 0) {
        execl(SELF, SELF, "exit", "0", (char *)NULL);
        _exit(126);
    }
    return wait_for(pid) == 0;
}

static const char only_emulated[] = "this system executes programs of this processor only under an emulator";

__attribute__((__unused__)) static void needs_programs(void)
{
    if (!executes_programs()) {
        skip_all(only_emulated);
    }
}

/* main() of a program that was spawned: does what its arguments say. */
static int spawned(int argc, char **argv)
{
    const char *what = argv[1];
    const char *how = argc > 2 ? argv[2] : "";

    if (strcmp(what, "exit") == 0) {
        return atoi(how);
    }
    if (strcmp(what, "signal") == 0) {
        const struct rlimit no_core = {0, 0};

        setrlimit(RLIMIT_CORE, &no_core);
        raise(atoi(how));
    } else if (strcmp(what, "signals") == 0) {
        printf("ignored %016llx blocked %016llx\n", (unsigned long long)ignored_signals(),
               (unsigned long long)status_set("/proc/thread-self/status", "SigBlk"));
    } else if (strcmp(what, "descriptors") == 0) {
        FILE *file = fopen(how, "we");

        if (!file) {
            return 99;
        }
        tell_descriptors(file);
        return fclose(file) == 0 ? 0 : 99;
    } else if (strcmp(what, "arguments") == 0) {
        for (int i = 0; i < argc; i++) {
            printf("%s\n", argv[i]);
        }
    } else if (strcmp(what, "environment") == 0) {
        for (char **text = environ; *text; text++) {
            printf("%s\n", *text);
        }
    } else if (strcmp(what, "cwd") == 0) {
        char path[PATH_MAX];

        printf("%s\n", getcwd(path, sizeof(path)) ? path : "none");
    } else if (strcmp(what, "umask") == 0) {
        printf("%03o\n", (unsigned)umask(0));
    } else if (strcmp(what, "ids") == 0) {
        tell_ids();
    } else if (strcmp(what, "session") == 0) {
        printf("leader %d group %d\n", getsid(0) == getpid(), getpgrp() == getpid() ? 0 : (int)getpgrp());
    } else if (strcmp(what, "limit") == 0) {
        struct rlimit limit = {0, 0};

        getrlimit(atoi(how), &limit);
        printf("%llu %llu\n", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    } else if (strcmp(what, "sched") == 0) {
        cpu_set_t cpus;

        sched_getaffinity(0, sizeof(cpus), &cpus);
        /* By a system call: musl's function only fails. */
        printf("policy %d nice %d cpus %d\n", (int)syscall(SYS_sched_getscheduler, 0), getpriority(PRIO_PROCESS, 0),
               CPU_COUNT(&cpus));
    } else if (strcmp(what, "foreground") == 0) {
        int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

        return tcgetpgrp(terminal) == getpgrp() ? 0 : 1;
    } else if (strcmp(what, "line") == 0) {
        char line[64] = "";

        return fgets(line, sizeof(line), stdin) && strncmp(line, how, strlen(how)) == 0 ? 0 : 1;
    } else if (strcmp(what, "cat") == 0) {
        char byte;

        while (read(STDIN_FILENO, &byte, 1) == 1) {
            if (write(STDOUT_FILENO, &byte, 1) != 1) {
                return 98;
            }
        }
    } else if (strcmp(what, "both") == 0) {
        return write(STDOUT_FILENO, "out\n", 4) == 4 && write(STDERR_FILENO, "err\n", 4) == 4 ? 0 : 98;
    } else if (strcmp(what, "pause") == 0) {
        pause_for_ever();
    } else if (strcmp(what, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
        puts("ready");
        fflush(stdout);
        pause_for_ever();
    } else {
        return 97;
    }
    return fflush(stdout) == 0 ? 0 : 98;
}

/* ---- in the test ---- */

/*
 * Whether the kernel can tell which file is open for writing, a script or its interpreter. (AT_EXECVE_CHECK, Linux 6.14.)
 */
__attribute__((__unused__)) static bool tells_busy(void)
{
    const char *const argv[] = {SELF, NULL};

    return syscall(SYS_execveat, AT_FDCWD, SELF, argv, environ, 0x10000) == 0;
}

/* The state that a spawn, failed or successful, must leave as it was. */
struct state {
    uint64_t mask;
    char cwd[PATH_MAX];
    mode_t umask;
    char **environ;
    unsigned long environment; /* a checksum of it */
    char descriptors[8192];    /* a text about all of them */
};

static void look_at_descriptors(char *text, size_t size)
{
    size_t length = 0;

    *text = '\0';
    for (int fd = 0; fd < 1024 && length < size; fd++) {
        int flags = fcntl(fd, F_GETFD);
        struct stat status;

        if (flags != -1 && fstat(fd, &status) == 0) {
            length += (size_t)snprintf(text + length, size - length, "%d:%d:%llu/%llu ", fd, flags,
                                       (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
        }
    }
}

static void look_at_state(struct state *state)
{
    memset(state, 0, sizeof(*state));
    state->mask = own_mask();
    if (!getcwd(state->cwd, sizeof(state->cwd))) {
        bail("getcwd");
    }
    state->umask = umask(0);
    umask(state->umask);
    state->environ = environ;
    for (char **text = environ; text && *text; text++) {
        for (const char *byte = *text; *byte; byte++) {
            state->environment = state->environment * 31 + (unsigned char)*byte;
        }
    }
    look_at_descriptors(state->descriptors, sizeof(state->descriptors));
}

__attribute__((__unused__)) static bool is_same_state(const struct state *before, const char *what)
{
    static struct state now;

    look_at_state(&now);
    if (ok(memcmp(before, &now, sizeof(now)) == 0, "%s", what)) {
        return true;
    }
    printf("# mask 0x%llx, 0x%llx; cwd %s, %s; umask %o, %o\n# descriptors before %s\n# descriptors now    %s\n",
           (unsigned long long)before->mask, (unsigned long long)now.mask, before->cwd, now.cwd,
           (unsigned)before->umask, (unsigned)now.umask, before->descriptors, now.descriptors);
    return false;
}

/* Whether this process has a child, running or ended. */
__attribute__((__unused__)) static bool has_child(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/*
 * Whether this process has a child that nobody will reap. A child of a spawn that has failed may need a moment to end.
 * Then a later call of the library reaps it, even a call that makes no sense.
 */
__attribute__((__unused__)) static bool child_is_left(void)
{
    enum { LOOKS = 20000 }; /* of a millisecond each: only a loaded machine needs more than one */

    for (int i = 0; has_child() && i < LOOKS; i++) {
        poll(NULL, 0, 1);
        qemu_spawn(NULL, NULL, NULL);
    }
    return has_child();
}

/* The results of the last spawn(). */
static struct {
    QemuSpawnStep step;
    int error;
    char message[1024];
} told;

/* Calls qemu_spawn(), and records all its results. */
__attribute__((__unused__)) static QemuProcess *spawn(const char *const *argv, const QemuSpawnOptions *opts)
{
    QemuSpawnOptions with_step = opts ? *opts : (QemuSpawnOptions){.size = sizeof(with_step)};
    Error *err = NULL;
    QemuProcess *process;

    told.step = (QemuSpawnStep)-1;
    if (!with_step.failed_step) {
        with_step.failed_step = &told.step;
    }
    errno = ERANGE;
    process = qemu_spawn(argv, &with_step, &err);
    told.error = errno;
    snprintf(told.message, sizeof(told.message), "%s", err ? error_get_pretty(err) : "");
    if (err) {
        error_free(err);
    }
    if (!process == !*told.message) {
        printf("# a handle or a message, not %s\n", process ? "both" : "neither");
        abort();
    }
    return process;
}

/* The same for a spawn that must succeed. */
__attribute__((__unused__)) static QemuProcess *must_spawn(const char *const *argv, const QemuSpawnOptions *opts)
{
    QemuProcess *process = spawn(argv, opts);

    if (!process) {
        printf("Bail out! qemu_spawn: %s\n", told.message);
        exit(99);
    }
    return process;
}

/*
 * Checks that a spawn fails with this errno, at this step, with this message, and leaves nothing. The last "%" in the
 * message stands for the text of the error.
 */
__attribute__((__unused__)) static void fails(const char *const *argv, const QemuSpawnOptions *opts, int error,
                                              QemuSpawnStep step, const char *message)
{
    static struct state before;
    char expected[1024];
    QemuProcess *process;
    const char *place = strrchr(message, '%');
    bool holds;

    if (place) {
        snprintf(expected, sizeof(expected), "%.*s%s%s", (int)(place - message), message, strerror(error), place + 1);
    } else {
        snprintf(expected, sizeof(expected), "%s", message);
    }
    look_at_state(&before);
    process = spawn(argv, opts);
    holds = !process && told.error == error && told.step == step && strcmp(told.message, expected) == 0;
    if (!ok(holds, "it fails: %s", expected)) {
        printf("# %s, errno %d (wanted %d), step %d (wanted %d), \"%s\"\n", process ? "a handle" : "NULL", told.error,
               error, (int)told.step, (int)step, told.message);
    }
    ok(!child_is_left(), "no child is left");
    is_same_state(&before, "all else is as it was");
    if (process) {
        qemu_process_stop(process, 0, NULL, NULL);
        qemu_process_free(process);
    }
}

/* Waits for the end and frees the handle. Returns how the child ended: its exit status, 1000 plus the signal, or -1. */
__attribute__((__unused__)) static int end_of(QemuProcess *process)
{
    QemuProcessStatus status = {.exit_code = -1};

    if (qemu_process_wait(process, -1, &status, NULL) != 1) {
        bail("qemu_process_wait");
    }
    qemu_process_free(process);
    switch (status.end) {
    case QEMU_PROCESS_EXITED:
        return status.exit_code;
    case QEMU_PROCESS_SIGNALED:
        return 1000 + status.term_signal;
    default:
        return -1;
    }
}

/* What the program writes to its stdout, in memory that the next call overwrites. It must end with status 0. */
__attribute__((__unused__)) static const char *output_of(const char *const *argv, const QemuSpawnOptions *opts)
{
    static char text[65536];
    QemuSpawnOptions with_pipe = opts ? *opts : (QemuSpawnOptions){.size = sizeof(with_pipe)};
    QemuProcess *process;
    int fd, end;

    with_pipe.flags |= QEMU_SPAWN_PIPE_STDOUT;
    process = must_spawn(argv, &with_pipe);
    fd = qemu_process_take_fd(process, STDOUT_FILENO);
    if (fd < 0) {
        bail("qemu_process_take_fd");
    }
    read_all(fd, text, sizeof(text));
    close(fd);
    end = end_of(process);
    if (end != 0) {
        ok(false, "the program ends with status 0, not %d", end);
    }
    return text;
}

/* A folder for the test's files, which is removed when the test ends. */
static char folder[] = "/tmp/qemu-fork-test-XXXXXX";
static pid_t folder_owner;

/* A forked child runs this handler, too, and must leave the folder alone. */
static void remove_folder(void)
{
    DIR *listing = getpid() == folder_owner ? opendir(folder) : NULL;
    struct dirent *entry;

    while (listing && (entry = readdir(listing)) != NULL) {
        if (unlinkat(dirfd(listing), entry->d_name, 0) != 0) {
            (void)unlinkat(dirfd(listing), entry->d_name, AT_REMOVEDIR);
        }
    }
    if (listing) {
        closedir(listing);
        rmdir(folder);
    }
}

/* Makes the folder, which is removed when the test exits. */
__attribute__((__unused__)) static void make_folder(void)
{
    folder_owner = getpid();
    if (!mkdtemp(folder) || chmod(folder, 0755) != 0 || atexit(remove_folder) != 0) {
        bail("mkdtemp");
    }
}

/* A path in the folder, in memory that the fourth call after this one overwrites. */
__attribute__((__unused__)) static const char *in_folder(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

__attribute__((__unused__)) static void make_file(const char *path, mode_t mode, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd == -1 || write(fd, bytes, size) != (ssize_t)size || fchmod(fd, mode) != 0 || close(fd) != 0) {
        bail(path);
    }
}

/* Makes a file in the folder with this text. */
__attribute__((__unused__)) static void make_text(const char *name, mode_t mode, const char *text)
{
    make_file(in_folder(name), mode, text, strlen(text));
}

/* The text, with the folder put in for each "@". It is in memory that the next call overwrites. */
__attribute__((__unused__)) static const char *with_folder(const char *text)
{
    static char result[2048];
    size_t length = 0;

    for (; *text && length < sizeof(result) - sizeof(folder); text++) {
        if (*text == '@') {
            length += (size_t)snprintf(result + length, sizeof(result) - length, "%s", folder);
        } else {
            result[length++] = *text;
        }
    }
    result[length] = '\0';
    return result;
}

#endif /* SPAWN_H */
