#!/usr/bin/env python3
"""Runs what attackers, hung file systems and lack of memory can do to a spawn, many times, on each way in.

The C tests named here have an attacker in them: a process of the user that the child becomes, a FUSE server that does
not answer, a malloc() that fails, a supervisor that refuses, a program that traces itself. Each forces the ways clone3,
clone and fork in turn. Whether an attack succeeds depends on which process is quicker, so one run says little. Here
they run many times, two at a time, so that they also disturb each other. A test that no longer tries one of the ways is
noticed.

usage: hostile.py [--quick] --provider FOLDER

SPDX-License-Identifier: MIT
"""
import argparse
import collections
import concurrent.futures
import os
import re

import library
import processes
from report import Report

WAYS = ["clone3", "clone", "fork"]
# The tests. True: it must try each way. False: it has no child, or only one way.
TESTS = {
    "fork-libc-signals": False,
    "process-cancelled": False,
    "process-traced": False,
    "spawn-ambient": True,
    "spawn-death-signal-caller": True,
    "spawn-explains-as-child": True,
    "spawn-failed-reaped": True,
    "spawn-fuse": True,
    "spawn-killed-early": True,
    "spawn-memory-fails": True,
    "spawn-memory-of-another": True,
    "spawn-parent-killed": True,
    "spawn-setuid-threads": True,
    "spawn-signals-refused": True,
    "spawn-stopped": True,
    "spawn-supervised": False,
}
ROUNDS, QUICK_ROUNDS = 8, 1
LINE = re.compile(r"(not )?ok \d+ - (.*?)(?: # SKIP (.*))?")


def run(test, provider):
    """One run of one test."""
    return processes.run(test["cmd"], env={**test["env"], "LD_LIBRARY_PATH": provider}, cwd=test["workdir"])


def judge(report, name, outcome, ways):
    """Counts each check of a run; the reasons why some were left out."""
    skips = {match[1] for match in re.finditer(r"^1\.\.0 # SKIP (.*)$", outcome.output, re.M)}
    checks = [match for match in map(LINE.fullmatch, outcome.lines) if match]
    for match in checks:
        failed, what, why = match.groups()
        ways[name] |= {way for way in WAYS if re.search(rf"\b{way}\b", what)}
        if why:
            skips.add(why)
            continue
        report.check(not failed, f"{name}: {what}: {following(outcome.lines, match.string)}")
    if outcome.status != 0 and not any(match[1] for match in checks):
        report.violation(f"{name}: {outcome.ending}: {' '.join(outcome.lines[-3:])}")
    elif not checks and not skips:
        report.violation(f"{name} tried nothing")
    return skips


def following(lines, line):
    """What a test says about a check that failed."""
    rest = lines[lines.index(line) + 1:]
    return " ".join(word for word in rest[:3] if word.startswith("#"))


def play(description, tests, rounds, quick_rounds):
    """Runs these tests again and again, and reports."""
    parser = argparse.ArgumentParser(description=description.split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--provider", required=True, help="Meson's build folder")
    args = parser.parse_args()
    provider = os.path.abspath(args.provider)
    report = Report()
    there = library.shared_tests(os.path.join(provider, os.pardir, "venv"), provider)
    missing = [name for name in tests if name not in there]
    if missing:
        report.violation(f"there is no C test {', '.join(missing)}")
    rounds = int(os.environ.get("QEMU_FORK_HOSTILE_ROUNDS", quick_rounds if args.quick else rounds))
    ways, skips = collections.defaultdict(set), collections.defaultdict(set)
    with concurrent.futures.ThreadPoolExecutor(max(1, min(2, os.cpu_count() or 1))) as pool:
        jobs = [(name, pool.submit(run, there[name], provider)) for _ in range(rounds) for name in tests if name in there]
        for name, job in jobs:
            skips[name] |= judge(report, name, job.result(), ways)
    for name in there.keys() & tests.keys():
        for why in sorted(skips[name]):
            report.skip(f"{name}: {why}")
        untried = [way for way in WAYS if tests[name] and way not in ways[name]]
        if untried and not skips[name]:
            report.violation(f"{name} does not try {', '.join(untried)}")
    report.note(f"{rounds} rounds of {len(jobs) // max(rounds, 1)} tests")
    report.finish()


if __name__ == "__main__":
    play(__doc__, TESTS, ROUNDS, QUICK_ROUNDS)
