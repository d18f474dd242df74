"""Which of Meson's tests are run on the kernels, how each is linked, and which are not, with the reason."""
import json
import os

from platforms.build import run

# What else is in an initramfs is busybox: no interpreter, no compiler, nothing of the distribution.
NOT_HERE = {
    "examples": "they start the distribution's programs; make check runs them",
    "docs": "they start the distribution's programs, by scripts in Python; make check runs them",
    "benches": "it is a script in Python, and nothing is measured in an emulator",
}
# The best first: statically, or where a test needs libc's shared library, by that and ours.
WAYS = ({"fully-static"}, {"shared", "no-pie"}, {"shared"}, set())
# Ten thousand forks are about libc's locks, not about the kernel, and take minutes here.
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
        # What has not been built yet is a program all the same.
        if not test["cmd"][0].startswith(os.path.abspath(build)):
            skipped[test["name"]] = f"it needs {os.path.basename(test['cmd'][0])}"
            continue
        program = Program(test, suites)
        if program.name not in chosen or program.rank < chosen[program.name].rank:
            chosen[program.name] = program
    for what, why in skipped.items():
        report.skip(what, why)
    return [chosen[name] for name in sorted(chosen)]


def compile_all(build, programs, *targets):
    """Builds these programs and what they take as arguments, and no others."""
    files = {os.path.relpath(word, build) for program in programs for word in program.command
             if word.startswith(os.path.abspath(build))}
    run(["ninja", "-C", build, *targets, *sorted(files)])
