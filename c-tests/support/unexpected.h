/*
 * The text on stderr after an error has reached &error_abort.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef UNEXPECTED_H
#define UNEXPECTED_H

#include "tap.h"

/* "Unexpected error in FUNCTION() at FILE:LINE:\n" and then exactly `rest`. File NULL: any file and line will do. */
__attribute__((__unused__)) static bool is_unexpected(const char *text, const char *function, const char *file,
                                                      int line, const char *rest, const char *what)
{
    char start[512];
    const char *at = text;
    size_t n;
    bool holds;

    if (file) {
        snprintf(start, sizeof(start), "Unexpected error in %s() at %s:%d:\n", function, file, line);
    } else {
        snprintf(start, sizeof(start), "Unexpected error in %s() at ", function);
    }
    n = strlen(start);
    holds = strncmp(text, start, n) == 0;
    at = holds ? text + n : text;
    if (holds && !file) {
        size_t name = strcspn(at, ":\n");
        size_t digits = at[name] == ':' ? strspn(at + name + 1, "0123456789") : 0;

        holds = name > 0 && digits > 0 && strncmp(at + name + 1 + digits, ":\n", 2) == 0;
        at = holds ? at + name + 1 + digits + 2 : at;
    }
    if (ok(holds && strcmp(at, rest) == 0, "%s", what)) {
        return true;
    }
    printf("# got    \"%s\"\n# wanted \"%s%s%s\"\n", text, start, file ? "" : "FILE:LINE:\n", rest);
    return false;
}

#endif /* UNEXPECTED_H */
