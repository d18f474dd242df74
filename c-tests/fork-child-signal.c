/*
 * A signal reaches the child before qemu_fork() returns there. It is pending until the child has its default
 * dispositions, and then has its default effect. The parent's handler does not run, and a signal that the parent
 * ignores is not ignored.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include <qemu-fork.h>

#include "child.h"
#include "mask.h"

static int *handled_in_child;
static pid_t parent;
static int signal_to_child;

static void handler(int signum)
{
    (void)signum;
    if (getpid() != parent) {
        __atomic_add_fetch(handled_in_child, 1, __ATOMIC_SEQ_CST);
    }
}

static void send_to_child(void)
{
    raise(signal_to_child);
}

static int status_of_child_with(int signum)
{
    pid_t pid;

    signal_to_child = signum;
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(7);
    }
    if (pid == -1) {
        bail("qemu_fork");
    }
    return wait_for(pid) & ~0x80; /* whether it left a core file is no matter here */
}

int main(void)
{
    const struct rlimit no_core = {0, 0};
    const int handled[] = {SIGUSR1, SIGTERM, SIGALRM, SIGSEGV, SIGABRT, SIGRTMIN, SIGRTMIN + 1, SIGRTMAX};
    const int harmless[] = {SIGCHLD, SIGURG, SIGWINCH};
    const int ignored[] = {SIGPIPE, SIGUSR2, SIGHUP, SIGRTMIN + 5};

    setrlimit(RLIMIT_CORE, &no_core);
    handled_in_child = shared_memory(sizeof(*handled_in_child));
    parent = getpid();
    if (pthread_atfork(NULL, NULL, send_to_child) != 0) {
        bail("pthread_atfork");
    }
    for (size_t i = 0; i < sizeof(handled) / sizeof(*handled); i++) {
        if (signal(handled[i], handler) == SIG_ERR || (existing_signals & BIT(handled[i])) == 0) {
            skip("a signal with a handler in the parent", "this machine's system lacks the signal");
            continue;
        }
        is_int(status_of_child_with(handled[i]), handled[i], "a signal with a handler in the parent kills the child");
        is_int(*handled_in_child, 0, "the handler does not run there");
    }
    for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
        signal(harmless[i], handler);
        is_int(status_of_child_with(harmless[i]), 7 << 8, "one that by default does nothing does nothing");
        is_int(*handled_in_child, 0, "the handler does not run there");
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
        signal(ignored[i], SIG_IGN);
        is_int(status_of_child_with(ignored[i]), ignored[i], "a signal that the parent ignores kills the child");
    }
    return done();
}
