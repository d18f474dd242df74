/*
 * A deliberate difference from QEMU: a child that cannot unblock its signals uses only write() and _exit(). QEMU's
 * child uses malloc, stdio and strerror. Each has a lock, which a thread that does not exist in the child may have
 * held. In this test the program defines each of those functions and records which of them the child called.
 *
 * SPDX-License-Identifier: MIT
 */
#include "interpose-malloc.h"

#include <pthread.h>
#include <stdarg.h>

#include <qemu-fork.h>

#include "child.h"
#include "interpose.h"
#include "seccomp.h"

static char *called; /* shared: the first of the functions below that a watched process called */
static int *watches; /* shared: how many processes were watched */
static volatile bool watched;

static void notice(const char *name)
{
    if (watched && called && !*called) {
        strcpy(called, name);
    }
}

/* Only the child is watched, from the moment at which it cannot unblock its signals. */
static void watch(void)
{
    watched = true;
    __atomic_add_fetch(watches, 1, __ATOMIC_SEQ_CST);
}

#define FORWARD(result, name, parameters, arguments)    \
    result name parameters                              \
    {                                                   \
        static result(*next) parameters;                \
                                                        \
        notice(#name);                                  \
        if (!next) {                                    \
            find_next(#name, &next, sizeof(next));      \
        }                                               \
        return next arguments;                          \
    }

FORWARD(size_t, fwrite, (const void *from, size_t size, size_t n, FILE *file), (from, size, n, file))
FORWARD(int, fputs, (const char *text, FILE *file), (text, file))
FORWARD(int, fputc, (int c, FILE *file), (c, file))
FORWARD(int, puts, (const char *text), (text))
FORWARD(int, fflush, (FILE *file), (file))
FORWARD(int, vfprintf, (FILE *file, const char *fmt, va_list ap), (file, fmt, ap))
FORWARD(int, vsnprintf, (char *to, size_t size, const char *fmt, va_list ap), (to, size, fmt, ap))
#ifdef __GLIBC__ /* musl's only looks into a table, and is what the library uses there */
FORWARD(char *, strerror, (int error), (error))
#endif

void perror(const char *text)
{
    notice("perror");
    (void)text;
}

int fprintf(FILE *file, const char *fmt, ...)
{
    va_list ap;
    int n;

    notice("fprintf");
    va_start(ap, fmt);
    n = vfprintf(file, fmt, ap);
    va_end(ap);
    return n;
}

static void child_that_prints(void *arg)
{
    int (*volatile function)(const char *, FILE *) = fputs;

    (void)arg;
    watch();
    function("text", stderr);
    _exit(0);
}

static void child_that_mallocs(void *arg)
{
    void *(*volatile function)(size_t) = malloc;

    (void)arg;
    watch();
    (void)function(1);
    _exit(0);
}

static void fork_and_fail_to_unblock(void *arg)
{
    static char buffer[4096];
    pid_t pid;

    (void)arg;
    /* The parent writes what stderr has in its buffer, after the child's message. */
    setvbuf(stderr, buffer, _IOFBF, sizeof(buffer));
    fputs("the parent's own\n", stderr);
    pthread_atfork(NULL, NULL, watch);
    sigmask_fails_in_child(EPERM);
    pid = qemu_fork(NULL);
    if (pid == 0) {
        _exit(77);
    }
    exit(pid > 0 && wait_for(pid) == 0x100 ? 0 : 1);
}

int main(void)
{
    struct ending ending;

    need_own_malloc();
    need_seccomp();
    called = shared_memory(64);
    watches = shared_memory(sizeof(*watches));
    interposed_malloc.hook = notice;

    ending = run_child(child_that_prints, NULL);
    exits_with(&ending, 0, "a child that prints");
    is_str(called, "fputs", "that it prints is noticed");
    *called = '\0';
    ending = run_child(child_that_mallocs, NULL);
    exits_with(&ending, 0, "a child that calls malloc");
    is_str(called, "malloc", "that it calls malloc is noticed");
    *called = '\0';

    ending = run_child(fork_and_fail_to_unblock, NULL);
    exits_with(&ending, 0, "the child of qemu_fork() ends with 1, and its parent");
    is_str(called, "", "that child calls none of these functions");
    is_str(ending.text, "cannot unblock signals: Operation not permitted\nthe parent's own\n",
           "that child does not flush what stdio had in its buffers");
    is_int(*watches, 3, "all three children were watched");
    return done();
}
