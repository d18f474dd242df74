/*
 * Makes an older kernel of this one, by a seccomp filter that forbids newer calls. Mostly it is one without pidfds,
 * where a handle knows its child by the id alone. A filter cannot be removed: install it in a process of its own, and
 * do not install many (see stuck.h).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef OLDER_KERNEL_H
#define OLDER_KERNEL_H

#include <stddef.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "handle.h"
#include "sanitizer.h"
#include "stuck.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

enum {
    NO_CLONE3 = 1, /* but for clone3() with CLONE3_SIZE */
    NO_CLONE_VM = 2, /* no process that shares its parent's memory; threads there may be */
    NO_CLOSE_RANGE = 4,
    NO_PIDFD_OPEN = 8,
    NO_PIDFD_SEND_SIGNAL = 32,
    TRAP_KILL = 16, /* kill() with TRAPPED_SIGNAL sends nothing, but raises SIGSYS in its caller */
    NO_PIDFD = NO_CLONE3 | NO_CLONE_VM | NO_CLOSE_RANGE | NO_PIDFD_OPEN | TRAP_KILL,
};

/* Instead of an error: close_range() ends its process, by SIGSYS; the others are ENOSYS. */
enum { KILLS = -1 };

/* With this size a test may still call clone3(). It is larger than the kernel's own; the rest is zeroes. */
enum { CLONE3_SIZE = 128 };

/* A signal that does no harm, and that no test needs for anything else. */
enum { TRAPPED_SIGNAL = SIGWINCH };

/* The index of clone()'s argument that has the flags. */
#if defined(__s390x__)
enum { FLAGS_ARGUMENT = 1 };
#else
enum { FLAGS_ARGUMENT = 0 };
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { LOW_HALF = 4 };
#else
enum { LOW_HALF = 0 };
#endif

#define LOAD(field) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field)))
#define LOAD_LOW_HALF(field) \
    ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + LOW_HALF))
/* Each goes on with the next step, or skips `steps` steps. */
#define UNLESS_EQUAL(value, steps) \
    ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, steps))
#define UNLESS_SET(bits, steps) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, steps))
#define IF_SET(bits, steps) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, steps, 0))
#define ANSWER(what) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what))

/* From now on forbidden calls fail with this error, here and in all that this process starts. False: no filter. */
static bool forbid(int what, int error)
{
    const unsigned refuse = SECCOMP_RET_ERRNO | (unsigned)(error == KILLS ? ENOSYS : error);
    struct sock_filter code[32];
    struct sock_fprog program = {0, code};
    const struct {
        int what;
        unsigned number, answer;
    } calls[] = {
        {NO_CLOSE_RANGE, SYS_close_range, error == KILLS ? SECCOMP_RET_KILL_PROCESS : refuse},
        {NO_PIDFD_OPEN, SYS_pidfd_open, refuse},
        {NO_PIDFD_SEND_SIGNAL, SYS_pidfd_send_signal, refuse},
    };

    code[program.len++] = LOAD(nr);
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        if (what & calls[i].what) {
            code[program.len++] = UNLESS_EQUAL(calls[i].number, 1);
            code[program.len++] = ANSWER(calls[i].answer);
        }
    }
    if (what & NO_CLONE3) {
        code[program.len++] = UNLESS_EQUAL(SYS_clone3, 4);
        code[program.len++] = LOAD_LOW_HALF(args[1]);
        code[program.len++] = UNLESS_EQUAL(CLONE3_SIZE, 1);
        code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
        code[program.len++] = ANSWER(refuse);
    }
    if (what & TRAP_KILL) {
        code[program.len++] = UNLESS_EQUAL(SYS_kill, 4);
        code[program.len++] = LOAD_LOW_HALF(args[1]);
        code[program.len++] = UNLESS_EQUAL(TRAPPED_SIGNAL, 1);
        code[program.len++] = ANSWER(SECCOMP_RET_TRAP);
        code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
    }
    if (what & NO_PIDFD_OPEN) {
        /* An older kernel ignores the flag. A filter cannot do that. */
        code[program.len++] = UNLESS_EQUAL(SYS_clone, 4);
        code[program.len++] = LOAD_LOW_HALF(args[FLAGS_ARGUMENT]);
        code[program.len++] = UNLESS_SET(CLONE_PIDFD, 1);
        code[program.len++] = ANSWER(refuse);
        code[program.len++] = LOAD(nr);
    }
    if (what & NO_CLONE_VM) {
        code[program.len++] = UNLESS_EQUAL(SYS_clone, 4);
        code[program.len++] = LOAD_LOW_HALF(args[FLAGS_ARGUMENT]);
        code[program.len++] = UNLESS_SET(CLONE_VM, 2);
        code[program.len++] = IF_SET(CLONE_THREAD, 1);
        code[program.len++] = ANSWER(refuse);
    }
    code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Whether a process survives that its vfork() child dumps core; before Linux 5.16 the signal ends both. */
__attribute__((__unused__)) static bool survives_dump(void)
{
    const struct rlimit no_core = {0, 0};
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        pid = vfork();
        if (pid == 0) {
            syscall(SYS_kill, syscall(SYS_getpid), SIGQUIT);
            _exit(0);
        }
        _exit(0);
    }
    return wait_for(pid) == 0;
}

/* Whether close_range() ends its process. */
static bool range_kills(void)
{
    const struct rlimit no_core = {0, 0};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        syscall(SYS_close_range, 2000, 2000, 0);
        _exit(0);
    }
    status = wait_for(pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* Whether the filter has an effect. */
static bool is_forbidden(int what, int error)
{
    bool holds = true;

    if (error == KILLS) {
        return range_kills() && is_forbidden(what & ~NO_CLOSE_RANGE, ENOSYS);
    }
    if (what & NO_CLONE3) {
        holds = holds && syscall(SYS_clone3, NULL, 0) == -1 && errno == error;
    }
    if (what & NO_CLOSE_RANGE) {
        holds = holds && syscall(SYS_close_range, 2000, 2000, 0) == -1 && errno == error;
    }
    if (what & NO_PIDFD_OPEN) {
        holds = holds && syscall(SYS_pidfd_open, getpid(), 0) == -1 && errno == error;
    }
    if (what & NO_PIDFD_SEND_SIGNAL) {
        holds = holds && syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0) == -1 && errno == error;
    }
    return holds;
}

/* Whether this is the process on the older kernel. */
__attribute__((__unused__)) static bool is_older_kernel;

/* The report of that process to its parent. */
struct older_kernel {
    bool is_there; /* the filter is */
    int checks, failed;
};

__attribute__((__noreturn__)) static void run_on_older_kernel(void (*checks)(void), struct older_kernel *seen)
{
    QemuProcess *process;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    cast_net();
    if (!forbid(NO_PIDFD, ENOSYS) || !is_forbidden(NO_PIDFD, ENOSYS)) {
        _exit(0);
    }
    seen->is_there = true;
    is_older_kernel = true;
#if UNDER_ASAN
    /* Spawned programs have the filter, too. Under it their leak checker cannot start its thread. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
#endif
    tap_form = "older kernel: ";
    process = must_spawn(ARGS(SELF, "exit", "0"), NULL);
    is_int(qemu_process_pidfd(process), -1, "there is no descriptor of a process");
    is_str(qemu_process_way(process), "fork", "the way is fork()");
    end_of(process);
    checks();
    seen->checks = tap_count;
    seen->failed = tap_failed;
    fflush(NULL);
    _exit(0);
}

/*
 * Makes the checks on this kernel, and then once more in a process of their own, as on a kernel without pidfds. There
 * each line says so.
 */
__attribute__((__unused__)) static void check_here_and_on_older_kernel(void (*checks)(void))
{
    static const char what[] = "all of it as on an older kernel, without a descriptor of the process";
    struct older_kernel *seen = shared_memory(sizeof(*seen));
    int status = -1;
    bool has_ended;
    pid_t pid;

    checks();
    if (IS_EMULATED) {
        skip(what, "the emulator has no seccomp filters");
        return;
    }
    if (is_under_valgrind()) {
        skip(what, "valgrind itself crashes when a system call is made to fail");
        return;
    }
    cast_net();
    fflush(NULL);
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        run_on_older_kernel(checks, seen);
    }
    has_ended = ends(pid, &status);
    if (!seen->is_there && (!has_ended || status == 0)) {
        skip(what, has_ended ? "a seccomp filter cannot be installed here, or has no effect"
                             : "the kernel does not let a process go that installs a seccomp filter");
        return;
    }
    if (!has_ended || status != 0) {
        printf("Bail out! The process on the older kernel did not come to its end: wait status 0x%x\n",
               (unsigned)status);
        exit(99);
    }
    tap_count = seen->checks;
    tap_failed = seen->failed;
}

#endif /* OLDER_KERNEL_H */
