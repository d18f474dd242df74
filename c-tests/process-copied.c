/*
 * What a forked copy of a handle costs while its process is a zombie that the parent has not reaped: no pause. The end
 * is told as an end, and once the parent has reaped the process the copy has the status that the kernel keeps. A status
 * that other code has taken costs no pause either, on kernels that keep none.
 *
 * A filter traps the calls that pause, and a handler counts them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/utsname.h>

#include "meeting.h"
#include "older-kernel.h"

static struct {
    int looked, killed, error, later;
    int pauses; /* of all that was called while the process was a zombie */
    int pauses_of_free;
    bool filtered;
} *seen;

static volatile sig_atomic_t pauses;

static void count_pause(int sig)
{
    (void)sig;
    pauses++;
}

/* From now on a pause is counted and is over at once. With an error, the kernel tells nothing of processes that ended. */
static bool count_pauses(int error_of_info)
{
    struct sock_filter code[16];
    struct sock_fprog program = {0, code};
    const unsigned info = 3U << 30 | 64U << 16 | 0xFFU << 8 | 11U; /* PIDFD_GET_INFO */

    signal(SIGSYS, count_pause);
    code[program.len++] = LOAD(nr);
    code[program.len++] = UNLESS_EQUAL(SYS_clock_nanosleep, 1);
    code[program.len++] = ANSWER(SECCOMP_RET_TRAP);
    code[program.len++] = UNLESS_EQUAL(SYS_nanosleep, 1);
    code[program.len++] = ANSWER(SECCOMP_RET_TRAP);
    if (error_of_info) {
        code[program.len++] = UNLESS_EQUAL(SYS_ioctl, 3);
        code[program.len++] = LOAD_LOW_HALF(args[1]);
        code[program.len++] = UNLESS_EQUAL(info, 1);
        code[program.len++] = ANSWER(SECCOMP_RET_ERRNO | (unsigned)error_of_info);
    }
    code[program.len++] = ANSWER(SECCOMP_RET_ALLOW);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return false;
    }
    yield_a_moment(); /* libc's own pause */
    return pauses == 1;
}

static QemuProcess *process;

/* In the forked child. */
static void use_copy(void)
{
    seen->filtered = count_pauses(0);
    pauses = 0;
    seen->looked = wait_ms(process, 0);
    errno = 0;
    seen->killed = qemu_process_kill(process, 0, NULL);
    seen->error = errno;
    seen->pauses = pauses;
    meet();
    seen->later = wait_ms(process, -1);
    qemu_process_free(process);
}

static void free_copy(void)
{
    seen->filtered = count_pauses(0);
    pauses = 0;
    qemu_process_free(process);
    seen->pauses_of_free = pauses;
    meet();
}

/* Has a forked child use its copy of a handle whose process has ended, and then reaps the process. */
static void use_in_fork(void (*body)(void))
{
    pid_t pid;

    memset(seen, 0, sizeof(*seen));
    process = must_spawn(ARGS(SELF, "exit", "6"), NULL);
    await_end(qemu_process_pid(process));
    pid = fork_with(body);
    ok(get_byte(ready[0]) == 'r', "a forked child has used its copy");
    is_int(wait_ms(process, -1), 6, "the parent gets the status");
    qemu_process_free(process);
    ok(let_go(pid) == 0 && seen->filtered, "pauses were counted, and it came to its end");
}

/* A distribution may have ported it to an older kernel. */
static bool is_kept(void)
{
    struct utsname name;
    int major, minor;

    return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
           (major > 6 || (major == 6 && minor >= 15));
}

static void test_copy(void)
{
    use_in_fork(use_copy);
    is_int(seen->looked, UNKNOWN_END, "the end of a zombie is told as an end");
    ok(!seen->killed && seen->error == ESRCH, "it cannot be signalled: ESRCH");
    is_int(seen->pauses, 0, "neither pauses");
    ok(seen->later == 6 || (!is_kept() && seen->later == UNKNOWN_END),
       "once it is reaped the copy has the status that the kernel keeps, not %d", seen->later);
    use_in_fork(free_copy);
    is_int(seen->pauses_of_free, 0, "freeing a copy does not pause");
}

/* The answers of kernels that keep no status: before Linux 6.13, and of 6.13 and 6.14. */
static void test_stolen(int error)
{
    pid_t pid;

    memset(seen, 0, sizeof(*seen));
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        alarm(net_seconds());
        seen->filtered = count_pauses(error);
        process = must_spawn(ARGS(SELF, "exit", "6"), NULL);
        if (waitpid(-1, NULL, 0) != qemu_process_pid(process)) {
            _exit(96);
        }
        pauses = 0;
        seen->looked = wait_ms(process, -1);
        seen->pauses = pauses;
        qemu_process_free(process);
        _exit(0);
    }
    ok(wait_for(pid) == 0 && seen->filtered, "the kernel says \"%s\" about a process that is gone", strerror(error));
    is_int(seen->looked, UNKNOWN_END, "a stolen status is unknown");
    is_int(seen->pauses, 0, "and costs no pause");
}

int main(int argc, char **argv)
{
    int pidfd;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (IS_EMULATED) {
        skip_all("the emulator has no seccomp filters");
    }
    process = must_spawn(ARGS(SELF, "exit", "0"), NULL);
    pidfd = qemu_process_pidfd(process);
    end_of(process);
    if (pidfd == -1) {
        skip_all("the kernel has no descriptors of processes");
    }
    seen = shared_memory(sizeof(*seen));
    test_copy();
    test_stolen(ENOTTY);
    test_stolen(ESRCH);
    return done();
}
