/*
 * Several threads wait for one child, signal it and stop it at the same time. All of them get the same answer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"

enum { THREADS = 8, ROUNDS = IS_EMULATED ? 5 : 25 };

static QemuProcess *process;
static pthread_barrier_t start;

struct job {
    void (*work)(struct job *);
    int number;
    int got;
    bool holds;
};

static void wait_for_ever(struct job *job)
{
    job->got = wait_ms(process, -1);
    job->holds = true;
}

static void wait_a_time(struct job *job)
{
    job->got = wait_ms(process, 90000);
    job->holds = true;
}

static void look_often(struct job *job)
{
    while ((job->got = wait_ms(process, 0)) == TIMED_OUT) {
        sched_yield();
    }
    job->holds = true;
}

/* Signals succeed until the child has ended, and then all fail. */
static void signal_often(struct job *job)
{
    while (qemu_process_kill(process, 0, NULL)) {
        sched_yield();
    }
    job->holds = errno == ESRCH && !qemu_process_kill(process, SIGUSR1, NULL) && errno == ESRCH;
    job->got = wait_ms(process, 0);
}

static void stop(struct job *job)
{
    QemuProcessStatus status = {.exit_code = -1};

    job->holds = qemu_process_stop(process, 90000, &status, NULL);
    job->got = ending_of(&status);
}

static void take(struct job *job)
{
    errno = 0;
    job->got = qemu_process_take_fd(process, STDIN_FILENO);
    job->holds = job->got != -1 || errno == EBADF;
}

static void *work(void *arg)
{
    struct job *job = arg;

    pthread_barrier_wait(&start);
    job->work(job);
    return NULL;
}

static struct job jobs[THREADS];
static pthread_t threads[THREADS];

/* Half of the threads do one thing, the others another. */
static void begin(void (*one)(struct job *), void (*other)(struct job *))
{
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.work = i % 2 ? one : other, .number = i};
        if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0) {
            bail("pthread_create");
        }
    }
    pthread_barrier_wait(&start);
}

/* How many of them did not get `wanted`, or were told something senseless. */
static int finish(int wanted)
{
    int wrong = 0;

    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong += jobs[i].got != wanted || !jobs[i].holds;
    }
    return wrong;
}

/* A child that ends when its stdin does, which is after the threads have begun. */
static void test_waiting(void (*one)(struct job *), void (*other)(struct job *), const char *what)
{
    int wrong = 0, left = 0;

    for (int i = 0; i < ROUNDS; i++) {
        int in;

        process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
        in = qemu_process_take_fd(process, STDIN_FILENO);
        begin(one, other);
        close(in);
        wrong += finish(0);
        left += has_child();
        qemu_process_free(process);
    }
    is_int(wrong, 0, what);
    is_int(left, 0, "the child has been reaped, every time");
}

static void test_stopping(void (*other)(struct job *), const char *what)
{
    int wrong = 0, left = 0;

    for (int i = 0; i < ROUNDS; i++) {
        process = must_spawn(ARGS(SELF, "pause"), NULL);
        begin(stop, other);
        wrong += finish(KILLED_BY + SIGTERM);
        left += has_child();
        qemu_process_free(process);
    }
    is_int(wrong, 0, what);
    is_int(left, 0, "the child has been reaped, every time");
}

static void test_taking(void)
{
    int wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        int takers = 0;

        process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
        begin(take, take);
        finish(0);
        for (int thread = 0; thread < THREADS; thread++) {
            wrong += !jobs[thread].holds;
            if (jobs[thread].got != -1) {
                takers++;
                close(jobs[thread].got);
            }
        }
        wrong += takers != 1;
        wrong += end_of(process) != 0;
    }
    is_int(wrong, 0, "of several threads that take an end of a pipe one gets it");
}

/*
 * Without a pidfd: the filter stops a thread that is just about to send a signal. The child ends meanwhile. No other
 * thread may reap it before the signal is sent, because the signal could then reach another process with the same id.
 */
static struct {
    void (*work)(struct job *);
    struct job job;
    pid_t thread;
    bool may_go, has_returned;
    bool was_trapped, was_there;
} other;

static void *work_meanwhile(void *arg)
{
    __atomic_store_n(&other.thread, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&other.may_go, __ATOMIC_SEQ_CST)) {
        sched_yield(); /* it must not sleep before it waits for the lock */
    }
    other.work(&other.job);
    __atomic_store_n(&other.has_returned, true, __ATOMIC_SEQ_CST);
    return arg;
}

static bool has_returned_or_sleeps(void)
{
    return __atomic_load_n(&other.has_returned, __ATOMIC_SEQ_CST) || process_state(other.thread) == 'S';
}

static void about_to_kill(int signum)
{
    pid_t pid = qemu_process_pid(process);
    siginfo_t info = {.si_pid = 0};

    (void)signum;
    other.was_trapped = true;
    syscall(SYS_tgkill, pid, pid, SIGKILL);
    await_end(pid);
    __atomic_store_n(&other.may_go, true, __ATOMIC_SEQ_CST);
    while (!has_returned_or_sleeps()) {
        yield_a_moment();
    }
    other.was_there =
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid && !other.has_returned;
}

static void signal_once(struct job *job)
{
    job->holds = !qemu_process_kill(process, SIGUSR1, NULL) && errno == ESRCH;
    job->got = wait_ms(process, 0);
}

static void look_once(struct job *job)
{
    job->got = wait_ms(process, 0);
    job->holds = true;
}

static void test_about_to_kill(void (*work)(struct job *), const char *what)
{
    struct sigaction action = {.sa_handler = about_to_kill}, before;
    pthread_t thread;

    process = must_spawn(ARGS(SELF, "pause"), NULL);
    memset(&other, 0, sizeof(other));
    other.work = work;
    sigaction(SIGSYS, &action, &before);
    if (pthread_create(&thread, NULL, work_meanwhile, NULL) != 0) {
        bail("pthread_create");
    }
    while (__atomic_load_n(&other.thread, __ATOMIC_SEQ_CST) == 0) {
        sched_yield();
    }
    qemu_process_kill(process, TRAPPED_SIGNAL, NULL);
    if (!other.was_trapped) {
        qemu_process_kill(process, SIGKILL, NULL);
        __atomic_store_n(&other.may_go, true, __ATOMIC_SEQ_CST);
    }
    pthread_join(thread, NULL);
    sigaction(SIGSYS, &before, NULL);
    ok(other.was_trapped, "a thread is about to send a signal, and the child ends");
    ok(other.was_there, "the child is not reaped before the signal is sent by another that %s", what);
    ok(other.job.got == KILLED_BY + SIGKILL && other.job.holds, "but then it is");
    qemu_process_free(process);
}

static void checks(void)
{
    test_waiting(wait_for_ever, wait_for_ever, "several threads wait for ever");
    test_waiting(wait_for_ever, wait_a_time, "some wait for ever, others for a time");
    test_waiting(wait_for_ever, look_often, "some wait for ever, others look again and again");
    test_waiting(look_often, look_often, "all look again and again");
    test_waiting(wait_for_ever, signal_often, "some wait for ever, others signal the child until it has ended");
    test_waiting(wait_a_time, signal_often, "some wait for a time, others signal the child until it has ended");
    test_stopping(stop, "several threads stop the child");
    test_stopping(wait_for_ever, "some stop the child, others wait");
    test_stopping(signal_often, "some stop the child, others signal it until it has ended");
    test_taking();
    if (is_older_kernel) {
        test_about_to_kill(look_once, "has a look");
        test_about_to_kill(wait_for_ever, "waits for ever");
        test_about_to_kill(wait_a_time, "waits for a time");
        test_about_to_kill(signal_once, "sends one, too");
        test_about_to_kill(stop, "stops the child");
    }
    ok(!has_child(), "no child is left");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (pthread_barrier_init(&start, NULL, THREADS + 1) != 0) {
        bail("pthread_barrier_init");
    }
    check_here_and_on_older_kernel(checks);
    return done();
}
