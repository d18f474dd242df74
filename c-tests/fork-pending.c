/*
 * Signals are sent to the parent before and during qemu_fork(). They are delivered in the parent when qemu_fork() has
 * returned, as often as they were sent, with their values. The child gets none of them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include <sys/syscall.h>

#include <qemu-fork.h>

#include "child.h"
#include "interpose-fork.h"

enum { QUEUED = 5 };

/* The four kinds. A standard signal that is sent twice while it is pending is delivered once. */
static int to_process_standard, to_thread_standard, to_process_queued, to_thread_queued;

static struct {
    volatile int delivered;
    volatile int values[2 * QUEUED];
} got[NSIG];

static void handler(int signum, siginfo_t *info, void *context)
{
    int n = got[signum].delivered++;

    (void)context;
    if (n < 2 * QUEUED) {
        got[signum].values[n] = info->si_value.sival_int;
    }
}

/* glibc's pthread_sigqueue() to the calling thread. musl has none. */
static int queue_to_thread(int signum, int value)
{
    siginfo_t info = {.si_signo = signum, .si_code = SI_QUEUE};

    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = value;
    return (int)syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signum, &info);
}

static void send_all(void)
{
    for (int i = 0; i < 2; i++) {
        if (kill(getpid(), to_process_standard) != 0 || pthread_kill(pthread_self(), to_thread_standard) != 0) {
            bail("kill");
        }
    }
    for (int i = 0; i < QUEUED; i++) {
        if (sigqueue(getpid(), to_process_queued, (union sigval){.sival_int = i}) != 0 ||
            queue_to_thread(to_thread_queued, 100 + i) != 0) {
            bail("sigqueue");
        }
    }
}

/* The children end while signals are counted. */
static void block_sigchld(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int delivered(void)
{
    int sum = 0;

    for (int sig = 1; sig < NSIG; sig++) {
        sum += got[sig].delivered;
    }
    return sum;
}

static void check_delivered(void)
{
    bool in_order = true;

    is_int(got[to_process_standard].delivered, 1, "the standard signal to the process is delivered once");
    is_int(got[to_thread_standard].delivered, 1, "the standard signal to the thread is delivered once");
    is_int(got[to_process_queued].delivered, QUEUED, "the queued signals to the process are delivered, each once");
    is_int(got[to_thread_queued].delivered, QUEUED, "the queued signals to the thread are delivered, each once");
    for (int i = 0; i < QUEUED; i++) {
        in_order = in_order && got[to_process_queued].values[i] == i && got[to_thread_queued].values[i] == 100 + i;
    }
    ok(in_order, "their values come with them, in their order");
    is_int(delivered(), 2 + 2 * QUEUED, "nothing else is delivered");
    memset(got, 0, sizeof(got));
}

/* The child's verdict: 0, or which of its checks failed. */
static int inspect_child(void)
{
    sigset_t pending;

    if (sigpending(&pending) != 0 || bits_of(&pending) != 0) {
        return 1;
    }
    return delivered() == 0 ? 0 : 2;
}

static int delivered_in_fork;

static void send_before(void)
{
    send_all();
    delivered_in_fork = delivered();
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t all, old, pending;
    uint64_t mask;
    pid_t pid;

    to_process_standard = SIGUSR1;
    to_thread_standard = SIGUSR2;
    to_process_queued = SIGRTMIN + 1;
    to_thread_queued = SIGRTMIN + 2;
    sigfillset(&action.sa_mask);
    for (int sig = 1; sig < NSIG; sig++) {
        sigaction(sig, &action, NULL); /* it refuses some signals, which this test does not send */
    }

    printf("# sent while the caller has blocked them\n");
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    send_all();
    mask = own_mask();
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(inspect_child());
    }
    is_int(delivered(), 0, "they are still blocked");
    ok(own_mask() == mask, "the mask is what it was");
    sigpending(&pending);
    sigdelset(&pending, SIGCHLD); /* which the child may or may not have sent already */
    ok(bits_of(&pending) == (BIT(to_process_standard) | BIT(to_thread_standard) | BIT(to_process_queued) |
                             BIT(to_thread_queued)),
       "they are still pending");
    is_int(wait_for(pid), 0, "the child has none of them");
    sigprocmask(SIG_SETMASK, &old, NULL);
    /* The child's SIGCHLD was blocked with the others. */
    is_int(got[SIGCHLD].delivered, 1, "nor is SIGCHLD lost");
    got[SIGCHLD].delivered = 0;
    check_delivered();

    printf("# sent during a fork() that succeeds\n");
    block_sigchld();
    interposed_fork.hook = send_before;
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(inspect_child());
    }
    is_int(delivered_in_fork, 0, "none is delivered during the fork");
    check_delivered();
    is_int(wait_for(pid), 0, "the child has none of them");

    printf("# sent during a fork() that fails\n");
    interposed_fork.error = EAGAIN;
    is_int(qemu_fork(NULL), -1, "it fails");
    is_int(delivered_in_fork, 0, "none is delivered during the fork");
    check_delivered();
    return done();
}
