#!/usr/bin/env python3
"""Runs single tests by name: a C test in every way of linking, a Rust test, or a part of the proof in its quick form.

usage: run-test.py BUILD NAME...

A C test is named as `meson test --list` has it, a Rust test by its function or by its file in tests/ or capi/tests/, a
part of the proof as in its table. BUILD has Meson's folders, provider and host, set up; what a test needs is built.

SPDX-License-Identifier: MIT
"""
import difflib
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUN_PROOF = os.path.join(ROOT, "tests", "proof", "run.py")


def c_tests(build):
    """Commands by name. In each mode of the Error API that has the test."""
    commands = {}
    for mode in ("provider", "host"):
        folder = os.path.join(build, mode)
        known = subprocess.run(["meson", "introspect", "--tests", folder], check=True, capture_output=True, text=True)
        for name in sorted({test["name"] for test in json.loads(known.stdout)}):
            commands.setdefault(name, []).append(["meson", "test", "-C", folder, "--print-errorlogs", name])
    return commands


def rust_tests():
    """Commands by name: of each function that is a test, and of each file in tests/ and capi/tests/."""
    commands = {}
    for path in glob.glob(os.path.join(ROOT, "src", "**", "*.rs"), recursive=True):
        for _, function in tests_in(path):
            commands.setdefault(function, []).append(["cargo", "test", "--locked", "--lib", function])
    for folder, package in (("tests", "qemu-fork"), ("capi/tests", "qemu-fork-capi")):
        for path in glob.glob(os.path.join(ROOT, folder, "*.rs")):
            name = os.path.splitext(os.path.basename(path))[0]
            file = ["cargo", "test", "--locked", "--package", package, "--test", name]
            for indentation, function in tests_in(path):
                exact = [] if indentation else ["--", "--exact"]  # in a module its name is longer
                commands.setdefault(function, []).append([*file, function, *exact])
            commands[name] = [file]
    return commands


def tests_in(path):
    """The test functions of a Rust file, each with its indentation."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^([ \t]*)#\[test\]\n(?:\s*#\[.*\]\n)*\s*fn (\w+)", file.read(), flags=re.M)


def proof_parts(build):
    """Commands by name."""
    sys.path.insert(0, os.path.dirname(RUN_PROOF))
    import run as proof  # pylint: disable=import-outside-toplevel,import-error
    return {part.name: [[RUN_PROOF, "--quick", "--build", build, part.name]] for part in proof.PARTS}


def near(name, known):
    """Suggestions for a wrong name: names that contain it, and names that are similar."""
    alike = difflib.get_close_matches(name, known, n=8, cutoff=0.5)
    return [other for other in sorted(known) if name and name in other][:12] or alike


def choose(names, kinds):
    """The commands for these names, as pairs of a kind and a command."""
    known = sorted({name for commands in kinds.values() for name in commands})
    for name in names:
        if name not in known:
            meant = near(name, known)
            sys.exit(f"run-test.py: there is no test '{name}'; " + (
                f"near to it: {', '.join(meant)}" if meant else "make test without T lists all"))
    return [(kind, command) for name in names for kind, commands in kinds.items() for command in commands.get(name, [])]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    kinds = {"C tests": c_tests(build), "Rust tests": rust_tests(), "parts of the proof": proof_parts(build)}
    if len(sys.argv) == 2:
        for kind, commands in kinds.items():
            print(f"{kind}:\n{textwrap.fill(' '.join(sorted(commands)), 116, break_on_hyphens=False)}\n")
        sys.exit("usage: make test T=NAME")
    chosen = choose(sys.argv[2:], kinds)
    commands = [command for _, command in chosen]
    if any(kind != "C tests" for kind, _ in chosen):  # they look at what has been built, and do not build it
        for mode in ("host", "provider"):
            commands.insert(0, ["meson", "compile", "-C", os.path.join(build, mode)])
    failed = False
    for command in commands:
        print(f"::: {shlex.join(command)}", flush=True)
        result = subprocess.run(command, check=False, cwd=ROOT, env=dict(os.environ, QEMU_FORK_BUILD=build))
        failed = failed or result.returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
