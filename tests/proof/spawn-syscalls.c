/*
 * Prints the system calls that a spawn makes: those of the parent between the call of qemu_spawn() and its return, and
 * those of the child until it executes its program.
 *
 * usage: spawn-syscalls LIBRARY WAY
 *
 * WAY is one of those in spawn-ways.h: a filter closes the better ones. A traced process opens the library and goes
 * through the scenarios. It marks the begin and the end of each call by a system call that does nothing. Each scenario
 * but the first is run once before it is traced, so that the list has no calls that are made only once, by malloc or by
 * the library. The calls that libc makes to create a thread are marked, and left out.
 *
 * The number of calls that wait, or look how far another process is, depends on which process is quicker. So waiting is
 * left out, and so is a look that sees nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "call-tracer.h"
#include "spawn-everything.h"
#include "spawn-job.h"
#include "spawn-ways.h"
#include "system-call-names.h"

#include "qemu-fork.h"
#include "qemu-fork/error.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>

enum { MARK = 0x70720000, MARK_END = 0x70728000, LIBC_BEGINS, LIBC_ENDS };
enum { EXIT_CANNOT_TRACE = 3, MAX_TRACED = 256, NOBODY = 65534, FIRST_SOURCE = 6, JOB_CGROUP = 9 };

/* ---- The traced process ---- */

static QemuProcess *(*spawn)(const char *const *argv, const struct QemuSpawnOptions *opts, Error **errp);
static int (*process_wait)(const QemuProcess *proc, int64_t timeout_ms, struct QemuProcessStatus *status, Error **errp);
static int (*process_kill)(const QemuProcess *proc, int sig, Error **errp);
static void (*process_free)(QemuProcess *proc);
static int (*spawn_sync)(const char *const *argv, const struct QemuSpawnOptions *opts, int64_t timeout_ms,
                         struct QemuProcessStatus *status, Error **errp);

enum scenario {
    FIRST, DEFAULT, INHERIT, PIPES, EVERYTHING, SEARCH, OTHER_USER, DEATH_SIGNAL, DEATH_SIGNAL_THREAD, LIMIT,
    JOB, JOB_IN_CGROUP, NO_PROGRAM, NO_INTERPRETER, NO_FOLDER, LIMIT_NO_PROGRAM, SCENARIOS,
};

static const char *const scenarios[SCENARIOS] = {
    "the first", "default options", "inherited signals", "pipes", "everything set", "a search", "another user",
    "a death signal", "a death signal in another thread", "a limit of time", "a job", "a job in a cgroup",
    "no such program", "no such interpreter",
    "no such directory", "a limit of time, no such program",
};

static const char *script; /* its interpreter is not there */

/* ---- Threads, whose beginning and end is libc's ---- */

struct start {
    void *(*routine)(void *);
    void *argument;
};

static void *start_thread(void *context)
{
    struct start start = *(struct start *)context;
    void *result;

    free(context);
    mark(LIBC_ENDS);
    result = start.routine(start.argument);
    mark(LIBC_BEGINS);
    return result;
}

/* The library finds this one before libc's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument)
{
    typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    static create *libc_create;
    struct start *start;
    int error;

    mark(LIBC_BEGINS);
    libc_create = (create *)dlsym(RTLD_NEXT, "pthread_create");
    start = malloc(sizeof(*start));
    *start = (struct start){routine, argument};
    error = libc_create(thread, attributes, start_thread, start);
    mark(LIBC_ENDS);
    return error;
}

/*
 * The library finds this one before libc's. Time stands still, so no limit of time passes, which would lead to other
 * calls.
 */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time = (struct timespec){0};
    return 0;
}

/* ---- The scenarios ---- */

static const struct QemuSpawnOptions *options_of(enum scenario scenario)
{
    static struct QemuSpawnOptions options;

    options = (struct QemuSpawnOptions){.size = sizeof(options)};
    switch (scenario) {
    case INHERIT:
        options.signals = QEMU_SPAWN_SIGNALS_INHERIT;
        break;
    case PIPES:
        options.flags = QEMU_SPAWN_PIPE_STDIN | QEMU_SPAWN_PIPE_STDOUT | QEMU_SPAWN_PIPE_STDERR;
        break;
    case EVERYTHING:
        set_everything(&options, FIRST_SOURCE);
        break;
    case SEARCH:
        options.flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_SET_PGID | QEMU_SPAWN_LEAVE_FDS;
        break;
    case OTHER_USER:
        set_groups(&options);
        options.flags |= QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID;
        options.uid = NOBODY;
        options.gid = NOBODY;
        break;
    case DEATH_SIGNAL:
    case DEATH_SIGNAL_THREAD:
        options.death_signal = SIGTERM;
        break;
    case JOB:
        set_job(&options, -1);
        break;
    case JOB_IN_CGROUP:
        set_job(&options, JOB_CGROUP);
        break;
    case NO_FOLDER:
        options.cwd = "/nonexistent";
        break;
    default:
        return NULL;
    }
    return &options;
}

/* Runs a program to its end. Only then is it known whether it was started, so its end is in the list, too. */
static bool run_with_limit(enum scenario scenario, bool marked)
{
    static const char *const program[] = {"/bin/true", NULL}, *const none[] = {"/nonexistent/program", NULL};
    int result;

    if (marked) {
        mark(MARK + (int)scenario);
    }
    result = spawn_sync(scenario == LIMIT ? program : none, NULL, 1000000, NULL, NULL);
    if (marked) {
        mark(MARK_END);
    }
    return result == 0;
}

static bool is_job(enum scenario scenario)
{
    return scenario == JOB || scenario == JOB_IN_CGROUP;
}

static QemuProcess *spawn_once(enum scenario scenario, bool marked)
{
    /* A program that does not end by itself, so nothing depends on when it ends. */
    static const char *const program[] = {"/bin/sleep", "1000", NULL}, *const name[] = {"sleep", "1000", NULL};
    static const char *const none[] = {"/nonexistent/program", NULL};
    const char *const scripts[] = {script, NULL};
    const char *const *argv = scenario == NO_PROGRAM ? none : scenario == NO_INTERPRETER ? scripts
                              : scenario == SEARCH || is_job(scenario)                   ? name
                                                                                         : program;
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
        process_kill(process, SIGKILL, NULL);
        process_wait(process, -1, NULL, NULL);
        process_free(process);
    }
    return process;
}

static void *spawn_by_thread(void *marked)
{
    return spawn_once(DEATH_SIGNAL_THREAD, marked != NULL);
}

/* The tracer has it open. */
static bool open_cgroup(void)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getppid(), cgroup_of_jobs.own);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && dup3(fd, JOB_CGROUP, O_CLOEXEC) == JOB_CGROUP && close(fd) == 0;
}

/* With a terminal and the cgroup, which no other scenario finds open. */
static bool spawn_job(enum scenario scenario, bool marked)
{
    struct terminal terminal;
    bool started = open_terminal(&terminal) && (scenario == JOB || open_cgroup()) && spawn_once(scenario, marked);

    close_terminal(&terminal);
    close(JOB_CGROUP);
    return started;
}

/* Whether there was a child. */
static bool spawn_somehow(enum scenario scenario, bool marked)
{
    struct stat tasks;
    pthread_t thread;
    void *result = NULL;

    if (scenario == LIMIT || scenario == LIMIT_NO_PROGRAM) {
        return run_with_limit(scenario, marked);
    }
    if (is_job(scenario)) {
        return spawn_job(scenario, marked);
    }
    if (scenario != DEATH_SIGNAL_THREAD) {
        return spawn_once(scenario, marked);
    }
    if (pthread_create(&thread, NULL, spawn_by_thread, marked ? &thread : NULL) != 0 ||
        pthread_join(thread, &result) != 0) {
        return false;
    }
    /* The library's helper thread ends with its child. Then the next scenario finds the same descriptors. */
    while (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3) {
        sched_yield();
    }
    return result;
}

/* The lists call it "script". */
static bool make_script(void)
{
    static const char text[] = "#!/nonexistent/interpreter\n";
    static char path[] = "/tmp/spawn-syscalls-XXXXXX";
    int fd = mkstemp(path);

    script = path;
    return fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1 && fchmod(fd, 0755) == 0 &&
           close(fd) == 0;
}

static void prepare(const char *path, enum way way)
{
    void *library;

    setsid(); /* so that it may have a terminal */
    syscall(SYS_close_range, 3, ~0U, 0); /* so that descriptors have the same numbers each time */
    library = dlopen(path, RTLD_NOW);
    spawn = library ? dlsym(library, "qemu_spawn") : NULL;
    process_wait = library ? dlsym(library, "qemu_process_wait") : NULL;
    process_kill = library ? dlsym(library, "qemu_process_kill") : NULL;
    process_free = library ? dlsym(library, "qemu_process_free") : NULL;
    spawn_sync = library ? dlsym(library, "qemu_spawn_sync") : NULL;
    if (!spawn || !spawn_sync || !process_wait || !process_kill || !process_free) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    for (int fd = FIRST_SOURCE; fd < FIRST_SOURCE + SOURCES; fd++) {
        if (dup2(STDIN_FILENO, fd) < 0) {
            exit(2);
        }
    }
    setenv("PATH", "/nonexistent:/bin", 1);
    set_a_mask(sigprocmask);
    signal(SIGUSR1, SIG_IGN);
    free(malloc(100000)); /* so that the first call need not ask the kernel for memory */
    if (!force_way(way)) {
        printf("SKIP: no seccomp filter can be installed here, so the way %s() cannot be forced\n", way_names[way]);
        fflush(stdout);
        _exit(EXIT_SKIP);
    }
}

static void run_scenarios(void)
{
    spawn_once(FIRST, true);
    for (enum scenario scenario = DEFAULT; scenario < SCENARIOS; scenario++) {
        bool fails = scenario >= NO_PROGRAM;

        if ((scenario == OTHER_USER && geteuid() != 0) || (scenario == JOB_IN_CGROUP && cgroup_of_jobs.own < 0)) {
            continue;
        }
        if (spawn_somehow(scenario, false) == fails || spawn_somehow(scenario, true) == fails) {
            fprintf(stderr, "%s: another result than expected\n", scenarios[scenario]);
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
    bool in_libc;  /* its calls are libc's own */
    bool waited;   /* its last call waited, so the next one may only look at the result */
    uint64_t information; /* where waitid() is to put what it sees */
    enum { NO_LOOK, FIRST_LOOK, SECOND_LOOK, STOP_LOOK, END_LOOK } look; /* two for whether a child has executed its program */
    char text[400]; /* the call that it is in */
};

static struct traced traced[MAX_TRACED];
static int n_traced;
static int current_scenario = -1;
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
        traced[n_traced].in_libc = traced[n_traced].kind == HELPER; /* until it marks the end of libc's part */
        last_child = traced[n_traced].kind == CHILD ? pid : last_child;
    }
    return &traced[n_traced++];
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
    char text[128];
    size_t n = 0;

    while (n < sizeof(text) - 1 && read_memory(who->pid, address++, &text[n], 1) && text[n] != '\0') {
        n++;
    }
    text[n] = '\0';
    add(who, "\"%s\"", strcmp(text, script) == 0 ? "script" : text);
}

static void add_set(struct traced *who, uint64_t address)
{
    uint64_t set = 0;

    if (!address) {
        add(who, "NULL");
    } else if (read_memory(who->pid, address, &set, sizeof(set))) {
        add(who, "%016" PRIx64, set);
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

struct flag {
    uint64_t flag;
    const char *name;
};

static void add_flags(struct traced *who, uint64_t flags, const struct flag *known, size_t n)
{
    const char *bar = "";

    for (size_t i = 0; i < n; i++) {
        if (flags & known[i].flag) {
            add(who, "%s%s", bar, known[i].name);
            flags &= ~known[i].flag;
            bar = "|";
        }
    }
    if (flags || !*bar) {
        add(who, "%s%#" PRIx64, bar, flags);
    }
}

static void add_clone_flags(struct traced *who, uint64_t flags)
{
    static const struct flag known[] = {
        {CLONE_VM, "VM"},
        {CLONE_VFORK, "VFORK"},
        {CLONE_FILES, "FILES"},
        {CLONE_PIDFD, "PIDFD"},
        {CLONE_CHILD_SETTID, "CHILD_SETTID"},
        {CLONE_CHILD_CLEARTID, "CHILD_CLEARTID"},
        {UINT64_C(1) << 32, "CLEAR_SIGHAND"},
        {UINT64_C(1) << 33, "INTO_CGROUP"},
    };
    bool sigchld = (flags & 0xFF) == SIGCHLD;

    if (!sigchld || flags != SIGCHLD) {
        add_flags(who, sigchld ? flags & ~UINT64_C(0xFF) : flags, known, sizeof(known) / sizeof(known[0]));
    }
    add(who, "%s", sigchld ? ", SIGCHLD" : "");
}

static void add_wait_options(struct traced *who, uint64_t options)
{
    static const struct flag known[] = {
        {WEXITED, "EXITED"}, {WSTOPPED, "STOPPED"}, {WNOHANG, "NOHANG"},
        {WNOWAIT, "NOWAIT"}, {__WALL, "ALL"},       {__WCLONE, "CLONE"},
    };

    add_flags(who, options & UINT32_MAX, known, sizeof(known) / sizeof(known[0]));
}

static void add_close_range_flags(struct traced *who, uint64_t flags)
{
    static const struct flag known[] = {{1 << 1, "UNSHARE"}, {1 << 2, "CLOEXEC"}};

    add_flags(who, flags & UINT32_MAX, known, sizeof(known) / sizeof(known[0]));
}

/*
 * How the arguments are printed: d a number, x bits, s a string, m a set of signals, a an action, p a pointer, c a
 * child's id, g a signal, f flags of clone(), F those in a struct, o of a descriptor, r of close_range(), w the options
 * of waitid(), C and R the request to fcntl() and prctl(), - not at all. A call that is not in the list is printed by
 * its name alone.
 */
static const struct known_call {
    long number;
    const char *arguments;
} known_calls[] = {
    {SYS_chdir, "s"},
    {SYS_clone, "f"},
    {SYS_clone3, "F"},
    {SYS_close, "d"},
    {SYS_close_range, "ddr"},
    {SYS_dup3, "ddx"},
    {SYS_execve, "s"},
    {SYS_exit_group, "d"},
    {SYS_fcntl, "dC"},
    {SYS_kill, "cg"},
    {SYS_openat, "-s"},
    {SYS_openat2, "-s"},
    {SYS_pidfd_open, "cd"},
    {SYS_pidfd_send_signal, "dg"},
    {SYS_pipe2, "-o"},
    {SYS_pread64, "---d"},
    {SYS_prctl, "R"},
    {SYS_prlimit64, "dd"},
    {SYS_readlinkat, "-s"},
    {SYS_rt_sigaction, "da"},
    {SYS_rt_sigprocmask, "-mp"},
    {SYS_setgroups, "d"},
    {SYS_setpgid, "dd"},
    {SYS_statx, "d"},
    {SYS_umask, "d"},
    {SYS_waitid, "w"},
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
        {'R', PR_CAP_AMBIENT, "CAP_AMBIENT", true},
        {'R', PR_SET_NO_NEW_PRIVS, "SET_NO_NEW_PRIVS", true},
        {'R', PR_SET_PDEATHSIG, "SET_PDEATHSIG", true},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].how == how && known[i].request == request) {
            add(who, "%s", known[i].name);
            if (request == PR_CAP_AMBIENT && argument == PR_CAP_AMBIENT_CLEAR_ALL) {
                add(who, ", CLEAR_ALL");
            } else if (known[i].has_argument) {
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
    case 'o':
        add_flags(who, value, (struct flag[]){{O_CLOEXEC, "CLOEXEC"}}, 1);
        break;
    case 'g':
        add(who, "SIG%s", sigabbrev_np((int)value) ? sigabbrev_np((int)value) : "?");
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
        add(who, (pid_t)value == last_child ? "child" : "another process");
        break;
    case 'f':
        add_clone_flags(who, value);
        break;
    case 'r':
        add_close_range_flags(who, value);
        break;
    case 'w':
        add(who, (int)value == P_PID ? "" : (int)value == P_ALL ? "any, " : "descriptor ");
        add_argument(who, (int)value == P_PID ? 'c' : 'd', info, place + 1);
        add(who, ", ");
        add_wait_options(who, info->entry.args[3]);
        break;
    case 'C':
    case 'R':
        add_request(who, how, (int)value, (int)info->entry.args[place + 1]);
        break;
    case 'F':
        /* The structure's first version. The library does not use later members. */
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
    add(who, "%s(", system_call_name((long)info->entry.nr));
    for (size_t i = 0; i < sizeof(known_calls) / sizeof(known_calls[0]); i++) {
        const struct known_call *call = &known_calls[i];

        for (int j = 0; (uint64_t)call->number == info->entry.nr && call->arguments[j]; j++) {
            if (call->arguments[j] != '-') {
                add(who, "%s", comma);
                add_argument(who, call->arguments[j], info, call->arguments[j] == 'f' ? CLONE_FLAGS : j);
                comma = ", ";
            }
        }
    }
    add(who, ")");
}

static void end_call(struct traced *who, const char *result)
{
    if (who->text[0] && who->scenario >= 0) {
        printf("%s\t%s\t%s%s\n", scenarios[who->scenario], kinds[who->kind], who->text, result);
    }
    who->text[0] = '\0';
}

/* Calls that wait. How often they are made depends on which process is quicker. */
static bool is_wait(long number)
{
    switch (number) {
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
    case SYS_futex:
    case SYS_clock_nanosleep:
    case SYS_restart_syscall:
        return true;
    default:
        return false;
    }
}

static int look_of(const struct __ptrace_syscall_info *info)
{
    const uint32_t options = (uint32_t)info->entry.args[3];

    if (options & WSTOPPED) {
        return STOP_LOOK; /* for a zombie it finds no child */
    }
    if (info->entry.args[0] != P_PID) {
        return options & WNOWAIT ? END_LOOK : NO_LOOK;
    }
    return options == (WEXITED | WNOHANG | WNOWAIT | (uint32_t)__WCLONE) ? FIRST_LOOK
           : options == (WEXITED | WNOHANG | WNOWAIT)                    ? SECOND_LOOK
                                                                         : NO_LOOK;
}

/* When this returns, the thread that waits for the program may have gone on already. */
static bool waits_for_end(const struct __ptrace_syscall_info *info)
{
    return info->entry.nr == SYS_waitid && !(info->entry.args[3] & WNOHANG);
}

static void on_mark(struct traced *who, int what)
{
    if (what == LIBC_BEGINS || what == LIBC_ENDS) {
        who->in_libc = what == LIBC_BEGINS;
    } else if (what == MARK_END) {
        strcpy(who->text, "return");
        end_call(who, "");
        who->scenario = current_scenario = -1;
    } else {
        current_scenario = who->scenario = what - MARK;
        who->kind = PARENT;
    }
}

static void before_call(struct traced *who, const struct __ptrace_syscall_info *info)
{
    long number = (long)info->entry.nr;
    bool looks = number == SYS_getppid && who->waited; /* looks whether the parent that it waited for has ended */
    int what;

    if (is_mark(info, &what)) {
        on_mark(who, what);
        return;
    }
    if (who->kind == HELPER && waits_for_end(info)) {
        begin_call(who, info);
        end_call(who, " until the child has ended");
        who->scenario = -1;
    }
    who->waited = is_wait(number);
    who->information = number == SYS_waitid ? info->entry.args[2] : 0;
    who->look = number == SYS_waitid ? look_of(info) : NO_LOOK;
    if (!who->waited && !looks && !who->in_libc) {
        begin_call(who, info);
    }
}

/* Whether this is a waitid() that saw nothing. */
static bool saw_nothing(struct traced *who, const struct __ptrace_syscall_info *info)
{
    siginfo_t information = {0};

    return who->information && !info->exit.is_error &&
           read_memory(who->pid, who->information, &information, sizeof(information)) && information.si_pid == 0;
}

static void after_call(struct traced *who, const struct __ptrace_syscall_info *info)
{
    char result[64] = "";

    if (who->look == SECOND_LOOK && !info->exit.is_error) {
        /* The child has executed its program between the two looks. Shown as if the first had seen it. */
        strcpy(who->text, "waitid(child, EXITED|NOHANG|NOWAIT|CLONE)");
        strcpy(result, " = ECHILD");
    } else if (who->look == SECOND_LOOK || (who->look == FIRST_LOOK && !info->exit.is_error) ||
               (who->look == STOP_LOOK && info->exit.is_error) || saw_nothing(who, info) ||
               (who->look == END_LOOK && who->scenario == LIMIT)) {
        /* Also the end of a child that has just reported why it could not go on, or of a program that was quick. */
        who->text[0] = '\0';
    } else if (info->exit.is_error) {
        snprintf(result, sizeof(result), " = %s", strerrorname_np((int)-info->exit.rval));
    }
    end_call(who, result);
}

static void on_system_call(struct traced *who)
{
    struct __ptrace_syscall_info info = read_call(who->pid);

    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        before_call(who, &info);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        after_call(who, &info);
    }
}

static int trace(void)
{
    int status, result = 2;
    pid_t pid;

    if (waitpid(first, &status, 0) == first && WIFEXITED(status) && WEXITSTATUS(status) != EXIT_CANNOT_TRACE) {
        return WEXITSTATUS(status); /* it has printed the reason */
    }
    if (!begin_tracing(first, status, PTRACE_O_TRACEEXEC)) {
        return EXIT_SKIP;
    }
    find(first);
    ptrace(PTRACE_SYSCALL, first, NULL, NULL);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        struct traced *who = find(pid);
        pid_t made;

        if (!WIFSTOPPED(status)) {
            end_call(who, "");
            if (pid == first) {
                result = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
            }
            who->pid = 0; /* the id may be used again */
            continue;
        }
        if (status >> 16 == PTRACE_EVENT_EXEC) {
            /* The system calls of the program do not matter. */
            end_call(who, "");
            ptrace(PTRACE_DETACH, pid, NULL, NULL);
            who->pid = 0;
            continue;
        }
        made = made_process(pid, status);
        if (made > 0) {
            find(made); /* within the call that makes it, whichever process is seen first */
        }
        if (is_at_call(status)) {
            on_system_call(who);
        }
        go_to_next_call(pid, status);
    }
    return result;
}

int main(int argc, char **argv)
{
    int way = 0, result;

    while (argc == 3 && way < WAYS && strcmp(argv[2], way_names[way]) != 0) {
        way++;
    }
    if (argc != 3 || way == WAYS) {
        fputs("usage: spawn-syscalls LIBRARY WAY\n", stderr);
        return 2;
    }
    if (!make_script()) {
        perror("a script");
        return 2;
    }
    make_cgroup();
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
    result = trace();
    unlink(script);
    remove_cgroup();
    return result;
}
