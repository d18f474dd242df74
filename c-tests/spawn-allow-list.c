/*
 * A filter that allows what one C library calls for a purpose, and refuses what another one calls: poll() or ppoll(),
 * clock_nanosleep() or nanosleep(), epoll_wait() or epoll_pwait(). No wait of the library spins.
 *
 * SPDX-License-Identifier: MIT
 */
#include "older-kernel.h"
#include "run.h"
#include "seccomp.h"
#include "watched.h"

enum { MOST = 3 };

static const struct list {
    const char *name;
    long refused[MOST];
    size_t n;
    bool no_pidfd; /* so that a wait has nothing to wait for but time */
    enum form forms; /* of a run; the loop of the test calls poll() itself */
} lists[] = {
#ifdef SYS_poll
    {"poll() is refused", {SYS_poll}, 1, false, IN_A_LOOP},
#endif
    {"ppoll() is refused", {SYS_ppoll}, 1, false, FORMS},
    {"clock_nanosleep() is refused", {SYS_clock_nanosleep}, 1, true, FORMS},
    {"nanosleep() is refused", {SYS_nanosleep}, 1, true, FORMS},
#ifdef SYS_epoll_wait
    {"epoll_pwait() is refused", {SYS_epoll_pwait}, 1, false, FORMS},
#endif
};

static int child_stdin;

/* Gives time to spin, by a call that no list refuses. */
static void *let_end(void *unused)
{
    const struct timespec moment = {0, 60000000};
    sigset_t none;

    sigemptyset(&none);
    sigtimedwait(&none, NULL, &moment);
    close(child_stdin);
    return unused;
}

/* Waits for a child that ends after a while. */
static int wait_for_cat(bool *slept)
{
    QemuProcess *process = must_spawn(ARGS(SELF, "cat"), OPTIONS(.flags = QEMU_SPAWN_PIPE_STDIN));
    pthread_t thread;
    int end;

    child_stdin = qemu_process_take_fd(process, STDIN_FILENO);
    if (pthread_create(&thread, NULL, let_end, NULL) != 0) {
        bail("pthread_create");
    }
    end = wait_measured(process, LONG_MS, slept);
    pthread_join(thread, NULL);
    qemu_process_free(process);
    return end;
}

static void use_all(void *arg)
{
    const struct list *list = arg;
    bool slept = false;
    int end = 0;

    if (list->no_pidfd && !forbid(NO_PIDFD, ENOSYS)) {
        tell("no filter\n");
    }
    if (!fail_calls(EPERM, list->refused, list->n)) {
        tell("no filter\n");
    }
    for (int i = 0; i < LOOKS && !slept && end == 0; i++) {
        end = wait_for_cat(&slept);
        progress();
    }
    tell("waited: %d, %s\n", end, slept ? "asleep" : "spinning");
    for (form = 0; form < list->forms; form++) {
        run(ARGS(SELF, "both"), NULL, RUN(.timeout_ms = LONG_MS));
        tell("%s%d, %s", form_names[form], ran.done, ran.result.out ? ran.result.out : "nothing\n");
        run_clear();
        progress();
    }
}

static void test(const struct list *list)
{
    if (run_watched(use_all, (void *)(uintptr_t)list, list->name)) {
        is_str(watched->words,
               list->forms == FORMS ? "waited: 0, asleep\nqemu_run(): 1, out\nin a loop: 1, out\n"
                                    : "waited: 0, asleep\nqemu_run(): 1, out\n",
               "a wait sleeps until the child ends, and a run gets its output");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_seccomp();
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        test(&lists[i]);
    }
    return done();
}
