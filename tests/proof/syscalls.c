/*
 * Prints the system calls that a thread makes between the call of qemu_fork() and its return, in the parent and in the
 * child, and also those of plain fork(). What libc's fork() does is marked. A signal mask is printed as "as before"
 * there if it is the one from before fork(), so the calls of libc look the same in both.
 *
 * usage: syscalls LIBRARY
 *
 * A traced process opens the library and goes through the scenarios. It marks the begin and the end of each call by a
 * system call that does nothing. To make calls in the parent fail, the program defines fork() and pthread_sigmask(),
 * which the library then finds first. The child uses the system call itself, so there a filter makes it fail.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "call-tracer.h"
#include "libc-fork.h"
#include "system-call-names.h"

#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

enum { MARK = 0x70720000, MARK_END = 0x70728000, MARK_ASIDE, MARK_BACK, MAX_TRACED = 64 };

/* ---- The traced process ---- */

static pid_t (*qemu_fork)(void **errp);
static int (*real_pthread_sigmask)(int how, const sigset_t *set, sigset_t *old);

/* What fails in this scenario. */
static int refuse_block;
static int refuse_fork;
static bool refuse_unblock;

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    if (refuse_block) {
        return refuse_block;
    }
    return real_pthread_sigmask(how, set, old);
}

pid_t fork(void)
{
    if (refuse_fork) {
        errno = refuse_fork;
        return -1;
    }
    return marked_fork();
}

/* In the child, as the last part of fork(): from here on the mask cannot be changed. */
static void filter_child(void)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

    if (!refuse_unblock) {
        return;
    }
    mark(MARK_ASIDE);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(97); /* the printed list shows it */
    }
    mark(MARK_BACK);
}

static pid_t plain_fork(void **errp)
{
    (void)errp;
    return fork();
}

static void traced_call(int scenario, pid_t (*call)(void **errp), void **errp)
{
    pid_t pid;
    int status;

    mark(MARK + scenario);
    pid = call(errp);
    mark(MARK_END);
    if (pid == 0) {
        _exit(0);
    }
    if (pid > 0 && waitpid(pid, &status, 0) != pid) {
        abort();
    }
}

static const char *const scenarios[] = {
    "plain fork()", "success", "fork fails, errp is NULL", "fork fails, errp is a slot", "block fails", "unblock fails",
};

static void run_scenarios(const char *path)
{
    void *library, *slot = NULL;
    void (*error_free)(void *err);
    int null;

    real_pthread_sigmask = dlsym(RTLD_NEXT, "pthread_sigmask");
    library = dlopen(path, RTLD_NOW);
    qemu_fork = library ? dlsym(library, "qemu_fork") : NULL;
    if (!qemu_fork) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    error_free = dlsym(library, "error_free");
    null = open("/dev/null", O_WRONLY);
    if (null < 0 || dup2(null, STDERR_FILENO) < 0) {
        exit(2);
    }
    set_a_mask(real_pthread_sigmask);
    pthread_atfork(NULL, NULL, filter_child);

    traced_call(0, plain_fork, NULL);
    traced_call(1, qemu_fork, NULL);
    refuse_fork = EAGAIN;
    traced_call(2, qemu_fork, NULL);
    if (error_free) {
        /* Once before it is traced, because malloc may ask the kernel for its first memory. */
        qemu_fork(&slot);
        error_free(slot);
        slot = NULL;
        traced_call(3, qemu_fork, &slot);
        error_free(slot);
    }
    refuse_fork = 0;
    refuse_block = EPERM;
    traced_call(4, qemu_fork, NULL);
    refuse_block = 0;
    refuse_unblock = true;
    traced_call(5, qemu_fork, NULL);
}

/* ---- The tracer ---- */

struct traced {
    pid_t pid;
    bool is_child;
    int scenario;  /* -1: not within a call */
    bool aside;    /* the calls are the test's own */
    bool in_fork;  /* the calls are libc's own */
    uint64_t mask; /* the mask when that began */
};

static struct traced traced[MAX_TRACED];
static int n_traced;
static int current_scenario;
static bool current_in_fork;
static uint64_t current_mask;

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
    /* The first one is the traced process. A later one was forked within a call, and belongs to that call from its
     * first instruction. */
    traced[n_traced] = (struct traced){
        .pid = pid,
        .is_child = n_traced > 0,
        .scenario = n_traced ? current_scenario : -1,
        .in_fork = n_traced > 0 && current_in_fork,
        .mask = current_mask,
    };
    return &traced[n_traced++];
}

static void print_set(const struct traced *who, uint64_t address)
{
    uint64_t set;

    if (!address) {
        printf("NULL");
    } else if (read_memory(who->pid, address, &set, sizeof(set))) {
        if (who->in_fork && set == who->mask) {
            printf("as before");
        } else {
            printf("%016" PRIx64, set);
        }
    } else {
        printf("unreadable");
    }
}

static void print_action(pid_t pid, uint64_t address)
{
    unsigned long words[4];
    bool zero = true;

    if (!address) {
        printf("NULL");
        return;
    }
    if (!read_memory(pid, address, words, sizeof(words))) {
        printf("unreadable");
        return;
    }
    for (int i = 0; i < 4; i++) {
        zero &= words[i] == 0;
    }
    if (zero) {
        printf("default");
    } else {
        printf("%#lx/%#lx/%#lx/%#lx", words[0], words[1], words[2], words[3]);
    }
}

static void print_text(pid_t pid, uint64_t address, uint64_t size)
{
    char text[256];

    if (size >= sizeof(text) || !read_memory(pid, address, text, size)) {
        printf("unreadable");
        return;
    }
    putchar('"');
    for (uint64_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            printf("\\n");
        } else {
            putchar(text[i]);
        }
    }
    putchar('"');
}

static void print_call(const struct traced *who, const struct __ptrace_syscall_info *info)
{
    const uint64_t *args = (const uint64_t *)info->entry.args;

    printf("%s\t%s\t%s", scenarios[who->scenario], who->is_child ? "child" : "parent",
           who->in_fork ? "in fork(): " : "");
    switch (info->entry.nr) {
    case SYS_rt_sigaction:
        printf("rt_sigaction(%d, ", (int)args[0]);
        print_action(who->pid, args[1]);
        printf(", %s, %d)", args[2] ? "old" : "NULL", (int)args[3]);
        break;
    case SYS_rt_sigprocmask:
        printf("rt_sigprocmask(%s, ", args[0] == SIG_SETMASK ? "SETMASK" : args[0] == SIG_BLOCK ? "BLOCK" : "UNBLOCK");
        print_set(who, args[1]);
        printf(", %s, %d)", args[2] ? "old" : "NULL", (int)args[3]);
        break;
    case SYS_write:
        printf("write(%d, ", (int)args[0]);
        print_text(who->pid, args[1], args[2]);
        putchar(')');
        break;
    case SYS_exit_group:
        printf("exit_group(%d)", (int)args[0]);
        break;
    default:
        /* libc's own, for a comparison with plain fork() in the same process. */
        printf("%s()", system_call_name((long)info->entry.nr));
    }
    putchar('\n');
}

/* The parent's two marks come before and after the child's begin, which is within the fork. */
static void on_fork_mark(struct traced *who, bool begins)
{
    who->in_fork = begins;
    if (begins && ptrace(PTRACE_GETSIGMASK, who->pid, (void *)sizeof(who->mask), &who->mask) != 0) {
        perror("PTRACE_GETSIGMASK");
        exit(2);
    }
    if (!who->is_child) {
        current_in_fork = begins;
        current_mask = who->mask;
    }
}

static void on_system_call(struct traced *who)
{
    struct __ptrace_syscall_info info = read_call(who->pid);
    int what;

    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        return;
    }
    if (is_mark(&info, &what)) {
        if (what == MARK_END) {
            printf("%s\t%s\treturn\n", scenarios[who->scenario], who->is_child ? "child" : "parent");
            who->scenario = -1;
        } else if (what == LIBC_FORK_BEGINS || what == LIBC_FORK_ENDS) {
            on_fork_mark(who, what == LIBC_FORK_BEGINS);
        } else if (what == MARK_ASIDE || what == MARK_BACK) {
            who->aside = what == MARK_ASIDE;
        } else {
            current_scenario = who->scenario = what - MARK;
        }
        return;
    }
    if (who->scenario >= 0 && !who->aside) {
        print_call(who, &info);
    }
}

static int trace(pid_t first)
{
    int status, result = 2;
    pid_t pid;

    if (waitpid(first, &status, 0) != first || !begin_tracing(first, status, 0)) {
        return EXIT_SKIP;
    }
    find(first);
    ptrace(PTRACE_SYSCALL, first, NULL, NULL);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        struct traced *who = find(pid);
        pid_t made;

        if (!WIFSTOPPED(status)) {
            if (pid == first) {
                result = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
            }
            continue;
        }
        made = made_process(pid, status);
        if (made > 0) {
            find(made); /* within the fork() that makes it, whichever process is seen first */
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
    pid_t pid;

    if (argc != 2) {
        fputs("usage: syscalls LIBRARY\n", stderr);
        return 2;
    }
    fflush(stdout);
    pid = fork();
    if (pid < 0) {
        perror("fork");
        return 2;
    }
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(EXIT_SKIP);
        }
        raise(SIGSTOP);
        run_scenarios(argv[1]);
        exit(0);
    }
    return trace(pid);
}
