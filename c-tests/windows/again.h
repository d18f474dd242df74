/*
 * Runs the test program once more, for a case that ends the process.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef AGAIN_H
#define AGAIN_H

#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tap.h"

/* The exit status of a program that calls abort(). */
enum { ABORTED = 3 };

/* The result of a run: its exit status, and its stderr with "\n" at the end of each line. */
struct again {
    intptr_t status;
    char text[1024];
};

/* Runs `program` with the one argument `what`. */
__attribute__((__unused__)) static struct again again(const char *program, const char *what)
{
    char name[] = "again-XXXXXX";
    struct again result = {.status = -1};
    size_t length;
    int saved, file;

    if (!_mktemp(name)) {
        bail("_mktemp");
    }
    /* Text mode: reading turns "\r\n" into "\n". */
    file = _open(name, _O_RDWR | _O_CREAT | _O_EXCL | _O_TEXT, _S_IREAD | _S_IWRITE);
    saved = _dup(2);
    if (file < 0 || saved < 0 || _dup2(file, 2) != 0) {
        bail("stderr into a file");
    }
    result.status = _spawnl(_P_WAIT, program, program, what, NULL);
    if (_dup2(saved, 2) != 0) {
        bail("stderr");
    }
    _close(saved);
    _lseek(file, 0, SEEK_SET);
    length = 0;
    for (int n; (n = _read(file, result.text + length, (unsigned)(sizeof(result.text) - 1 - length))) > 0;) {
        length += (size_t)n;
    }
    result.text[length] = '\0';
    _close(file);
    remove(name);
    return result;
}

/* Checks how a run has ended. */
__attribute__((__unused__)) static void ends_as(const struct again *run, intptr_t status, const char *what)
{
    if (!is_int(run->status, status, what)) {
        printf("# stderr was \"%s\"\n", run->text);
    }
}

/* Checks that a run's stderr contains `text`, or, if `says` is false, that it does not. */
__attribute__((__unused__)) static void stderr_has(const struct again *run, bool says, const char *text)
{
    if (!ok((strstr(run->text, text) != NULL) == says, "stderr %s \"%.*s\"", says ? "has" : "lacks",
            (int)strcspn(text, "\n"), text)) {
        printf("# stderr was \"%s\"\n", run->text);
    }
}

#endif /* AGAIN_H */
