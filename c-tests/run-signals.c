/*
 * A run and the caller's signals. There is no SIGPIPE, whatever its disposition is. A run does not depend on SIGCHLD.
 * Mask, dispositions, threads and descriptors are as before, after every end.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/time.h>

#include "run.h"

enum { INPUT = 300000, OUTPUT = 200000, ROUNDS = 5, LAST_SIGNAL = 64 };

static char input[INPUT];

/* ---- What stays as it was ---- */

struct thread_state {
    struct state state;
    struct {
        void (*handler)(int);
        int flags;
        bool known;
    } dispositions[LAST_SIGNAL + 1];
    int threads;
};

static void look_at_signals(struct thread_state *now)
{
    memset(now, 0, sizeof(*now));
    look_at_state(&now->state);
    for (int sig = 1; sig <= LAST_SIGNAL; sig++) {
        struct sigaction action;

        if (sigaction(sig, NULL, &action) == 0) {
            now->dispositions[sig].handler = action.sa_handler;
            now->dispositions[sig].flags = action.sa_flags;
            now->dispositions[sig].known = true;
        }
    }
    now->threads = count_threads();
}

static struct thread_state before;

static void is_as_before(const char *what)
{
    static struct thread_state now;

    look_at_signals(&now);
    ok(memcmp(&before.dispositions, &now.dispositions, sizeof(now.dispositions)) == 0, "%s: the dispositions", what);
    /* One that was ending when they were counted at first may be gone. */
    ok(now.threads <= before.threads, "%s: no thread is left", what);
    is_same_state(&before.state, "mask, descriptors and all else");
    ok(!has_child(), "no child is left");
}

/* ---- SIGPIPE ---- */

static volatile sig_atomic_t handled;

static void count_signal(int sig)
{
    (void)sig;
    handled++;
}

static void set_handler(int sig, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    if (sigaction(sig, &action, NULL) != 0) {
        bail("sigaction");
    }
}

static void block(int sig, int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    pthread_sigmask(how, &set, NULL);
}

/* Removes a pending signal. Returns whether there was one. */
static bool take_pending(int sig)
{
    const struct timespec none = {0, 0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    return sigtimedwait(&set, NULL, &none) == sig;
}

static bool is_pending(int sig)
{
    sigset_t set;

    return sigpending(&set) == 0 && sigismember(&set, sig);
}

/* Programs that leave their input: closed at once, read in part, or not touched. */
static void leave_input(const char *what)
{
    static const char *const ways[] = {"close", "part", "exit"};

    look_at_signals(&before);
    for (size_t way = 0; way < 3; way++) {
        bool holds = true;

        for (int i = 0; i < ROUNDS && holds; i++) {
            run(ARGS(SELF, "leave", ways[way]), NULL, RUN(.input = input, .input_len = INPUT));
            holds = ran.done && ran_end() == 6 && ran.result.flags == QEMU_RUN_RESULT_INPUT_LEFT &&
                    strcmp(ran.result.out, "left\n") == 0;
            if (!holds) {
                show_run();
            }
            run_clear();
        }
        ok(holds, "SIGPIPE %s, and the program leaves its input (%s): no error, INPUT_LEFT", what, ways[way]);
    }
    is_as_before(what);
}

static void test_sigpipe(void)
{
    handled = 0;
    set_handler(SIGPIPE, SIG_DFL, 0);
    leave_input("by default");
    set_handler(SIGPIPE, SIG_IGN, 0);
    leave_input("ignored");
    set_handler(SIGPIPE, count_signal, SA_RESTART);
    leave_input("handled");
    set_handler(SIGPIPE, SIG_DFL, 0);
    block(SIGPIPE, SIG_BLOCK);
    leave_input("blocked");
    ok(!is_pending(SIGPIPE), "none is pending");
    set_handler(SIGPIPE, count_signal, 0);
    leave_input("blocked and handled");
    ok(!is_pending(SIGPIPE), "none is pending");
    for (int which = 1; which < 4; which++) {
        if (which & 1) {
            pthread_kill(pthread_self(), SIGPIPE);
        }
        if (which & 2) {
            kill(getpid(), SIGPIPE);
        }
        leave_input(which == 1   ? "pending for the thread"
                    : which == 2 ? "pending for the process"
                                 : "pending for both");
        for (int i = 0; i < (which == 3 ? 2 : 1); i++) {
            ok(take_pending(SIGPIPE), "it is still pending");
        }
        ok(!take_pending(SIGPIPE), "and not once more");
    }
    is_int(handled, 0, "no handler has run");
    block(SIGPIPE, SIG_UNBLOCK);
    set_handler(SIGPIPE, SIG_DFL, 0);
}

/* ---- SIGCHLD ---- */

static bool stop_thief;

static void reap_all(int sig)
{
    int error = errno;

    (void)sig;
    handled++;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    errno = error;
}

static void *steal(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&stop_thief, __ATOMIC_ACQUIRE)) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        yield_a_moment();
    }
    return NULL;
}

/* All of its output is there. Its status is known, or QEMU_PROCESS_UNKNOWN. */
static void write_much(const char *what, bool may_be_stolen)
{
    bool holds = true;

    look_at_signals(&before);
    for (int i = 0; i < ROUNDS && holds; i++) {
        run(ARGS(SELF, "much"), NULL, RUN(.input = input, .input_len = INPUT));
        holds = ran.done && ran.result.end == QEMU_RUN_END_EXITED && ran.result.flags == 0 &&
                ran.result.out_len == OUTPUT && ran.result.err_len == OUTPUT &&
                (ran_end() == 9 || (may_be_stolen && ran_end() == UNKNOWN_END));
        if (!holds) {
            show_run();
        }
        run_clear();
    }
    ok(holds, "SIGCHLD %s: the run ends, with all output and %s", what,
       may_be_stolen ? "its status, or an unknown one" : "its status");
    is_as_before(what);
}

static void test_sigchld(void)
{
    pthread_t thread;

    write_much("by default", false);
    set_handler(SIGCHLD, SIG_IGN, 0);
    write_much("ignored", true);
    set_handler(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
    write_much("with SA_NOCLDWAIT", true);
    handled = 0;
    set_handler(SIGCHLD, count_signal, 0);
    write_much("handled", false);
    ok(handled > 0, "the handler has run");
    set_handler(SIGCHLD, reap_all, 0);
    write_much("handled by one that reaps all", true);
    set_handler(SIGCHLD, SIG_DFL, 0);
    block(SIGCHLD, SIG_BLOCK);
    write_much("blocked", false);
    (void)take_pending(SIGCHLD);
    block(SIGCHLD, SIG_UNBLOCK);
    stop_thief = false;
    if (pthread_create(&thread, NULL, steal, NULL) != 0) {
        bail("pthread_create");
    }
    write_much("while a thread reaps all", true);
    __atomic_store_n(&stop_thief, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
}

/* ---- Signals that interrupt everything ---- */

static void test_interrupted(void)
{
    const struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};

    for (int restart = 0; restart < 2; restart++) {
        struct sigaction old;

        sigaction(SIGALRM, NULL, &old);
        alarm(0);
        set_handler(SIGALRM, count_signal, restart ? SA_RESTART : 0);
        handled = 0;
        setitimer(ITIMER_REAL, &often, NULL);
        write_much(restart ? "by default, and a timer that interrupts with SA_RESTART" : "by default, and a timer",
                   false);
        setitimer(ITIMER_REAL, &never, NULL);
        sigaction(SIGALRM, &old, NULL);
        cast_net();
        ok(handled > 0, "the timer's handler has run");
    }
}

/* ---- After every end ---- */

/* The sink is called with the caller's mask and dispositions. */
static bool look_in_sink(void *opaque, int child_fd, const char *data, size_t len)
{
    int *wrong = opaque;

    (void)child_fd;
    (void)data;
    (void)len;
    *wrong += count_threads() != before.threads || own_mask() != before.state.mask;
    return true;
}

static bool refuse(void *opaque, int child_fd, const char *data, size_t len)
{
    (void)opaque;
    (void)child_fd;
    (void)data;
    (void)len;
    return false;
}

static void test_all_ends(void)
{
    int ends[2], wrong = 0;

    block(SIGUSR2, SIG_BLOCK);
    block(SIGRTMAX, SIG_BLOCK);
    set_handler(SIGUSR1, count_signal, SA_RESTART | SA_NODEFER);
    set_handler(SIGHUP, SIG_IGN, 0);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        bail("pipe2");
    }
    put_byte(ends[1], 'c');
    look_at_signals(&before);

    run(ARGS(SELF, "much"), NULL, RUN(.input = input, .input_len = INPUT));
    ok(ran.done, "success");
    run_clear();
    is_as_before("after success");
    run(ARGS(SELF, "much"), NULL, RUN(.sink = look_in_sink, .opaque = &wrong));
    ok(ran.done && !wrong, "in a sink mask and threads are the caller's");
    run_clear();
    is_as_before("after a sink");
    run(ARGS("/nowhere"), NULL, RUN(.input = input, .input_len = INPUT));
    ok(!ran.done && ran.error == ENOENT, "a failed start");
    run_clear();
    is_as_before("after a failed start");
    run(ARGS(SELF, "pause"), NULL, RUN(.timeout_ms = 50, .grace_ms = LONG_MS, .input = input, .input_len = INPUT));
    ok(!ran.done && ran.error == ETIMEDOUT, "timeout");
    run_clear();
    is_as_before("after a timeout");
    run(ARGS(SELF, "stubborn"), NULL, RUN(.flags = QEMU_RUN_CANCEL_FD, .cancel_fd = ends[0], .grace_ms = SHORT_MS));
    ok(!ran.done && ran.error == ECANCELED, "cancel");
    run_clear();
    is_as_before("after a cancel");
    run(ARGS(SELF, "much"), NULL, RUN(.stdout_limit = 1000));
    ok(!ran.done && ran.error == ENOBUFS, "too much output");
    run_clear();
    is_as_before("after too much output");
    run(ARGS(SELF, "much"), NULL, RUN(.sink = refuse));
    ok(!ran.done && ran.error == ECANCELED, "the sink's false");
    run_clear();
    is_as_before("after a sink's false");
    run(ARGS(SELF, "much"), NULL, RUN(.flags = QEMU_RUN_CHECK, .input = input, .input_len = INPUT));
    ok(!ran.done && ran.error == EIO, "a status that is not 0");
    run_clear();
    is_as_before("after a status that is not 0");

    close(ends[0]);
    close(ends[1]);
    block(SIGUSR2, SIG_UNBLOCK);
    block(SIGRTMAX, SIG_UNBLOCK);
    set_handler(SIGUSR1, SIG_DFL, 0);
    set_handler(SIGHUP, SIG_DFL, 0);
}

/* ---- The program ---- */

static int leave(const char *way)
{
    char bytes[1000];

    if (strcmp(way, "close") == 0) {
        close(STDIN_FILENO);
    } else if (strcmp(way, "part") == 0) {
        (void)!read(STDIN_FILENO, bytes, sizeof(bytes));
        close(STDIN_FILENO);
    }
    write_all(STDOUT_FILENO, "left\n", 5);
    return 6;
}

/* Writes to both, and reads all. */
static int much(void)
{
    char bytes[4096];

    write_many(STDOUT_FILENO, 'o', OUTPUT);
    while (read(STDIN_FILENO, bytes, sizeof(bytes)) > 0) {
    }
    write_many(STDERR_FILENO, 'e', OUTPUT);
    return 9;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strcmp(argv[1], "leave") == 0) {
            return leave(argv[2]);
        }
        return strcmp(argv[1], "much") == 0 ? much() : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    in_both_forms(test_sigpipe);
    in_both_forms(test_sigchld);
    in_both_forms(test_interrupted);
    in_both_forms(test_all_ends);
    return done();
}
