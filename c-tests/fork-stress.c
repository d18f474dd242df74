/*
 * Some threads allocate and print without a pause, while another forks 10,000 times. Many a fork happens while a thread
 * that does not exist in the child holds a lock. The child must return from qemu_fork() all the same. An argument sets
 * another number of forks.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc-lock.h"

#include <pthread.h>

#include <qemu-fork.h>

#include "child.h"
#include "net.h"
#include "sanitizer.h"

enum {
    /* A process with shadow memory, or an emulator's, takes a hundred times as long to copy. */
    FORKS = UNDER_ASAN || IS_EMULATED ? 100 : 10000,
    WORKERS = 2,
};

static volatile pid_t child;
static int stop;

/* The signal goes to the main thread, which waits for the child. */
static void give_up(int signum)
{
    static const char text[] = "Bail out! a child does not end: it must hang in qemu_fork()\n";

    (void)signum;
    if (child > 0) {
        kill(child, SIGKILL);
    }
    (void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
    _exit(99);
}

static void *work(void *arg)
{
    FILE *null = (FILE *)arg;
    size_t rounds = 0;

    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        void *memory = malloc(1 + rounds % 5000);
        void *more = calloc(1, 100000);

        fprintf(null, "%zu %p %f\n", rounds, memory, (double)rounds / 7);
        free(memory);
        free(more);
        if (++rounds % 64 == 0) {
            fflush(null);
        }
    }
    return arg;
}

int main(int argc, char **argv)
{
    int wanted = argc > 1 ? atoi(argv[1]) : 0;
    int forks = wanted > 0 ? wanted : FORKS;
    pthread_t workers[WORKERS];
    FILE *null = fopen("/dev/null", "w");
    int good = 0;

    if (!null) {
        bail("/dev/null");
    }
    for (int i = 0; i < WORKERS; i++) {
        if (pthread_create(&workers[i], NULL, work, null) != 0) {
            bail("pthread_create");
        }
    }
    signal(SIGALRM, give_up);
    for (int i = 0; i < forks; i++) {
        alarm(net_seconds()); /* for each of them */
        child = qemu_fork(NULL);
        if (child == 0) {
            _exit(7);
        }
        if (child == -1) {
            bail("qemu_fork");
        }
        good += wait_for(child) == 7 << 8;
        child = 0;
    }
    alarm(0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i], NULL);
    }
    fclose(null);
    is_int(good, forks, "every child came out of qemu_fork()");
    return done();
}
