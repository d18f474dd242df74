#!/usr/bin/env python3
"""Compiles the headers in every way that a program may include them, with every warning an error, and prints TAP.

It also compiles calls with a wrong printf format, which must be refused for each function that takes one.
"""
import argparse
import concurrent.futures
import os
import re
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
    """Prints results, and counts them."""

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

    def all(self, results):
        """Those of a function that has no Tap of its own. What is None holds or not cannot be said."""
        for holds, what, output in results:
            if holds is None:
                self.skip(what, output)
            else:
                self.ok(holds, what, output)

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def compiles(compiler, language, include, flags, source):
    """Whether the source compiles without a warning, and what the compiler said."""
    command = [*shlex.split(compiler), *WARNINGS, "-fsyntax-only", "-x", language, "-I", include, *flags, "-"]
    run = subprocess.run(command, input=source, text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return run.returncode == 0, run.stdout


def knows(compiler, language, standard):
    """Whether the compiler has the standard."""
    return compiles(compiler, language, ".", [f"-std={standard}"], "extern int nothing;\n")[0]


def check_headers(compiler, language, names, include):
    """The headers by one standard. Returns results: whether it holds, what, and the compiler's output."""
    standard = names.split()[0]
    if standard not in ALWAYS:
        standard = next((name for name in names.split() if knows(compiler, language, name)), None)
    if standard is None:
        return [(None, f"{compiler} -std={names.split()[0]}", "the compiler does not know it yet")]
    typedef = TYPEDEF_TOLD if standard.endswith("99") else TYPEDEF
    flags = [f"-std={standard}", *RELAXED.get(standard, "").split()]
    results = []
    for before, text in (("", ""), (" after a typedef of Error", typedef)):
        for name, source in HEADERS.items():
            good, output = compiles(compiler, language, include, flags, text + source + "extern int nothing;\n")
            results.append((good, f"{compiler} -std={standard}: {name}{before}", output))
    return results


def check_formats(compiler, language, right, include):
    """Calls that are all right, or all wrong, in one source: each on a line that is the number of the call."""
    calls = [call.format("1" if right else '"text"') for call in FORMATS.values()]
    # With a va_list only the format itself can be checked.
    calls.append(f'error_vprepend(errp, "{"%d" if right else "%"}", ap)')
    source = f"{ERROR}void f(Error **errp, va_list ap);\nvoid f(Error **errp, va_list ap)\n{{\n#line 1\n" + (
        "".join(f"    {call};\n" for call in calls) + "}\n")
    good, output = compiles(compiler, language, include, ["-Wno-error", "-Werror=format"], source)
    refused = {int(line) for line in re.findall(r"^<stdin>:(\d+):\d+: error: .*format", output, flags=re.M)}
    other = not good and not refused
    return [((line in refused) != right and not other,
             f"{compiler}: {name}() with a {'right format compiles' if right else 'wrong format does not'}", output)
            for line, name in enumerate([*FORMATS, "error_vprepend"], 1)]


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
    jobs = []
    for compiler, language, standards in compilers:
        jobs += [(check_headers, compiler, language, names, args.include) for names in standards]
        jobs += [(check_formats, compiler, language, right, args.include) for right in (True, False)]
    # Hundreds of runs of a compiler, each of a twentieth of a second, or of a third beside much else.
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for results in pool.map(lambda job: job[0](*job[1:]), jobs):
            tap.all(results)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
