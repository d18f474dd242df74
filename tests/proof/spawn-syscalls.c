/*
 * Prints the system calls that a spawn makes: those of the parent between the call of qemu_spawn() and its return, and
 * those of the child up to its program.
 *
 * usage: spawn-syscalls LIBRARY WAY
 *
 * WAY is clone3, clone or fork: a filter closes the better ones. A traced process opens the library and goes through
 * the scenarios; it marks where each call begins and ends by a system call that does nothing. Each but the first is
 * made once before it is traced, so that what malloc asks of the kernel, and what the library finds out once, is not
 * in it. Plain fork() stands first: what libc does for it is libc's own business. What is made in libc's fork() is
 * marked, and a signal mask that is the one from before fork() shows as that: so it is the same whoever calls it.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "libc-fork.h"
#include "spawn-ways.h"

#include "qemu-fork.h"
#include "qemu-fork/error.h"

#include <inttypes.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MARK = 0x70720000, MARK_END = 0x70728000, EXIT_SKIP = 77, EXIT_CANNOT_TRACE = 3, MAX_TRACED = 256, NOBODY = 65534 };

/* ---- The traced process ---- */

pid_t fork(void)
{
    return marked_fork();
}

static QemuProcess *(*spawn)(const char *const *argv, const struct QemuSpawnOptions *opts, Error **errp);
static int (*process_wait)(const QemuProcess *proc, int64_t timeout_ms, struct QemuProcessStatus *status, Error **errp);
static void (*process_free)(QemuProcess *proc);

enum scenario {
    PLAIN_FORK, FIRST, DEFAULT, INHERIT, PIPES, EVERYTHING, SEARCH, OTHER_USER, DEATH_SIGNAL, NO_PROGRAM, NO_FOLDER,
    SCENARIOS,
};

static const char *const scenarios[SCENARIOS] = {
    "plain fork()", "the first", "default options", "inherited signals", "pipes", "everything set", "a search",
    "another user", "a death signal", "no such program", "no such directory",
};

/* Does nothing, visibly. */
static void mark(int what)
{
    syscall(SYS_fcntl, -1, F_GETFD, what);
}

static const struct QemuSpawnOptions *options_of(enum scenario scenario)
{
    static const int ignored[] = {SIGPIPE, 0};
    static const struct QemuSpawnFd fds[] = {{6, 7}, {7, 6}, {8, 8}, {-100, 9}};
    static const struct QemuSpawnRlimit limits[] = {{RLIMIT_CORE, 0, 0}};
    static gid_t groups[1];
    static struct QemuSpawnOptions options;

    groups[0] = getgid();
    options = (struct QemuSpawnOptions){.size = sizeof(options)};
    switch (scenario) {
    case INHERIT:
        options.signals = QEMU_SPAWN_SIGNALS_INHERIT;
        break;
    case PIPES:
        options.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT | QEMU_SPAWN_PIPE_STDERR;
        break;
    case EVERYTHING:
        options.flags = QEMU_SPAWN_SETSID | QEMU_SPAWN_SET_UMASK | QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID |
                        QEMU_SPAWN_NULL_STDIN | QEMU_SPAWN_MERGE_STDERR | QEMU_SPAWN_NO_NEW_PRIVS;
        options.ignored = ignored;
        options.fds = fds;
        options.n_fds = sizeof(fds) / sizeof(fds[0]);
        options.cwd = "/";
        options.umask = 022;
        options.rlimits = limits;
        options.n_rlimits = 1;
        options.uid = getuid();
        options.gid = getgid();
        break;
    case SEARCH:
        options.flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_SET_PGID | QEMU_SPAWN_LEAVE_FDS;
        break;
    case OTHER_USER:
        options.flags = QEMU_SPAWN_SET_GROUPS | QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID;
        options.uid = NOBODY;
        options.gid = NOBODY;
        options.groups = groups;
        options.n_groups = 1;
        break;
    case DEATH_SIGNAL:
        options.death_signal = SIGTERM;
        break;
    case NO_FOLDER:
        options.cwd = "/nonexistent";
        break;
    default:
        return NULL;
    }
    return &options;
}

static QemuProcess *spawn_once(enum scenario scenario, bool marked)
{
    static const char *const program[] = {"/bin/true", NULL}, *const name[] = {"true", NULL};
    static const char *const none[] = {"/nonexistent/program", NULL};
    const char *const *argv = scenario == NO_PROGRAM ? none : scenario == SEARCH ? name : program;
    const struct QemuSpawnOptions *options = options_of(scenario);
    QemuProcess *process;

    if (marked) {
        mark(MARK + (int)scenario);
    }
    process = spawn(argv, options, NULL);
    if (marked) {
        mark(MARK_END);
    }
    if (process) {
        process_wait(process, -1, NULL, NULL);
        process_free(process);
    }
    return process;
}

static void traced_fork(void)
{
    pid_t pid;

    mark(MARK + PLAIN_FORK);
    pid = fork();
    mark(MARK_END);
    if (pid == 0) {
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid) {
        abort();
    }
}

static void prepare(const char *path, enum way way)
{
    sigset_t mask;
    void *library;

    syscall(SYS_close_range, 3, ~0U, 0); /* that the numbers of descriptors are always the same */
    library = dlopen(path, RTLD_NOW);
    spawn = library ? dlsym(library, "qemu_spawn") : NULL;
    process_wait = library ? dlsym(library, "qemu_process_wait") : NULL;
    process_free = library ? dlsym(library, "qemu_process_free") : NULL;
    if (!spawn || !process_wait || !process_free) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    for (int fd = 6; fd <= 8; fd++) {
        if (dup2(STDIN_FILENO, fd) < 0) {
            exit(2);
        }
    }
    setenv("PATH", "/nonexistent:/bin", 1);
    /* A mask that is neither empty nor full, so that it is seen to come back. */
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGRTMAX);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    signal(SIGUSR1, SIG_IGN);
    free(malloc(100000)); /* or the first call might have to ask for memory */
    if (!force_way(way)) {
        printf("SKIP: no seccomp filter can be installed here, so a spawn cannot be made to go by %s()\n", way_names[way]);
        fflush(stdout);
        _exit(EXIT_SKIP);
    }
}

static void run_scenarios(void)
{
    traced_fork();
    spawn_once(FIRST, true);
    for (enum scenario scenario = DEFAULT; scenario < SCENARIOS; scenario++) {
        bool fails = scenario == NO_PROGRAM || scenario == NO_FOLDER;

        if (scenario == OTHER_USER && geteuid() != 0) {
            continue;
        }
        if (!spawn_once(scenario, false) != fails || !spawn_once(scenario, true) != fails) {
            fprintf(stderr, "%s: not as it should be\n", scenarios[scenario]);
            exit(2);
        }
    }
}

/* ---- The tracer ---- */

enum kind { PARENT, CHILD, HELPER };

static const char *const kinds[] = {"parent", "child", "helper"};

struct traced {
    pid_t pid;
    enum kind kind;
    int scenario;  /* -1: not within a call */
    bool in_fork;  /* what it does is libc's own */
    uint64_t mask; /* as it was when that began */
    long number;
    bool waiting;   /* its time was up: what it does until it waits again depends on how long the child takes */
    char text[400]; /* the call that it is in */
};

static struct traced traced[MAX_TRACED];
static int n_traced;
static int current_scenario = -1;
static bool current_in_fork;
static uint64_t current_mask;
static pid_t first, last_child;

static bool is_thread(pid_t pid)
{
    char path[64], line[128];
    int group = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Tgid: %d", &group) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return group == first;
}

static struct traced *find(pid_t pid)
{
    for (int i = 0; i < n_traced; i++) {
        if (traced[i].pid == pid) {
            return &traced[i];
        }
    }
    if (n_traced == MAX_TRACED) {
        fputs("too many processes\n", stderr);
        exit(2);
    }
    traced[n_traced] = (struct traced){.pid = pid, .kind = PARENT, .scenario = -1};
    if (n_traced > 0) {
        traced[n_traced].kind = is_thread(pid) ? HELPER : CHILD;
        traced[n_traced].scenario = current_scenario;
        traced[n_traced].in_fork = traced[n_traced].kind == CHILD && current_in_fork;
        traced[n_traced].mask = current_mask;
        last_child = traced[n_traced].kind == CHILD ? pid : last_child;
    }
    return &traced[n_traced++];
}

static bool read_memory(pid_t pid, uint64_t address, void *buffer, size_t size)
{
    struct iovec here = {buffer, size};
    struct iovec there = {(void *)(uintptr_t)address, size};

    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static void add(struct traced *who, const char *fmt, ...) __attribute__((__format__(__printf__, 2, 3)));

static void add(struct traced *who, const char *fmt, ...)
{
    size_t used = strlen(who->text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(who->text + used, sizeof(who->text) - used, fmt, ap);
    va_end(ap);
}

static void add_string(struct traced *who, uint64_t address)
{
    char byte = '?';

    add(who, "\"");
    while (read_memory(who->pid, address++, &byte, 1) && byte != '\0') {
        add(who, "%c", byte);
    }
    add(who, "\"");
}

static void add_set(struct traced *who, uint64_t address)
{
    uint64_t set = 0;

    if (!address) {
        add(who, "NULL");
    } else if (read_memory(who->pid, address, &set, sizeof(set))) {
        if (who->in_fork && set == who->mask) {
            add(who, "as before");
        } else {
            add(who, "%016" PRIx64, set);
        }
    }
}

static void add_action(struct traced *who, uint64_t address)
{
    unsigned long words[4] = {0};

    if (!address) {
        add(who, "NULL");
    } else if (!read_memory(who->pid, address, words, sizeof(words)) || (words[1] | words[2] | words[3])) {
        add(who, "something");
    } else {
        add(who, words[0] == 0 ? "default" : words[0] == 1 ? "ignore" : "handler");
    }
}

static void add_clone_flags(struct traced *who, uint64_t flags)
{
    static const struct {
        uint64_t flag;
        const char *name;
    } known[] = {
        {CLONE_VM, "VM"},           {CLONE_VFORK, "VFORK"}, {CLONE_FILES, "FILES"},
        {CLONE_PIDFD, "PIDFD"}, {UINT64_C(1) << 32, "CLEAR_SIGHAND"},
    };
    const char *bar = "";

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (flags & known[i].flag) {
            add(who, "%s%s", bar, known[i].name);
            flags &= ~known[i].flag;
            bar = "|";
        }
    }
    if (flags) {
        add(who, "%s%#" PRIx64, bar, flags);
    }
}

/* How the arguments are shown: d a number, x bits, s a string, m a set of signals, a an action, p a pointer, c a child's
 * id, f flags of clone(), F those in a struct, C and R what is asked of fcntl() and prctl(), - not at all. */
static const struct known_call {
    long number;
    const char *name, *arguments;
} known_calls[] = {
    {SYS_chdir, "chdir", "s"},
    {SYS_clone, "clone", "f"},
    {SYS_clone3, "clone3", "F"},
    {SYS_close, "close", "d"},
    {SYS_close_range, "close_range", "ddx"},
    {SYS_dup3, "dup3", "ddx"},
    {SYS_execve, "execve", "s"},
    {SYS_exit_group, "exit_group", "d"},
    {SYS_fcntl, "fcntl", "dC"},
    {SYS_getpid, "getpid", ""},
    {SYS_getppid, "getppid", ""},
    {SYS_openat, "openat", "ds"},
    {SYS_pidfd_open, "pidfd_open", "cd"},
    {SYS_pipe2, "pipe2", "-x"},
#ifdef SYS_poll
    {SYS_poll, "poll", ""},
#endif
    {SYS_ppoll, "poll", ""}, /* what libc makes of it where there is no other */
    {SYS_prctl, "prctl", "R"},
    {SYS_prlimit64, "prlimit64", "dd"},
    {SYS_read, "read", "d-d"},
    {SYS_rt_sigaction, "rt_sigaction", "da"},
    {SYS_rt_sigprocmask, "rt_sigprocmask", "-mp"},
    {SYS_set_robust_list, "set_robust_list", ""},
    {SYS_setgroups, "setgroups", "d"},
    {SYS_setpgid, "setpgid", "dd"},
    {SYS_setresgid, "setresgid", "---"},
    {SYS_setresuid, "setresuid", "---"},
    {SYS_setsid, "setsid", ""},
    {SYS_umask, "umask", "d"},
    {SYS_waitid, "waitid", "dc"},
    {SYS_write, "write", "d-d"},
};

static void add_request(struct traced *who, char how, int request, int argument)
{
    static const struct {
        char how;
        int request;
        const char *name;
        bool has_argument;
    } known[] = {
        {'C', F_GETFD, "GETFD", false},
        {'C', F_SETFD, "SETFD", true},
        {'C', F_DUPFD_CLOEXEC, "DUPFD_CLOEXEC", true},
        {'R', PR_GET_DUMPABLE, "GET_DUMPABLE", false},
        {'R', PR_SET_DUMPABLE, "SET_DUMPABLE", true},
        {'R', PR_SET_NO_NEW_PRIVS, "SET_NO_NEW_PRIVS", true},
        {'R', PR_SET_PDEATHSIG, "SET_PDEATHSIG", true},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].how == how && known[i].request == request) {
            add(who, "%s", known[i].name);
            if (known[i].has_argument) {
                add(who, ", %d", argument);
            }
            return;
        }
    }
    add(who, "%d, %d", request, argument);
}

static void add_argument(struct traced *who, char how, const struct __ptrace_syscall_info *info, int place)
{
    struct clone_args arguments = {0};
    uint64_t value = info->entry.args[place];

    switch (how) {
    case 'd':
        add(who, "%d", (int)value);
        break;
    case 'x':
        add(who, "%#x", (unsigned)value);
        break;
    case 's':
        add_string(who, value);
        break;
    case 'm':
        add_set(who, value);
        break;
    case 'a':
        add_action(who, value);
        break;
    case 'p':
        add(who, value ? "old" : "NULL");
        break;
    case 'c':
        add(who, (pid_t)value == last_child ? "child" : "another");
        break;
    case 'f':
        add_clone_flags(who, value);
        break;
    case 'C':
    case 'R':
        add_request(who, how, (int)value, (int)info->entry.args[place + 1]);
        break;
    case 'F':
        /* The first version; what is behind it, the library does not use. */
        if (read_memory(who->pid, value, &arguments, CLONE_ARGS_SIZE_VER0)) {
            add_clone_flags(who, arguments.flags);
        }
        break;
    default:
        break;
    }
}

static void begin_call(struct traced *who, const struct __ptrace_syscall_info *info)
{
    const char *comma = "";

    who->text[0] = '\0';
    for (size_t i = 0; i < sizeof(known_calls) / sizeof(known_calls[0]); i++) {
        const struct known_call *call = &known_calls[i];

        if ((uint64_t)call->number != info->entry.nr) {
            continue;
        }
        add(who, "%s(", call->name);
        for (int j = 0; call->arguments[j]; j++) {
            if (call->arguments[j] != '-') {
                add(who, "%s", comma);
                add_argument(who, call->arguments[j], info, call->arguments[j] == 'f' ? CLONE_FLAGS : j);
                comma = ", ";
            }
        }
        add(who, ")");
        return;
    }
    add(who, "number %d", (int)info->entry.nr);
}

static void end_call(struct traced *who, const char *result)
{
    if (who->text[0] && who->scenario >= 0) {
        printf("%s\t%s\t%s%s%s\n", scenarios[who->scenario], kinds[who->kind], who->in_fork ? "in fork(): " : "",
               who->text, result);
    }
    who->text[0] = '\0';
}

static bool is_poll(long number)
{
#ifdef SYS_poll
    if (number == SYS_poll) {
        return true;
    }
#endif
    return number == SYS_ppoll;
}

/* The parent's come before and after the child's beginning, which is within. */
static void on_fork_mark(struct traced *who, bool begins)
{
    who->in_fork = begins;
    if (begins && ptrace(PTRACE_GETSIGMASK, who->pid, (void *)sizeof(who->mask), &who->mask) != 0) {
        perror("PTRACE_GETSIGMASK");
        exit(2);
    }
    if (who->kind != CHILD) {
        current_in_fork = begins;
        current_mask = who->mask;
    }
}

static void before_call(struct traced *who, const struct __ptrace_syscall_info *info)
{
    who->number = (long)info->entry.nr;
    if (who->number == SYS_fcntl && (int)info->entry.args[0] == -1) {
        int what = (int)info->entry.args[2];

        if (what == MARK_END) {
            strcpy(who->text, "return");
            end_call(who, "");
            who->scenario = -1;
            current_scenario = who->kind == PARENT ? -1 : current_scenario;
        } else if (what == LIBC_FORK_BEGINS || what == LIBC_FORK_ENDS) {
            on_fork_mark(who, what == LIBC_FORK_BEGINS);
        } else {
            current_scenario = who->scenario = what - MARK;
            for (int i = 0; i < n_traced; i++) {
                if (traced[i].kind == HELPER) {
                    traced[i].scenario = current_scenario;
                }
            }
        }
        return;
    }
    who->waiting = who->waiting && !is_poll(who->number);
    /* Who waits for whom, and for how long, is not for us to say. */
    if (who->number != SYS_futex && !who->waiting && who->number != SYS_restart_syscall) {
        begin_call(who, info);
    }
}

static void after_call(struct traced *who, const struct __ptrace_syscall_info *info)
{
    char result[64] = "";

    if (is_poll(who->number) && info->exit.rval == 0) {
        who->waiting = true;
        who->text[0] = '\0';
    }
    if (info->exit.is_error) {
        snprintf(result, sizeof(result), " = %s", strerrorname_np((int)-info->exit.rval));
    }
    end_call(who, result);
}

static void on_system_call(struct traced *who)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, who->pid, (void *)sizeof(info), &info) <= 0) {
        printf("SKIP: this kernel does not tell about system calls (PTRACE_GET_SYSCALL_INFO, Linux 5.3): %s\n",
               strerror(errno));
        exit(EXIT_SKIP);
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        before_call(who, &info);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        after_call(who, &info);
    }
}

static int trace(void)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int status, result = 2;
    pid_t pid;

    if (waitpid(first, &status, 0) == first && WIFEXITED(status) && WEXITSTATUS(status) != EXIT_CANNOT_TRACE) {
        return WEXITSTATUS(status); /* it has said why */
    }
    if (!WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, first, NULL, (void *)options) != 0) {
        printf("SKIP: processes cannot be traced here (ptrace is not permitted)\n");
        kill(first, SIGKILL);
        return EXIT_SKIP;
    }
    find(first);
    ptrace(PTRACE_SYSCALL, first, NULL, NULL);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        struct traced *who = find(pid);
        unsigned long message = 0;
        long signal = 0;

        if (!WIFSTOPPED(status)) {
            end_call(who, "");
            if (pid == first) {
                result = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
            }
            who->pid = 0; /* the id may be another's soon */
            continue;
        }
        if (status >> 16 == PTRACE_EVENT_EXEC) {
            /* Its program is none of our business. */
            end_call(who, "");
            ptrace(PTRACE_DETACH, pid, NULL, NULL);
            who->pid = 0;
            continue;
        }
        if (status >> 16 != 0 && ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0) {
            find((pid_t)message); /* within the call that makes it, whoever is seen first */
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            on_system_call(who);
        } else if (WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP) {
            signal = WSTOPSIG(status);
        }
        ptrace(PTRACE_SYSCALL, pid, NULL, (void *)signal);
    }
    return result;
}

int main(int argc, char **argv)
{
    int way = 0;

    while (argc == 3 && way < WAYS && strcmp(argv[2], way_names[way]) != 0) {
        way++;
    }
    if (argc != 3 || way == WAYS) {
        fputs("usage: spawn-syscalls LIBRARY clone3|clone|fork\n", stderr);
        return 2;
    }
    fflush(stdout);
    first = fork();
    if (first < 0) {
        perror("fork");
        return 2;
    }
    if (first == 0) {
        prepare(argv[1], (enum way)way);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(EXIT_CANNOT_TRACE);
        }
        raise(SIGSTOP);
        run_scenarios();
        exit(0);
    }
    return trace();
}
