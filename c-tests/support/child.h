/*
 * Runs a part of a test in a process of its own, and reports how that ended: its wait status, its output on stderr, and
 * how many processes ran their atexit handlers. Other results of the process go through shared memory.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CHILD_H
#define CHILD_H

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

/* The exit status for a system that cannot execute a program of this processor by itself, only under an emulator. */
enum { FOREIGN = 126 };

struct ending {
    int status;       /* as of waitpid() */
    int atexit_runs;  /* how many processes ran the handler: the first one, and what it forked */
    char text[16384]; /* the output on stderr, with a NUL at its end */
};

static int *atexit_counter;

static void count_atexit(void)
{
    __atomic_add_fetch(atexit_counter, 1, __ATOMIC_SEQ_CST);
}

/* Zeroed memory that a process shares with those that it forks. */
static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        bail("mmap");
    }
    return memory;
}

/* Waits for this child. */
__attribute__((__unused__)) static int wait_for(pid_t pid)
{
    int status = -1;
    pid_t got;

    do {
        got = waitpid(pid, &status, 0);
    } while (got == -1 && errno == EINTR);
    if (got != pid) {
        bail("waitpid");
    }
    return status;
}

/* Everything up to the end of file, cut at `size` - 1 bytes. */
static void read_all(int fd, char *text, size_t size)
{
    size_t length = 0;
    ssize_t n;

    do {
        char rest[512];
        bool full = length == size - 1;

        n = full ? read(fd, rest, sizeof(rest)) : read(fd, text + length, size - 1 - length);
        if (n > 0 && !full) {
            length += (size_t)n;
        }
    } while (n > 0 || (n == -1 && errno == EINTR));
    text[length] = '\0';
}

/* qemu-user reports on the program's stderr that a signal has ended it. That is not the program's output. */
static void remove_emulators_words(char *text)
{
    static const char words[] = "qemu: uncaught target signal ";
    char *start = strstr(text, words);
    char *end = start ? strchr(start, '\n') : NULL;

    if (end) {
        memmove(start, end + 1, strlen(end + 1) + 1);
    }
}

/* Calls body(arg) in a new process, which then ends by exit(0), unless it has ended otherwise. */
__attribute__((__unused__)) static struct ending run_child(void (*body)(void *), void *arg)
{
    static struct ending ending;
    int ends[2];
    pid_t pid;

    if (!atexit_counter) {
        atexit_counter = (int *)shared_memory(sizeof(*atexit_counter));
    }
    *atexit_counter = 0;
    fflush(NULL);
    if (pipe(ends) != 0) {
        bail("pipe");
    }
    pid = fork();
    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};

        /* Many of these processes end by abort(). */
        setrlimit(RLIMIT_CORE, &no_core);
        if (dup2(ends[1], STDERR_FILENO) == -1 || atexit(count_atexit) != 0) {
            _exit(98);
        }
        close(ends[0]);
        close(ends[1]);
        body(arg);
        exit(0);
    }
    close(ends[1]);
    read_all(ends[0], ending.text, sizeof(ending.text));
    remove_emulators_words(ending.text);
    close(ends[0]);
    ending.status = wait_for(pid);
    ending.atexit_runs = *atexit_counter;
    return ending;
}

static void show_ending(const struct ending *ending)
{
    printf("# wait status 0x%x, stderr \"%s\"\n", (unsigned)ending->status, ending->text);
}

__attribute__((__unused__)) static bool exits_with(const struct ending *ending, int code, const char *what)
{
    if (ok(WIFEXITED(ending->status) && WEXITSTATUS(ending->status) == code, "%s: exit status %d", what, code)) {
        return true;
    }
    show_ending(ending);
    return false;
}

__attribute__((__unused__)) static bool dies_of(const struct ending *ending, int signum, const char *what)
{
    bool killed = WIFSIGNALED(ending->status) && WTERMSIG(ending->status) == signum;

    if (ok(killed, "%s: killed by signal %d", what, signum)) {
        return true;
    }
    show_ending(ending);
    return false;
}

/* Whether every one of the words is in the text. NULL ends the list. */
__attribute__((__unused__, __sentinel__)) static bool has_words(const char *text, const char *what, ...)
{
    const char *missing = NULL;
    const char *word;
    va_list ap;

    va_start(ap, what);
    while (!missing && (word = va_arg(ap, const char *)) != NULL) {
        missing = strstr(text, word) ? NULL : word;
    }
    va_end(ap);
    if (ok(!missing, "%s", what)) {
        return true;
    }
    printf("# not found: \"%s\"\n# in: \"%s\"\n", missing, text);
    return false;
}

#endif /* CHILD_H */
