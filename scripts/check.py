#!/usr/bin/env python3
"""Runs every stage of `make check`, also after a failure, and prints a table of them.

usage: check.py [--rust TESTS] BUILD [PART...]

BUILD has Meson's folders, provider and host, set up. With names of PARTs only these parts of the proof are run, and of
the Rust tests only the files that TESTS names. The status is 1 if a stage failed.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Lines of a test's output that the end repeats.
LINES = 12
# What cargo and the proof say of a failure.
FAILURE = re.compile(r"FAILED|panicked at|violat|got away|^error|not run to its end")


def in_part(name, chosen):
    """The name of a stage that leaves something out says so."""
    return f"{name}, only {' '.join(chosen)}" if chosen else name


def stages(build, parts, rust):
    """Names and commands, in their order."""
    provider, host = (os.path.join(build, mode) for mode in ("provider", "host"))
    return [
        # Builds as much as possible, so that tests run even if another program does not compile.
        ("build, provider", ["meson", "compile", "-C", provider, "--ninja-args=-k0"]),
        ("build, host", ["meson", "compile", "-C", host, "--ninja-args=-k0"]),
        # They have been built. A second try at one that does not compile would end the stage.
        ("C tests, provider", ["meson", "test", "-C", provider, "--no-rebuild", "--print-errorlogs"]),
        ("C tests, host", ["meson", "test", "-C", host, "--no-rebuild", "--print-errorlogs"]),
        (in_part("Rust tests", rust),
         ["cargo", "test", "--locked", "--no-fail-fast", *(f"--test={name}" for name in rust)]),
        (in_part("proof, quick", parts),
         ["tests/proof/run.py", "--quick", "--build", build, *parts]),
    ]


def run(command, build):
    """Runs a stage. Returns what failed, empty if nothing did, and the lines that it printed."""
    print(f"\n::: {shlex.join(command)}", flush=True)
    printed = []
    try:
        with subprocess.Popen(command, cwd=ROOT, env=dict(os.environ, QEMU_FORK_BUILD=build), text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as stage:
            for line in stage.stdout:
                print(line, end="", flush=True)
                printed.append(line.rstrip())
    except OSError as error:
        return str(error), printed
    status = stage.returncode
    return f"killed by signal {-status}" if status < 0 else f"status {status}" if status else "", printed


def failed_c_tests(folder):
    """The C tests of Meson's last run in a folder that failed, with the end of what they printed."""
    try:
        with open(os.path.join(folder, "meson-logs", "testlog.json"), encoding="utf-8", errors="replace") as log:
            tests = [json.loads(line) for line in log]
    except (OSError, ValueError) as error:
        return [f"no list of the tests: {error}"]
    lines = []
    for test in tests:
        if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
            continue
        lines.append(f"{test['result']}: {test['name']}, after {test['duration']:.1f} s")
        printed = (test.get("stdout") or "").splitlines() + (test.get("stderr") or "").splitlines()
        # Successes are left out.
        lines += ["    " + line for line in printed if not re.match(r"ok\b|TAP\b|1\.\.", line)][-LINES:]
    return lines


def what_failed(command, printed):
    """The tests of a stage that failed."""
    if command[:2] == ["meson", "test"]:
        return failed_c_tests(command[3])
    return [line for line in printed if FAILURE.search(line)][-LINES:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rust", default="", metavar="TESTS", help="files of Rust tests, separated by spaces")
    parser.add_argument("build", help="the folder with Meson's folders")
    parser.add_argument("parts", nargs="*", metavar="PART", help="parts of the proof")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    rows = []
    complaints = []
    for name, command in stages(build, args.parts, args.rust.split()):
        start = time.monotonic()
        failure, printed = run(command, build)
        rows.append((name, time.monotonic() - start, failure))
        if failure:
            complaints += [f"\n{name}:"] + what_failed(command, printed)
    width = max(len(name) for name, _, _ in rows)
    print(f"\n{'stage':<{width}}  seconds\n{'-' * width}  -------")
    for name, seconds, failure in rows:
        print(f"{name:<{width}}  {seconds:7.0f}  {'FAILED: ' + failure if failure else 'ok'}")
    failed = [name for name, _, failure in rows if failure]
    if failed:
        # Repeated here for a reader of the end of a long log.
        print("\n".join(complaints), flush=True)
        sys.exit(f"\nFAILED: {'; '.join(failed)}")
    print(f"\nall {len(rows)} stages passed")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
