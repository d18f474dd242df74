/*
 * The least that a test needs: TAP lines on stdout, which `meson test` reads.
 *
 * A check names what must hold. If it does not hold, a line says what was found instead. A child that a test forks must
 * not print: it reports to its parent by its exit status or through shared memory.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether this runs under qemu-user, as Meson says. Some of what a test looks at is then the emulator's own. */
#ifdef EMULATED
enum { IS_EMULATED = 1 };
#else
enum { IS_EMULATED = 0 };
#endif

static int tap_count;
static int tap_failed;
/* A text before the name of every check, for a test that makes its checks more than once. */
static const char *tap_form = "";

__attribute__((__format__(__printf__, 2, 3), __unused__)) static bool ok(bool holds, const char *fmt, ...)
{
    va_list ap;

    printf("%sok %d - %s", holds ? "" : "not ", ++tap_count, tap_form);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    tap_failed += !holds;
    return holds;
}

__attribute__((__unused__)) static bool is_int(long long got, long long want, const char *what)
{
    if (ok(got == want, "%s", what)) {
        return true;
    }
    printf("# got    %lld\n# wanted %lld\n", got, want);
    return false;
}

__attribute__((__unused__)) static bool is_str(const char *got, const char *want, const char *what)
{
    bool same = got && want ? strcmp(got, want) == 0 : got == want;

    if (ok(same, "%s", what)) {
        return true;
    }
    printf("# got    \"%s\"\n# wanted \"%s\"\n", got ? got : "(NULL)", want ? want : "(NULL)");
    return false;
}

/* Skips one check that cannot be made on this machine, and shows the reason. */
__attribute__((__unused__)) static void skip(const char *what, const char *why)
{
    printf("ok %d - %s%s # SKIP %s\n", ++tap_count, tap_form, what, why);
    fflush(stdout);
}

/* Skips the whole program, because it cannot be run on this machine. */
__attribute__((__unused__, __noreturn__)) static void skip_all(const char *why)
{
    printf("1..0 # SKIP %s\n", why);
    exit(0);
}

/* Ends the test, because something that it needs did not work. */
__attribute__((__unused__, __noreturn__)) static void bail(const char *what)
{
    printf("Bail out! %s: %s\n", what, strerror(errno));
    fflush(stdout);
    exit(99);
}

/* Prints the last line, without which a test that ended early would count as passed. Returns main()'s result. */
__attribute__((__unused__)) static int done(void)
{
    printf("1..%d\n", tap_count);
    fflush(stdout);
    return tap_failed != 0;
}

#endif /* TAP_H */
