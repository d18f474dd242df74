/*
 * Signals from another process while threads fork and exec.
 *
 * A victim process has 1, 2, 4 or 8 threads that fork through qemu_fork() and execute this program, each a fixed number
 * of times. It also has bystanders: threads that use malloc, stdio, dlopen and setenv all the while. A shooter process
 * sends signals: numbered real-time signals to the victim, so that each can be accounted for, and standard signals to
 * the whole process group, children included. There are two kinds of storm. In one, the group's signals do nothing by
 * default: every child must execute the program and exit with its status. In the other, a group's signal ends a process
 * by default, SIGUSR1: a child may also be killed by that, and by nothing else.
 *
 * At the end every numbered signal has been handled exactly once, in the victim. No handler has run in a child. All
 * children are accounted for. The victim has as many descriptors as at the beginning.
 *
 * The amount of work is fixed by counts. Just before each fork, the thread orders a salvo from the shooter and some
 * work from each bystander.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "common.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SALVO = 48,            /* numbered signals for one fork ... */
    GROUP_SALVO = 8,       /* ... and signals to the group */
    MAX_FORKS = 1 << 12,
    MAX_SHOTS = SALVO * (MAX_FORKS + 1),
    MAX_THREADS = 8,
    EXIT_AFTER_EXEC = 42,
};

static const char exec_mark[] = "--after-exec";

/* The group's signals that do nothing by default. The victim has handlers for them. */
static const int harmless[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};

enum { HARMLESS = sizeof(harmless) / sizeof(harmless[0]) };

struct storm {
    int threads;
    int forks;         /* of each thread */
    bool lethal;       /* one of the group signals ends a child */
    bool only_forkers; /* only the threads that fork take the numbered signals */
};

static struct shared {
    atomic_int victim;
    atomic_bool victim_dead;
    atomic_int begun;  /* forks */
    sem_t salvo;       /* the shooter waits here */
    sem_t first_salvo; /* and the victim here until the first is fired */
    sem_t stopped;     /* or until the shooter has stopped */
    atomic_int sent;
    atomic_long group_shots;
    atomic_long group_handled;
    atomic_long in_child;
    atomic_int exited;
    atomic_int killed;
    atomic_int other_ends;
    atomic_int failed_forks;
    atomic_int last_end;
    atomic_uchar seen[MAX_SHOTS];
} *shared;

static int numbered;

/* ---- The victim ---- */

static bool in_victim(void)
{
    return raw_getpid() == atomic_load(&shared->victim);
}

static void on_numbered(int sig, siginfo_t *info, void *context)
{
    int number = info->si_value.sival_int;

    (void)sig;
    (void)context;
    if (!in_victim()) {
        atomic_fetch_add(&shared->in_child, 1);
    } else if (info->si_code == SI_QUEUE && number >= 0 && number < MAX_SHOTS) {
        atomic_fetch_add(&shared->seen[number], 1);
    }
}

static void on_group_signal(int sig)
{
    (void)sig;
    atomic_fetch_add(in_victim() ? &shared->group_handled : &shared->in_child, 1);
}

static void set_up_handlers(void)
{
    struct sigaction action = {.sa_sigaction = on_numbered, .sa_flags = SA_SIGINFO | SA_RESTART};

    sigaction(numbered, &action, NULL);
    action.sa_handler = on_group_signal;
    action.sa_flags = SA_RESTART;
    for (int i = 0; i < HARMLESS; i++) {
        sigaction(harmless[i], &action, NULL);
    }
    sigaction(SIGUSR1, &action, NULL);
}

static void burst_of_malloc(unsigned n)
{
    for (int i = 0; i < 40; i++, n = n * 5 + 1) {
        char *memory = malloc(n % 60000 + 1);

        if (memory) {
            memory[0] = 1;
            memory = realloc(memory, n % 90000 + 1);
        }
        free(memory);
    }
}

static void burst_of_stdio(unsigned n)
{
    FILE *file = fopen("/dev/null", "w");

    for (int i = 0; file && i < 20; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&text, &size);

        if (memory) {
            fprintf(memory, "%u %s", n, "bystander");
            fclose(memory);
        }
        fprintf(file, "%s\n", text ? text : "");
        fflush(file);
        free(text);
    }
    if (file) {
        fclose(file);
    }
}

static void burst_of_dlopen(unsigned n)
{
    (void)n;
    for (int i = 0; i < 2; i++) {
        void *handle = dlopen("libm.so.6", RTLD_NOW); /* no other code here uses this library */

        if (handle) {
            dlsym(handle, "cos");
            dlclose(handle);
        }
    }
}

static void burst_of_setenv(unsigned n)
{
    for (int i = 0; i < 40; i++) {
        char value[32];

        snprintf(value, sizeof(value), "%u", n + (unsigned)i);
        setenv("QEMU_FORK_PROOF_BYSTANDER", value, 1);
        if (i % 16 == 0) {
            unsetenv("QEMU_FORK_PROOF_BYSTANDER");
        }
    }
}

static struct bystander {
    void (*burst)(unsigned n);
    sem_t go;
    pthread_t thread;
} bystanders[] = {
    {.burst = burst_of_malloc}, {.burst = burst_of_stdio}, {.burst = burst_of_dlopen}, {.burst = burst_of_setenv},
};

enum { BYSTANDERS = sizeof(bystanders) / sizeof(bystanders[0]) };

static atomic_bool bystanders_quit;

static void *stand_by(void *argument)
{
    struct bystander *bystander = argument;

    for (unsigned n = 0; !atomic_load(&bystanders_quit); n++) {
        if (sem_wait(&bystander->go) == 0) {
            bystander->burst(n);
        }
    }
    return NULL;
}

static void start_bystanders(void)
{
    for (int i = 0; i < BYSTANDERS; i++) {
        sem_init(&bystanders[i].go, 0, 0);
        if (pthread_create(&bystanders[i].thread, NULL, stand_by, &bystanders[i]) != 0) {
            broken("pthread_create");
        }
    }
}

static void stop_bystanders(void)
{
    atomic_store(&bystanders_quit, true);
    for (int i = 0; i < BYSTANDERS; i++) {
        sem_post(&bystanders[i].go);
    }
    for (int i = 0; i < BYSTANDERS; i++) {
        pthread_join(bystanders[i].thread, NULL);
    }
}

/* Orders the shooter and the bystanders to work during the next fork. */
static void announce_fork(void)
{
    atomic_fetch_add(&shared->begun, 1);
    sem_post(&shared->salvo);
    for (int i = 0; i < BYSTANDERS; i++) {
        sem_post(&bystanders[i].go);
    }
}

/* Only async-signal-safe functions: other threads may hold any lock. */
__attribute__((__noreturn__)) static void be_child(void)
{
    static char *const argv[] = {(char *)"storm", (char *)exec_mark, NULL};
    static char *const envp[] = {NULL};

    execve("/proc/self/exe", argv, envp);
    _exit(1);
}

static void *fork_and_exec(void *argument)
{
    const struct storm *storm = argument;
    uint64_t mask = read_mask() & ~bit_of(numbered);

    write_mask(mask);
    for (int i = 0; i < storm->forks; i++) {
        int status = 0;
        pid_t pid;

        announce_fork();
        pid = library.fork(NULL);
        if (pid == 0) {
            be_child();
        }
        if (read_mask() != mask) {
            violation("mask", "%d threads: a thread's mask is %#lx instead of %#lx after the call", storm->threads,
                      (unsigned long)read_mask(), (unsigned long)mask);
        }
        if (pid < 0 || wait_for(pid, &status) != pid) {
            atomic_fetch_add(&shared->failed_forks, 1);
            atomic_store(&shared->last_end, errno);
        } else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_AFTER_EXEC) {
            atomic_fetch_add(&shared->exited, 1);
        } else if (storm->lethal && WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1) {
            atomic_fetch_add(&shared->killed, 1);
        } else {
            atomic_fetch_add(&shared->other_ends, 1);
            atomic_store(&shared->last_end, status);
        }
    }
    return NULL;
}

static void wait_on(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

__attribute__((__noreturn__)) static void be_victim(struct storm *storm)
{
    pthread_t forkers[MAX_THREADS];
    int descriptors;

    setpgid(0, 0);
    atomic_store(&shared->victim, raw_getpid());
    set_up_handlers();
    descriptors = count_descriptors();
    if (storm->only_forkers) {
        write_mask(bit_of(numbered));
    }
    start_bystanders();
    sem_post(&shared->salvo);
    wait_on(&shared->first_salvo);
    for (int i = 0; i < storm->threads; i++) {
        if (pthread_create(&forkers[i], NULL, fork_and_exec, storm) != 0) {
            broken("pthread_create");
        }
    }
    for (int i = 0; i < storm->threads; i++) {
        pthread_join(forkers[i], NULL);
    }
    /* Now each signal of the shooter has been handled or is pending, and no other thread can be handling one. */
    wait_on(&shared->stopped);
    stop_bystanders();
    write_mask(0);
    if (read_pending() & bit_of(numbered)) {
        broken("signals are pending although none is blocked");
    }
    if (count_descriptors() != descriptors) {
        violation("descriptors", "%d threads: the victim has %d descriptors instead of %d", storm->threads,
                  count_descriptors(), descriptors);
    }
    while (waitpid(-1, NULL, WNOHANG | __WALL) > 0) {
        violation("child", "%d threads: an unknown child is left", storm->threads);
    }
    _exit(0);
}

/* ---- The shooter ---- */

static bool shoot_numbered(pid_t victim, int number)
{
    union sigval value = {.sival_int = number};

    while (sigqueue(victim, numbered, value) != 0) {
        if (errno != EAGAIN) {
            return false;
        }
        sched_yield(); /* the user's limit of queued signals */
    }
    atomic_fetch_add(&shared->sent, 1);
    return true;
}

static void fire_salvo(const struct storm *storm, int salvo)
{
    pid_t victim = atomic_load(&shared->victim);

    for (int i = 0; i < SALVO; i++) {
        int number = salvo * SALVO + i;

        if (number < MAX_SHOTS && !shoot_numbered(victim, number)) {
            return; /* there is no victim any more */
        }
        if (i % (SALVO / GROUP_SALVO) == 0) {
            bool last = i + SALVO / GROUP_SALVO >= SALVO;
            int sig = storm->lethal && last && salvo % 2 == 0 ? SIGUSR1
                                                              : harmless[i / (SALVO / GROUP_SALVO) % HARMLESS];

            if (kill(-victim, sig) == 0) {
                atomic_fetch_add(&shared->group_shots, 1);
            }
        }
    }
}

/* One salvo before the first fork, and one for each. */
__attribute__((__noreturn__)) static void be_shooter(const struct storm *storm)
{
    int forks = storm->threads * storm->forks;

    for (int salvo = 0; salvo <= forks; salvo++) {
        wait_on(&shared->salvo);
        if (atomic_load(&shared->victim_dead)) {
            break;
        }
        fire_salvo(storm, salvo);
        if (salvo == 0) {
            sem_post(&shared->first_salvo);
        }
    }
    sem_post(&shared->stopped);
    _exit(0);
}

/* ---- The verdict ---- */

static void judge(const struct storm *storm, int victim_status)
{
    int sent = atomic_load(&shared->sent);
    int forks = storm->threads * storm->forks;
    long lost = 0, repeated = 0;
    const char *kind = storm->lethal ? "lethal" : "harmless";

    if (timed_out) {
        violation("hang", "[%d threads, %s] it did not end within %d seconds", storm->threads, kind, HANG_SECONDS);
        return;
    }
    if (victim_status != 0) {
        violation("victim", "[%d threads, %s] the victim has wait status %#x", storm->threads, kind,
                  (unsigned)victim_status);
        return;
    }
    for (int i = 0; i < sent; i++) {
        int times = atomic_load(&shared->seen[i]);

        lost += times == 0;
        repeated += times > 1;
    }
    if (lost != 0) {
        violation("lost", "[%d threads, %s] %ld of %d numbered signals were lost", storm->threads, kind, lost, sent);
    }
    if (repeated != 0) {
        violation("repeated", "[%d threads, %s] %ld numbered signals were handled more than once", storm->threads, kind,
                  repeated);
    }
    if (atomic_load(&shared->in_child) != 0) {
        violation("in child", "[%d threads, %s] handlers ran %ld times in a child", storm->threads, kind,
                  atomic_load(&shared->in_child));
    }
    if (atomic_load(&shared->failed_forks) != 0) {
        violation("failed", "[%d threads, %s] %d forks failed or could not be waited for (errno %d)", storm->threads,
                  kind, atomic_load(&shared->failed_forks), atomic_load(&shared->last_end));
    }
    if (atomic_load(&shared->other_ends) != 0) {
        violation("ends", "[%d threads, %s] %d of %d children did not end as they should (one has wait status %#x)",
                  storm->threads, kind, atomic_load(&shared->other_ends), forks,
                  (unsigned)atomic_load(&shared->last_end));
    }
    count_experiments(sent + forks);
    note("%d threads, %s, numbered signals are for %s: %d children exec'd, %d were killed by the group's signal; %d "
         "numbered signals, %ld to the group, %ld of these handled in the victim",
         storm->threads, kind, storm->only_forkers ? "the forking threads" : "all threads",
         atomic_load(&shared->exited), atomic_load(&shared->killed), sent,
         atomic_load(&shared->group_shots), atomic_load(&shared->group_handled));
}

static void rage(struct storm *storm)
{
    int status, ignored;
    pid_t victim, shooter;

    if (enough_hangs()) {
        return;
    }
    memset(shared, 0, sizeof(*shared));
    if (sem_init(&shared->salvo, 1, 0) != 0 || sem_init(&shared->first_salvo, 1, 0) != 0 ||
        sem_init(&shared->stopped, 1, 0) != 0) {
        broken("sem_init");
    }
    victim = fork();
    if (victim == 0) {
        be_victim(storm);
    }
    setpgid(victim, victim);
    shooter = fork();
    if (shooter == 0) {
        be_shooter(storm);
    }
    if (victim < 0 || shooter < 0) {
        broken("fork");
    }
    watch(victim, &shared->begun);
    wait_for(victim, &status);
    watch(0, NULL);
    atomic_store(&shared->victim_dead, true);
    sem_post(&shared->salvo);
    wait_for(shooter, &ignored);
    judge(storm, status);
}

int main(int argc, char **argv)
{
    static const int threads[] = {1, 2, 4, 8};
    int forks;

    if (argc == 2 && strcmp(argv[1], exec_mark) == 0) {
        _exit(EXIT_AFTER_EXEC);
    }
    begin(argc, argv);
    numbered = SIGRTMIN + 5;
    shared = shared_memory(sizeof(*shared));
    forks = quick ? 200 : 2400;
    for (int lethal = 0; lethal < 2; lethal++) {
        for (int i = 0; i < 4; i++) {
            struct storm storm = {threads[i], forks / threads[i], lethal, (lethal + i) % 2 == 0};

            rage(&storm);
        }
    }
    return finish();
}
