/*
 * The subject of sanitizers and valgrind. It makes, copies, extends, propagates and frees errors, in the parent and in
 * children of qemu_fork(). The children end by exit(), so that leaks are looked for in them, too.
 *
 * usage: memory-subject [FAULT]
 *
 * With the name of a fault it makes that one mistake, as a program or the library could. A tool that reports nothing
 * then is not working. With "failing-fork" there is no mistake, but every fork fails.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

enum { ROUNDS = 20 };

static const char *fault = "";

static bool is_fault(const char *name)
{
    return strcmp(fault, name) == 0;
}

/* Volatile, so that the compiler cannot see the fault. */
static volatile int zero;

static void make_mistake(bool in_child)
{
    Error *err = NULL;

    if (is_fault(in_child ? "leak-in-child" : "leak")) {
        error_setg(&err, "this is never freed");
        err = NULL;
    } else if (is_fault(in_child ? "read-after-free-in-child" : "read-after-free")) {
        const char *text;

        error_setg(&err, "read after it was freed");
        text = error_get_pretty(err);
        error_free(err);
        zero = text[zero];
    } else if (!in_child && is_fault("rust-reads-after-free")) {
        /* In the library: the first read. */
        error_setg(&err, "read after it was freed");
        error_free(err);
        zero = (int)error_get_class(err) & 0;
    } else if (!in_child && is_fault("undefined")) {
        zero = INT_MAX;
        zero = zero + 1;
        zero = 0;
    } else if (!in_child && is_fault("uninitialised")) {
        char *text = malloc(8);

        if (text) {
            text[7] = '\0';
            error_setg(&err, "%s", text);
            error_free(err);
            free(text);
        }
    }
}

static void fill(Error **errp)
{
    ERRP_GUARD();
    error_setg_errno(errp, ENOENT, "no such thing");
    error_append_hint(errp, "Try %s.\n", "another");
    error_append_hint(errp, "Or %s.\n", "none");
    error_prepend(errp, "while testing: ");
}

static void use_errors(void)
{
    Error *err = NULL, *local = NULL, *copy;

    fill(NULL);
    fill(&err);
    copy = error_copy(err);
    error_set(&local, ERROR_CLASS_DEVICE_NOT_FOUND, "the second");
    error_propagate(&err, local);
    error_propagate_prepend(NULL, copy, "unseen: ");
    error_free_or_abort(&err);
    local = NULL;
    error_setg_file_open(&local, EACCES, "/nowhere");
    error_propagate_prepend(&err, local, "moved: ");
    if (strcmp(error_get_pretty(err), "moved: Could not open '/nowhere': Permission denied") != 0) {
        abort();
    }
    error_free(err);
    error_free(NULL);
}

static int fork_and_fail(void)
{
    struct rlimit none = {0, 0};
    Error *err = NULL;

    /* Root is not bound by the limit. */
    if ((geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) || setrlimit(RLIMIT_NPROC, &none) != 0) {
        perror("RLIMIT_NPROC");
        return 2;
    }
    for (int i = 0; i < ROUNDS; i++) {
        if (qemu_fork(NULL) != -1 || qemu_fork(&err) != -1 || !err) {
            fputs("the fork did not fail\n", stderr);
            return 2;
        }
        error_free(err);
        err = NULL;
    }
    return 0;
}

int main(int argc, char **argv)
{
    Error *kept = NULL;

    fault = argc > 1 ? argv[1] : "";
    if (is_fault("failing-fork")) {
        return fork_and_fail();
    }
    make_mistake(false);
    error_setg(&kept, "alive in the parent and in every child");
    for (int i = 0; i < ROUNDS; i++) {
        int status;
        pid_t pid = qemu_fork(&error_abort);

        if (pid == 0) {
            use_errors();
            error_free(kept);
            if (i == ROUNDS / 2) {
                make_mistake(true);
            }
            exit(0);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0) {
            fprintf(stderr, "child %d ended with wait status %#x\n", i, status);
            error_free(kept);
            return 3;
        }
        use_errors();
    }
    error_free(kept);
    return 0;
}
