#!/usr/bin/env python3
"""Compiles the headers in every way that a program may include them, with every warning an error, and prints TAP.

It also compiles calls with a wrong printf format, which must be refused for each function that takes one.
"""
import argparse
import os
import shlex
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# From the oldest to the newest. A compiler is asked for those that it knows; c2x is an older name of c23, and so on.
C_STANDARDS = ["c99", "gnu99", "c11", "gnu11", "c17", "gnu17", "c23 c2x", "gnu23 gnu2x", "c2y"]
CXX_STANDARDS = ["c++98", "gnu++98", "c++11", "gnu++11", "c++14", "c++17", "c++20", "c++23 c++2b", "c++26 c++2c"]
# No compiler that the library is made with lacks these.
ALWAYS = {"c99", "gnu99", "c11", "gnu11", "c17", "gnu17", "c++98", "gnu++98", "c++11", "gnu++11", "c++14", "c++17",
          "c++20"}
# What C++98 has as extensions only: macros with variable arguments, and a comma after the last enumerator.
RELAXED = {"c++98": "-Wno-pedantic", "gnu++98": "-Wno-pedantic"}

FORK, ERROR = "#include <qemu-fork.h>\n", "#include <qemu-fork/error.h>\n"
TYPEDEF = "typedef struct Error Error;\n"
# C99 does not allow a second typedef, so it is announced: see qemu-fork.h.
TYPEDEF_TOLD = "#define QEMU_FORK_ERROR_TYPEDEF\n" + TYPEDEF
HEADERS = {
    "qemu-fork.h": FORK,
    "qemu-fork/error.h": ERROR,
    "qemu-fork.h, qemu-fork/error.h": FORK + ERROR,
    "qemu-fork/error.h, qemu-fork.h": ERROR + FORK,
    "both, twice": FORK + ERROR + FORK + ERROR,
}

# A call of each function that takes a format. The argument is a number, which is right, or a string, which is not.
FORMATS = {
    "error_setg": 'error_setg(errp, "%d", {})',
    "error_setg_errno": 'error_setg_errno(errp, 1, "%d", {})',
    "error_set": 'error_set(errp, ERROR_CLASS_GENERIC_ERROR, "%d", {})',
    "error_setg_internal": 'error_setg_internal(errp, "file", 1, "function", "%d", {})',
    "error_setg_errno_internal": 'error_setg_errno_internal(errp, "file", 1, "function", 1, "%d", {})',
    "error_prepend": 'error_prepend(errp, "%d", {})',
    "error_append_hint": 'error_append_hint(errp, "%d", {})',
    "error_propagate_prepend": 'error_propagate_prepend(errp, *errp, "%d", {})',
    "error_reportf_err": 'error_reportf_err(*errp, "%d", {})',
    "warn_reportf_err": 'warn_reportf_err(*errp, "%d", {})',
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", required=True, help="the folder of the headers")
    parser.add_argument("--cc", required=True, help="the C compiler, with further arguments")
    parser.add_argument("--cxx", default="", help="the C++ compiler, with further arguments; empty: there is none")
    return parser.parse_args()


class Tap:
    """Counts the lines."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, holds, what, output=""):
        self.count += 1
        self.failed += not holds
        print(f"{'' if holds else 'not '}ok {self.count} - {what}")
        if not holds:
            print("".join(f"# {line}\n" for line in output.splitlines()), end="")

    def skip(self, what, why):
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {why}")

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def compiles(compiler, language, include, flags, source):
    """Whether the source compiles without a warning, and what the compiler said."""
    command = [*shlex.split(compiler), *WARNINGS, "-fsyntax-only", "-x", language, "-I", include, *flags, "-"]
    run = subprocess.run(command, input=source, text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return run.returncode == 0, run.stdout


def in_function(statement):
    return f"{ERROR}void f(Error **errp);\nvoid f(Error **errp) {{ {statement}; }}\n"


def knows(compiler, language, standard):
    """Whether the compiler has the standard."""
    return compiles(compiler, language, ".", [f"-std={standard}"], "extern int nothing;\n")[0]


def check_headers(tap, compiler, language, standards, include):
    for names in standards:
        names = names.split()
        standard = next((name for name in names if knows(compiler, language, name)), None)
        if standard is None:
            what = f"{compiler} -std={names[0]}"
            if names[0] in ALWAYS:
                tap.ok(False, what, "the compiler does not know it")
            else:
                tap.skip(what, "the compiler does not know it yet")
            continue
        typedef = TYPEDEF_TOLD if standard.endswith("99") else TYPEDEF
        flags = [f"-std={standard}", *RELAXED.get(standard, "").split()]
        for before, text in (("", ""), (" after a typedef of Error", typedef)):
            for name, source in HEADERS.items():
                good, output = compiles(compiler, language, include, flags, text + source + "extern int nothing;\n")
                tap.ok(good, f"{compiler} -std={standard}: {name}{before}", output)


def check_formats(tap, compiler, language, include):
    for name, call in FORMATS.items():
        good, output = compiles(compiler, language, include, ["-Wno-error", "-Werror=format"],
                                in_function(call.format("1")))
        tap.ok(good, f"{compiler}: {name}() with a right format compiles", output)
        good, output = compiles(compiler, language, include, ["-Wno-error", "-Werror=format"],
                                in_function(call.format('"text"')))
        tap.ok(not good and "format" in output, f"{compiler}: {name}() with a wrong format does not", output)
    # With a va_list only the format itself can be checked.
    for fmt, right in (("%d", True), ("%", False)):
        good, output = compiles(compiler, language, include, ["-Wno-error", "-Werror=format"],
                                f"{ERROR}void f(Error **errp, va_list ap);\n"
                                f"void f(Error **errp, va_list ap) {{ error_vprepend(errp, \"{fmt}\", ap); }}\n")
        tap.ok(good if right else not good and "format" in output,
               f"{compiler}: error_vprepend() with the format \"{fmt}\" {'compiles' if right else 'does not'}", output)


def main():
    args = arguments()
    tap = Tap()
    compilers = [(args.cc, "c", C_STANDARDS)]
    given = {os.path.basename(shlex.split(command)[0]) for command in (args.cc, args.cxx) if command}
    if args.cxx:
        compilers.append((args.cxx, "c++", CXX_STANDARDS))
    else:
        tap.skip("the headers in C++", "there is no C++ compiler (Debian: g++)")
    for name, language, standards in (("clang", "c", C_STANDARDS), ("clang++", "c++", CXX_STANDARDS)):
        if not shutil.which(name):
            tap.skip(f"the headers with {name}", f"there is no {name} (Debian: clang)")
        elif name not in given:
            compilers.append((name, language, standards))
    for compiler, language, standards in compilers:
        check_headers(tap, compiler, language, standards, args.include)
        check_formats(tap, compiler, language, args.include)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
