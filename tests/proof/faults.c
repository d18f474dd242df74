/*
 * The failure of every system call of qemu_fork().
 *
 * The system calls are found by tracing an undisturbed call, in the parent and in the child, and not from the source.
 * Then each of them is made to fail, with each of several errnos, in a fresh process: the tracer keeps the call from
 * being made and sets its result to the error. The caller, its child, stderr and the exit status are compared with the
 * contract. A call has one of these purposes:
 *
 *   block       the parent blocks its signals: qemu_fork() fails, "cannot block signals"
 *   fork        there is no child: qemu_fork() fails, "cannot fork child process"
 *   restore     the parent gets its mask back: nothing can be done, the call goes on, and the mask stays as it was
 *   reset       the child resets one disposition: it goes on, and only that one may be left as it was
 *   unblock     the child empties its mask: it says so on stderr and ends with status 1, whatever errp is
 *   libc's own  the call goes on as if nothing had happened, or fails with that errno as if fork had
 *
 * Two failures in a row are tried as well: what follows a failed fork, and what follows a failed unblocking. At the
 * end thousands of calls that fail, and some that do not, must leave memory, descriptors and children as they were.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "common.h"

#include "tracer.h"

#ifndef HAVE_TRACER

int main(int argc, char **argv)
{
    begin(argc, argv);
    skip("system calls are made to fail on x86_64 Linux only: this is another processor");
}

#else

#include <linux/ptrace.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "system-call-names.h"

enum { MAX_CALLS = 4096, ERRNO_BEFORE = 77 };

static const int errnos[] = {EPERM, EINTR, EAGAIN, ENOMEM, EFAULT, EINVAL, ENOSYS, 4095};

enum { ERRNOS = sizeof(errnos) / sizeof(errnos[0]) };

enum mode { WITH_NULL, WITH_SLOT, WITH_FATAL, WITH_ABORT, MODES };

static const char *const mode_names[MODES] = {"NULL", "&err", "&error_fatal", "&error_abort"};

/* ---- The subject: one call of qemu_fork(), and its effects ---- */

struct report {
    pid_t parent;
    pid_t result;
    int errno_after;
    struct signal_state before, after;
    int descriptors_before, descriptors_after;
    size_t memory_before, memory_after;
    bool slot_filled;
    char text[160];
    bool reaped;
    int wait_status;
    bool zombies;
    bool finished;
    atomic_int exit_handlers;          /* in the parent */
    atomic_int exit_handlers_in_child; /* never */
    struct {
        bool returned;
        int errno_after;
        int descriptors;
        struct signal_state state;
    } child;
};

static struct report *report;
static int stderr_file;

static void at_exit(void)
{
    atomic_fetch_add(raw_getpid() == report->parent ? &report->exit_handlers : &report->exit_handlers_in_child, 1);
}

static void on_signal(int sig)
{
    (void)sig;
}

/* The bytes that are in use; 0 if libc cannot tell. */
static size_t used_memory(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

static void set_up_subject(void)
{
    struct sigaction handler = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct rlimit no_core = {0, 0};
    uint64_t crashes = bit_of(SIGSEGV) | bit_of(SIGBUS) | bit_of(SIGILL) | bit_of(SIGFPE) | bit_of(SIGABRT) |
                       bit_of(SIGTRAP);

    setpgid(0, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    for (int sig = 1; sig < SIGNALS; sig++) {
        /* The signals of a crash and of the tracer are left out. An ignored SIGCHLD would hide the children. */
        if (!(crashes & bit_of(sig))) {
            sigaction(sig, sig % 3 == 0 && sig != SIGCHLD ? &ignore : &handler, NULL); /* refused for a few */
        }
    }
    write_mask(bit_of(SIGUSR1) | bit_of(SIGTERM) | bit_of(SIGALRM));
    report->parent = raw_getpid();
    if (atexit(at_exit) != 0 || ftruncate(stderr_file, 0) != 0 || lseek(stderr_file, 0, SEEK_SET) != 0 ||
        dup2(stderr_file, STDERR_FILENO) < 0) {
        broken("preparing the subject");
    }
}

__attribute__((__noreturn__)) static void be_child(int errno_after)
{
    report->child.errno_after = errno_after;
    read_signal_state(&report->child.state);
    report->child.descriptors = count_descriptors();
    report->child.returned = true;
    _exit(0);
}

static void look_at_slot(void *err)
{
    report->slot_filled = err != NULL;
    if (err && library.error_get_pretty) {
        snprintf(report->text, sizeof(report->text), "%s", library.error_get_pretty(err));
    }
    if (err && library.error_free) {
        library.error_free(err);
    }
}

__attribute__((__noreturn__)) static void be_subject(enum mode mode)
{
    void *err = NULL;
    void **errp = mode == WITH_SLOT ? &err : mode == WITH_FATAL ? library.error_fatal :
                  mode == WITH_ABORT ? library.error_abort : NULL;
    int errno_after;
    pid_t pid;

    set_up_subject();
    read_signal_state(&report->before);
    report->descriptors_before = count_descriptors();
    report->memory_before = used_memory();
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        broken("PTRACE_TRACEME");
    }
    errno = ERRNO_BEFORE;
    ENTER_TRACED_CALL();
    pid = library.fork(errp);
    errno_after = errno;
    if (pid == 0) {
        be_child(errno_after);
    }
    read_signal_state(&report->after);
    report->errno_after = errno_after;
    report->result = pid;
    look_at_slot(err);
    report->memory_after = used_memory();
    report->descriptors_after = count_descriptors();
    if (pid > 0) {
        report->reaped = wait_for(pid, &report->wait_status) == pid;
    }
    report->zombies = waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD;
    report->finished = true;
    _exit(0);
}

/* ---- System calls under the tracer ---- */

enum side { PARENT, CHILD };

/* The purpose of a call. */
enum part { OF_LIBC, BLOCK, FORK, RESTORE, RESET, UNBLOCK, THE_END };

static const char *const part_names[] = {"libc's own", "block", "fork", "restore", "reset", "unblock", "the end"};

struct call {
    int number;
    uint64_t arguments[3];
    enum part part;
};

struct calls {
    int n;
    struct call call[MAX_CALLS];
};

/* One call that shall fail: the n-th of its side. */
struct failure {
    enum side side;
    int index;
    int error;
};

struct run {
    pid_t pid;
    pid_t child;
    struct stop stop;
};

static bool at_entry(pid_t pid, struct call *call)
{
    struct ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        return false;
    }
    call->number = (int)info.entry.nr;
    for (int i = 0; i < 3; i++) {
        call->arguments[i] = info.entry.args[i];
    }
    return true;
}

static bool start(struct run *run, enum mode mode, bool with_child)
{
    *run = (struct run){0};
    memset(report, 0, sizeof(*report));
    run->pid = fork();
    if (run->pid < 0) {
        broken("fork");
    }
    if (run->pid == 0) {
        be_subject(mode);
    }
    watch(run->pid, NULL);
    run->stop = next_stop(run->pid);
    return run->stop.kind == STOP_TRAP && set_options(run->pid, with_child);
}

/* Lets it run to the entry of its next call; at a fork, the child waits at its beginning. */
static bool next_call(struct run *run, pid_t pid, struct call *call)
{
    for (;;) {
        run->stop = resume(pid, PTRACE_SYSCALL, &run->stop);
        if (run->stop.kind == STOP_FORK && run->child == 0) {
            run->child = adopt_child(pid);
        } else if (run->stop.kind == STOP_SYSCALL) {
            /* The end of a handler is no call of qemu_fork(), and may come anywhere if signals are not blocked. */
            if (at_entry(pid, call) && call->number != SYS_rt_sigreturn) {
                return true;
            }
        } else if (run->stop.kind != STOP_SIGNAL) {
            return false;
        }
    }
}

/* A thread is at the entry of a call: no call is made, and it sees an error. */
static bool make_fail(struct run *run, pid_t pid, int error)
{
    if (!set_word(pid, REGISTER(orig_rax), (uint64_t)-1)) {
        return false;
    }
    run->stop = resume(pid, PTRACE_SYSCALL, NULL);
    return run->stop.kind == STOP_SYSCALL && set_word(pid, REGISTER(rax), (uint64_t)-(int64_t)error);
}

static bool go_to_fork(struct run *run)
{
    run->stop.kind = STOP_TRAP;
    do {
        run->stop = resume(run->pid, PTRACE_CONT, &run->stop);
    } while (run->stop.kind == STOP_SIGNAL);
    if (run->stop.kind != STOP_FORK) {
        return false;
    }
    run->child = adopt_child(run->pid);
    run->stop.kind = STOP_TRAP;
    return run->child > 0;
}

/* Makes the calls fail that shall. All are on one side, in order. */
static bool apply(struct run *run, const struct failure *failures, int n, const struct call *last)
{
    struct call call = {0};
    int at = -1;
    pid_t pid;

    if (n == 0) {
        return true;
    }
    if (failures[0].side == CHILD && !go_to_fork(run)) {
        return false;
    }
    pid = failures[0].side == CHILD ? run->child : run->pid;
    for (int i = 0; i < n; i++) {
        for (; at < failures[i].index; at++) {
            if (!next_call(run, pid, &call)) {
                return false;
            }
        }
        if ((i == n - 1 && call.number != last->number) || !make_fail(run, pid, failures[i].error)) {
            return false;
        }
    }
    return true;
}

static void let_go(struct run *run)
{
    if (run->child > 0) {
        ptrace(PTRACE_DETACH, run->child, NULL, NULL);
    }
    ptrace(PTRACE_DETACH, run->pid, NULL, NULL);
}

static int end(struct run *run)
{
    int status = 0;

    wait_for(run->pid, &status);
    watch(0, NULL);
    return status;
}

static void give_up(struct run *run)
{
    int status;

    kill(-run->pid, SIGKILL);
    kill(run->pid, SIGKILL);
    if (run->child > 0) {
        wait_for(run->child, &status);
    }
    end(run);
}

/* ---- Which calls there are ---- */

static bool is_fork(int number)
{
    return number == SYS_clone || number == SYS_clone3 || number == SYS_fork || number == SYS_vfork;
}

static bool sets_mask(const struct call *call)
{
    return call->number == SYS_rt_sigprocmask && call->arguments[1] != 0;
}

/* Finds the purpose of each call, by its arguments and its place among the others. */
static void name_parts(struct calls *calls, enum side side, bool fork_failed)
{
    int last = -1;
    bool forked = false;

    for (int i = 0; i < calls->n; i++) {
        struct call *call = &calls->call[i];

        call->part = OF_LIBC;
        if (call->number == SYS_exit_group || call->number == SYS_exit) {
            call->part = THE_END;
        } else if (side == CHILD) {
            call->part = call->number == SYS_rt_sigaction && call->arguments[1] != 0 ? RESET : OF_LIBC;
            last = sets_mask(call) ? i : last;
        } else if (is_fork(call->number)) {
            call->part = FORK;
            forked = true;
        } else if (sets_mask(call) && !forked && last < 0) {
            call->part = BLOCK;
            last = i;
        } else if (sets_mask(call) && forked) {
            last = i;
        }
    }
    if (last >= 0 && calls->call[last].part == OF_LIBC && (side == CHILD || forked || fork_failed)) {
        calls->call[last].part = side == CHILD ? UNBLOCK : RESTORE;
    }
}

/*
 * Records the calls of one side, up to its return from qemu_fork() or its end, in a run where @failures happen (all on
 * that side). The return is the breakpoint on the instruction after the call, whose address is on the stack.
 */
static bool find_calls(struct calls *calls, enum side side, const struct failure *failures, int n)
{
    struct run run;
    uint64_t return_pc;
    bool ok = start(&run, WITH_NULL, true) && set_breakpoint(run.pid, (uint64_t)library.fork);
    pid_t pid;

    calls->n = 0;
    if (ok) {
        run.stop = resume(run.pid, PTRACE_CONT, NULL);
        return_pc = (uint64_t)ptrace(PTRACE_PEEKDATA, run.pid, (void *)get_word(run.pid, REGISTER(rsp)), NULL);
        ok = run.stop.kind == STOP_TRAP;
        clear_breakpoint(run.pid);
        ok = ok && (side == PARENT || go_to_fork(&run));
    }
    pid = side == CHILD ? run.child : run.pid;
    ok = ok && set_breakpoint(pid, return_pc);
    while (ok && calls->n < MAX_CALLS && next_call(&run, pid, &calls->call[calls->n])) {
        for (int i = 0; i < n; i++) {
            if (failures[i].index == calls->n) {
                ok = make_fail(&run, pid, failures[i].error);
            }
        }
        calls->n++;
    }
    ok = ok && (run.stop.kind == STOP_TRAP || (run.stop.kind == STOP_ENDED && n > 0));
    name_parts(calls, side, n > 0 && side == PARENT);
    give_up(&run);
    return ok;
}

/* ---- The verdict ---- */

struct experiment {
    enum mode mode;
    const struct failure *failures;
    int n;
    const struct call *call; /* the last that fails, or NULL */
};

__attribute__((__format__(__printf__, 2, 3))) static void fault(const struct experiment *of, const char *fmt, ...)
{
    char what[400], where[120] = "nothing fails";
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (of->n > 0) {
        const struct failure *failure = &of->failures[of->n - 1];

        snprintf(where, sizeof(where), "%s, call %d (%s, argument %#lx, %s) fails with %s%s",
                 failure->side == PARENT ? "parent" : "child", failure->index, system_call_name(of->call->number),
                 (unsigned long)of->call->arguments[0], part_names[of->call->part], errno_name(failure->error),
                 of->n > 1 ? " after an earlier failure" : "");
    }
    violation(fmt, "[errp %s] %s: %s", mode_names[of->mode], where, what);
}

static const char *read_stderr(void)
{
    static char text[512];
    ssize_t n = pread(stderr_file, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void expect_stderr(const struct experiment *of, const char *want)
{
    const char *text = read_stderr();

    if (strcmp(text, want) != 0) {
        fault(of, "stderr has \"%s\" instead of \"%s\"", text, want);
    }
}

/* "Unexpected error in qemu_fork() at FILE:LINE:", and the message. */
static bool is_abort_text(const char *text, const char *message)
{
    static const char begin[] = "Unexpected error in qemu_fork() at ";
    const char *newline = strchr(text, '\n');
    const char *at;

    if (strncmp(text, begin, sizeof(begin) - 1) != 0 || !newline || newline[-1] != ':') {
        return false;
    }
    for (at = newline - 1; at > text && at[-1] >= '0' && at[-1] <= '9'; at--) {
    }
    return at < newline - 1 && at[-1] == ':' && at - 1 > text + sizeof(begin) - 1 && strcmp(newline + 1, message) == 0;
}

/* Checks what must hold after every return, whatever the result. */
static void judge_return(const struct experiment *of, uint64_t mask_want)
{
    int sig = differing_disposition(&report->before, &report->after, 0);

    if (report->after.mask != mask_want) {
        fault(of, "the parent's mask is %#lx instead of %#lx", (unsigned long)report->after.mask,
              (unsigned long)mask_want);
    }
    if (sig != 0) {
        fault(of, "the parent's disposition of %s has changed", signal_name(sig));
    }
    if (report->descriptors_after != report->descriptors_before) {
        fault(of, "the parent has %d descriptors instead of %d", report->descriptors_after, report->descriptors_before);
    }
    if (report->memory_after != report->memory_before) {
        fault(of, "%ld bytes of memory are lost", (long)(report->memory_after - report->memory_before));
    }
    if (report->zombies) {
        fault(of, "an unknown child is left");
    }
}

static void judge_failure(const struct experiment *of, int status, const char *summary, int error, uint64_t mask_want)
{
    char message[160], line[164];

    snprintf(message, sizeof(message), "%s: %s", summary, strerror(error));
    snprintf(line, sizeof(line), "%s\n", message);
    if (of->mode == WITH_FATAL || of->mode == WITH_ABORT) {
        bool fatal = of->mode == WITH_FATAL;

        if (fatal ? status != 1 << 8 : !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
            fault(of, "the wait status is %#x instead of %s", (unsigned)status, fatal ? "exit(1)" : "SIGABRT");
        }
        if (atomic_load(&report->exit_handlers) != fatal) {
            fault(of, "exit handlers ran %d times instead of %d", atomic_load(&report->exit_handlers), fatal);
        }
        if (fatal) {
            expect_stderr(of, line);
        } else if (!is_abort_text(read_stderr(), line)) {
            fault(of, "stderr has \"%s\"", read_stderr());
        }
        return;
    }
    if (status != 0 || !report->finished) {
        fault(of, "the wait status is %#x: the caller did not go on", (unsigned)status);
        return;
    }
    if (report->result != -1) {
        fault(of, "qemu_fork() returned %d instead of -1", (int)report->result);
    }
    if (report->errno_after != error) {
        fault(of, "errno is %d instead of %d", report->errno_after, error);
    }
    if (has_error_api() && of->mode == WITH_SLOT && strcmp(report->text, message) != 0) {
        fault(of, "the error is \"%s\" instead of \"%s\"", report->text, message);
    }
    expect_stderr(of, "");
    judge_return(of, mask_want);
}

static void judge_clean_child(const struct experiment *of, uint64_t except)
{
    int changed;

    if (report->wait_status != 0 || !report->child.returned) {
        fault(of, "the child's wait status is %#x instead of 0", (unsigned)report->wait_status);
        return;
    }
    changed = changed_disposition(&report->child.state, libc_signals() | except);
    if (changed != 0) {
        fault(of, "the child's disposition of %s is not the default", signal_name(changed));
    }
    if (report->child.state.mask != 0 || report->child.state.pending != 0) {
        fault(of, "the child's mask is %#lx and pending are %#lx, not empty", (unsigned long)report->child.state.mask,
              (unsigned long)report->child.state.pending);
    }
    if (report->child.errno_after != ERRNO_BEFORE) {
        fault(of, "errno in the child is %d instead of %d", report->child.errno_after, ERRNO_BEFORE);
    }
    if (report->child.descriptors != report->descriptors_before) {
        fault(of, "the child has %d descriptors instead of %d", report->child.descriptors, report->descriptors_before);
    }
}

/* Checks that there is a child, and returns whether there is. The child itself is judged apart. */
static bool judge_success(const struct experiment *of, int status, uint64_t mask_want)
{
    if (status != 0 || !report->finished || report->result <= 0 || !report->reaped) {
        fault(of, "qemu_fork() returned %d, and the wait status is %#x: there should be a child", (int)report->result,
              (unsigned)status);
        return false;
    }
    if (report->errno_after != ERRNO_BEFORE) {
        fault(of, "errno in the parent is %d instead of %d", report->errno_after, ERRNO_BEFORE);
    }
    if (report->slot_filled) {
        fault(of, "an error was set although there is a child: \"%s\"", report->text);
    }
    judge_return(of, mask_want);
    return true;
}

static void judge_unblock(const struct experiment *of)
{
    char want[160];

    snprintf(want, sizeof(want), "cannot unblock signals: %s\n", strerror(of->failures[0].error));
    if (report->child.returned) {
        fault(of, "qemu_fork() returned in a child that could not unblock its signals");
    }
    if (report->wait_status != 1 << 8) {
        fault(of, "the child's wait status is %#x instead of 0x100", (unsigned)report->wait_status);
    }
    if (atomic_load(&report->exit_handlers_in_child) != 0) {
        fault(of, "exit handlers ran in the child");
    }
    /* If a second call fails, it may be the write of the message. */
    if (of->n == 1 || read_stderr()[0] != '\0') {
        expect_stderr(of, want);
    }
}

static void judge(const struct experiment *of, int status)
{
    uint64_t all = ~(bit_of(SIGKILL) | bit_of(SIGSTOP) | libc_signals());
    uint64_t mask = report->before.mask;
    enum part first = OF_LIBC;

    if (timed_out) {
        fault(of, "it did not end within %d seconds", HANG_SECONDS);
        return;
    }
    if (of->n > 0) {
        first = of->call->part;
    }
    if (of->n > 1 && of->failures[0].side == PARENT) {
        judge_failure(of, status, "cannot fork child process", of->failures[0].error,
                      of->call->part == RESTORE ? all : mask);
    } else if (of->n > 1) {
        if (judge_success(of, status, mask)) {
            judge_unblock(of);
        }
    } else if (first == BLOCK) {
        judge_failure(of, status, "cannot block signals", of->failures[0].error, mask);
    } else if (first == FORK) {
        judge_failure(of, status, "cannot fork child process", of->failures[0].error, mask);
    } else if (first == UNBLOCK) {
        if (judge_success(of, status, mask)) {
            judge_unblock(of);
        }
    } else if (of->n == 1 && of->failures[0].side == PARENT && first == OF_LIBC &&
               (!report->finished || report->result == -1)) {
        judge_failure(of, status, "cannot fork child process", of->failures[0].error, mask);
    } else if (judge_success(of, status, first == RESTORE ? all : mask)) {
        judge_clean_child(of, first == RESET ? bit_of((int)of->call->arguments[0]) : 0);
        expect_stderr(of, "");
    }
}

static void experiment(enum mode mode, const struct failure *failures, int n, const struct call *call)
{
    struct experiment of = {mode, failures, n, call};
    struct run run;

    if (enough_hangs()) {
        return;
    }
    count_experiments(1);
    if (!start(&run, mode, n > 0 && failures[0].side == CHILD) || !apply(&run, failures, n, call)) {
        fault(&of, "this call was not reached again: %s", timed_out ? "it hung" : describe_stop(&run.stop));
        give_up(&run);
        return;
    }
    let_go(&run);
    judge(&of, end(&run));
}

/* ---- Everything ---- */

static int modes(void)
{
    return has_error_api() ? MODES : WITH_SLOT + 1;
}

static void fail_each(const struct calls *calls, enum side side, int from, struct failure *failures, int n)
{
    for (int i = from; i < calls->n; i++) {
        /* The sample: every other reset, each with one errno, and another errno for the next. */
        bool sample = quick && calls->call[i].part == RESET;

        if (calls->call[i].part == THE_END || (sample && i % 2 != 0)) {
            continue;
        }
        for (int e = 0; e < ERRNOS; e++) {
            if (sample && i / 2 % ERRNOS != e) {
                continue;
            }
            for (int mode = 0; mode < (n == 0 ? modes() : WITH_SLOT + 1); mode++) {
                failures[n] = (struct failure){side, i, errnos[e]};
                experiment((enum mode)mode, failures, n + 1, &calls->call[i]);
            }
        }
    }
}

static int find_part(const struct calls *calls, enum part part)
{
    for (int i = 0; i < calls->n; i++) {
        if (calls->call[i].part == part) {
            return i;
        }
    }
    return -1;
}

static void fail_after(enum side side, int index, int error)
{
    static struct calls calls;
    struct failure failures[2] = {{side, index, error}};

    if (index < 0) {
        return;
    }
    if (!find_calls(&calls, side, failures, 1)) {
        violation("follow", "the call cannot be followed to its end after a failure");
        return;
    }
    fail_each(&calls, side, index + 1, failures, 1);
}

static void show_calls(const struct calls *calls, const char *side)
{
    int count[THE_END + 1] = {0};

    for (int i = 0; i < calls->n; i++) {
        count[calls->call[i].part]++;
    }
    note("%s: %d system calls: %d block, %d fork, %d restore, %d reset, %d unblock, %d libc's own", side, calls->n,
         count[BLOCK], count[FORK], count[RESTORE], count[RESET], count[UNBLOCK], count[OF_LIBC]);
}

/* ---- Leaks ---- */

enum leak { NO_FORK, NO_BLOCKING, A_CHILD, LEAKS };

static const char *const leak_names[LEAKS] = {"fork fails", "blocking fails", "nothing fails"};

static void call_often(enum leak leak, bool slot, int calls)
{
    for (int i = 0; i < calls; i++) {
        void *err = NULL;
        pid_t pid = library.fork(slot ? &err : NULL);

        if (pid == 0) {
            _exit(0);
        }
        if (pid > 0) {
            waitpid(pid, NULL, 0);
        }
        if ((pid > 0) != (leak == A_CHILD)) {
            violation("often", "[%s] call %d of many returned %d", leak_names[leak], i, (int)pid);
        }
        if (err && library.error_free) {
            library.error_free(err);
        }
    }
}

/* In a process of its own, because a filter cannot be removed. */
static void look_for_leaks(enum leak leak, bool slot)
{
    int calls = leak == A_CHILD ? 300 : 5000;
    int status;
    pid_t pid = fork();

    if (pid < 0) {
        broken("fork");
    }
    if (pid == 0) {
        size_t memory;
        int descriptors;

        setpgid(0, 0);
        if ((leak == NO_FORK && !forbid_fork()) || (leak == NO_BLOCKING && !forbid_blocking(EPERM))) {
            broken("making calls fail");
        }
        call_often(leak, slot, 10);
        memory = used_memory();
        descriptors = count_descriptors();
        call_often(leak, slot, calls);
        if (used_memory() != memory) {
            violation("leak", "[%s, errp %s] %ld bytes more are in use after %d calls", leak_names[leak],
                      slot ? "&err" : "NULL", (long)(used_memory() - memory), calls);
        }
        if (count_descriptors() != descriptors) {
            violation("leak", "[%s, errp %s] %d descriptors instead of %d after %d calls", leak_names[leak],
                      slot ? "&err" : "NULL", count_descriptors(), descriptors, calls);
        }
        if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
            violation("leak", "[%s] a child is left after %d calls", leak_names[leak], calls);
        }
        _exit(0);
    }
    setpgid(pid, pid);
    watch(pid, NULL);
    wait_for(pid, &status);
    watch(0, NULL);
    count_experiments(calls);
    if (status != 0) {
        violation("leak", "[%s] many calls end with wait status %#x", leak_names[leak], (unsigned)status);
    }
}

int main(int argc, char **argv)
{
    static struct calls calls[2];
    static const char *const sides[] = {"parent", "child"};
    struct failure failures[2];

    begin(argc, argv);
    need_tracer();
    report = shared_memory(sizeof(*report));
    stderr_file = memfd_create("stderr", MFD_CLOEXEC);
    if (stderr_file < 0) {
        broken("memfd_create");
    }
    for (int mode = 0; mode < modes(); mode++) {
        experiment((enum mode)mode, NULL, 0, NULL);
    }
    for (int side = PARENT; side <= CHILD; side++) {
        if (!find_calls(&calls[side], (enum side)side, NULL, 0)) {
            violation("follow", "the %s cannot be followed to the end of the call", sides[side]);
            return finish();
        }
        show_calls(&calls[side], sides[side]);
        fail_each(&calls[side], (enum side)side, 0, failures, 0);
    }
    fail_after(PARENT, find_part(&calls[PARENT], FORK), EAGAIN);
    fail_after(CHILD, find_part(&calls[CHILD], UNBLOCK), EPERM);
    for (int leak = 0; leak < LEAKS; leak++) {
        if (leak == NO_BLOCKING && !have_filters()) {
            continue;
        }
        look_for_leaks((enum leak)leak, false);
        look_for_leaks((enum leak)leak, true);
    }
    return finish();
}

#endif
