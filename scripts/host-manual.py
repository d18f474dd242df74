#!/usr/bin/env python3
"""Prints a page of the manual as it is for host mode, where the Error API is the program's own and has no header here.

usage: host-manual.py PAGE
"""
import re
import sys

HEADER = "qemu-fork/error.h"
# Sentences of the pages that are another in host mode, each where it begins and where it ends.
REPLACED = [
    (re.compile(r"The library contains QEMU's Error API, in the header\n.*?contains\n\.Qq host-error \.\n", re.S),
     "The Error API is that of the program, as in QEMU: this library was built for\n"
     "such programs, and calls\n.Fn error_setg_errno_internal\nand\n.Fn error_get_pretty .\n"
     "So the text of\n.Fn qemu_fork_version\ncontains\n.Qq host-error .\n"),
]
# The examples are of a program that has the API from a header of its own; QEMU's is called so.
OWN_HEADER = '#include "qapi/error.h"'
PACKAGE = re.compile(r"(--libs qemu-fork)\b(?!-host)")


def for_host(text):
    """The page."""
    for sentences, other in REPLACED:
        text = sentences.sub(lambda _, other=other: other, text)
    text = text.replace(f".In {HEADER}\n", "").replace(f"#include <{HEADER}>", OWN_HEADER)
    text = PACKAGE.sub(r"\1-host", text)
    if HEADER in text:
        sys.exit(f"host-manual: {sys.argv[1]} names {HEADER} in a sentence that this program does not know")
    return text


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(for_host(file.read()))


if __name__ == "__main__":
    main()
