/*
 * The name of a program in a message. What a terminal would not show as it is, or what is not UTF-8, is escaped: a
 * message is one line of valid UTF-8, and shows what the name is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "handle.h"

static void shown_as(const char *name, const char *shown, const char *what)
{
    char expected[256];

    snprintf(expected, sizeof(expected), "cannot execute '%s': %s", shown, strerror(ENOENT));
    ok(!spawn(ARGS(name), NULL), "%s: there is no such program", what);
    is_str(told.message, expected, "the message");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    shown_as("/no\xc3\xa4x", "/no\xc3\xa4x", "a letter that is not ASCII");
    shown_as("/no\nx", "/no\\x0ax", "a new line");
    shown_as("/no\xe2\x80\xaex", "/no\\xe2\\x80\\xaex", "U+202E, which turns the direction of the text");
    shown_as("/no\xe2\x80\xa8x", "/no\\xe2\\x80\\xa8x", "U+2028, which ends a line");
    shown_as("/no\xed\xa0\x80x", "/no\\xed\\xa0\\x80x", "a surrogate");
    shown_as("/no\xc0\xafx", "/no\\xc0\\xafx", "an overlong form");
    return done();
}
