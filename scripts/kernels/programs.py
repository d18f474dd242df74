"""Chooses the tests that are run on the kernels, and how each is linked. The others are skipped with a reason."""
import json
import os

from platforms.build import run
from platforms.report import Failure

# Besides the tests an initramfs has only busybox: no interpreter, no compiler, nothing of the distribution.
NOT_HERE = {
    "examples": "they start the distribution's programs; make check runs them",
    "docs": "they start the distribution's programs, by scripts in Python; make check runs them",
    "benches": "it is a script in Python, and nothing is measured in an emulator",
}
# The best first: statically, or with the shared libraries if a test needs libc's.
WAYS = ({"fully-static"}, {"shared", "no-pie"}, {"shared"}, set())
# Its ten thousand forks test libc's locks, not the kernel, and take minutes here.
ARGUMENTS = {"fork-stress": ["1000"]}


def is_program(path):
    """Whether the kernel executes this file by itself, without an interpreter."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


class Program:
    """One test, and its way of linking."""

    def __init__(self, test, suites):
        self.name = test["name"]
        self.command = test["cmd"] + ARGUMENTS.get(self.name, [])
        self.is_static = "fully-static" in suites
        self.rank = next(i for i, way in enumerate(WAYS) if way <= suites)


def choose(build, report):
    """One program for each test that can be run; the others are skipped, each or a suite of them, with the reason."""
    chosen = {}
    skipped = {}
    for test in json.loads(run(["meson", "introspect", "--tests", build])):
        suites = {suite.rpartition(":")[2] for suite in test["suite"]}
        left_out = suites & set(NOT_HERE)
        if left_out:
            skipped["the suite " + min(left_out)] = NOT_HERE[min(left_out)]
            continue
        # A file that has not been built yet counts as a program.
        if not test["cmd"][0].startswith(os.path.abspath(build)):
            skipped[test["name"]] = f"it needs {os.path.basename(test['cmd'][0])}"
            continue
        program = Program(test, suites)
        if program.name not in chosen or program.rank < chosen[program.name].rank:
            chosen[program.name] = program
    for what, why in skipped.items():
        report.skip(what, why)
    return [chosen[name] for name in sorted(chosen)]


def only(names, programs):
    """Those of the programs that are named; all if there are no names."""
    unknown = sorted(set(names) - {program.name for program in programs})
    if unknown:
        raise Failure(f"there is no test {' '.join(unknown)} that runs on a kernel")
    return [program for program in programs if program.name in names or not names]


def compile_all(build, programs, *targets):
    """Builds only these programs and the files that are their arguments."""
    files = {os.path.relpath(word, build) for program in programs for word in program.command
             if word.startswith(os.path.abspath(build))}
    run(["ninja", "-C", build, *targets, *sorted(files)])
