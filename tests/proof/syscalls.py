#!/usr/bin/env python3
"""Compares the system calls of qemu_fork() and qemu_spawn(), in the parent and in the child, with golden lists.

syscalls.c and spawn-syscalls.c trace runs; a spawn is forced into each of its ways. The calls that libc's fork()
makes are found by calling plain fork() in the same process. In the list of qemu_fork() they are replaced by "fork()",
so the list is the same for every version of libc.

usage: syscalls.py --output FOLDER LIBRARY

SPDX-License-Identifier: MIT
"""
import argparse
import collections
import difflib
import os
import re
import shlex
import sys

import library
import processes
from report import Report

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
WAYS = ["clone3", "clone", "fork", "like-fork"]
PLAIN = "plain fork()"
IN_CGROUP = "a job in a cgroup"


def shorten(calls):
    """One line for a series of calls that differ only in the next signal or descriptor, and see nothing."""
    short = []
    for call in calls:
        match = re.fullmatch(r"(\w+)\((\d+), (.*)", call)
        last = re.fullmatch(r"(\w+)\((\d+)(?:\.\.(\d+))?, (.*)", short[-1]) if short else None
        if (match and last and last[1] == match[1] and last[4] == match[3] and int(last[3] or last[2]) + 1 == int(match[2])
                and (match[1] == "rt_sigaction" or call.endswith(" = EBADF"))):
            short[-1] = f"{match[1]}({last[2]}..{match[2]}, {match[3]}"
        else:
            short.append(call)
    return short


def fold(calls, plain):
    """The calls with those of plain fork() as the one line "fork()"."""
    for i in range(len(calls) - len(plain) + 1):
        if calls[i:i + len(plain)] == plain:
            return calls[:i] + ["fork()"] + calls[i + len(plain):]
    return calls


def describe(trace):
    """The trace as the lines of the golden list."""
    calls = collections.defaultdict(list)
    for line in trace:
        scenario, who, call = line.split("\t")
        calls[scenario, who].append(call)
    plain = {who: calls.pop((PLAIN, who))[:-1] for who in ("parent", "child") if (PLAIN, who) in calls}
    lines = []
    for (scenario, who), made in calls.items():
        made = fold(made, plain[who]) if who in plain else made
        lines += [f"{scenario}, {who}:", *(f"    {call}" for call in shorten(made))]
    return lines


def trace(command):
    """The library's system calls, or why they cannot be found."""
    outcome = processes.run(command)
    lines = [line for line in outcome.lines if line.count("\t") == 2]
    return outcome, describe(lines) if outcome.status == 0 and lines else None


def look(report, command):
    """The lines of a trace; None if there are none, which is then in the report."""
    outcome, lines = trace(command)
    if outcome.status == 77:
        for why in outcome.skips:
            report.skip(why)
    else:
        report.check(lines, f"no trace: {outcome.ending}: {outcome.output[-500:]}")
    return lines


def without_privilege(lines):
    """The golden list for a user who is not root: a further call asks whether it may drop its groups, and it may not."""
    changed = []
    for line in lines:
        changed += [] if line == "    setgroups(0)" else [line]
        changed += ["    capget()"] if line == "    geteuid()" else []
    return changed


def compare(report, name, lines, update, without=()):
    """Every line that has changed or is gone. The scenarios `without` are left out. The list is one of root's calls."""
    path = os.path.join(GOLDEN, name)
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    with open(path, encoding="utf-8") as file:
        golden = leave_out(file.read().splitlines(), without)
    golden = golden if os.geteuid() == 0 else without_privilege(golden)
    report.experiments += len(golden)
    where, before = "", report.violations
    for change in difflib.ndiff(golden, lines):
        where = where if change[2:3] == " " else change[2:]
        if change[0] in "+-":
            report.violation(f"the system calls are not the golden ones: {where} {change}")
    if report.violations > before:
        report.note(f"if they are meant to be so, update golden/{name} and look at it with git diff: "
                    + shlex.join([sys.executable, *sys.argv, "--update"]))
    return golden


def leave_out(lines, scenarios):
    """The lines without those of some scenarios."""
    kept, keeping = [], True
    for line in lines:
        keeping = keeping if line.startswith(" ") else not any(f": {scenario}, " in line for scenario in scenarios)
        kept += [line] if keeping else []
    return kept


def compare_spawns(report, args, folder):
    """Each way of a spawn."""
    program = library.compile_c("spawn-syscalls", os.path.join(folder, "spawn-syscalls"), "-rdynamic",
                                common=False)
    without = []
    if os.geteuid() != 0:
        without.append("another user")
        report.skip("only root may change the user: those system calls are not looked at")
    seen = {}
    for way in WAYS:
        lines = look(report, [program, args.library, way])
        if not lines:
            return
        seen[way] = lines
    if f"{IN_CGROUP}, parent:" not in lines:
        without.append(IN_CGROUP)
        report.skip(f"no cgroup2 may be written to here: the system calls of {IN_CGROUP} are not looked at")
    report.check(len({tuple(lines) for lines in seen.values()}) == len(WAYS), "two ways of a spawn have the same calls")
    compare(report, "spawn-system-calls.txt", [f"{way}: {line}" if line[0] != " " else line
                                               for way, lines in seen.items() for line in lines],
            args.update, without)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="no difference: it takes no time")
    parser.add_argument("--output", required=True, help="the folder for what is built")
    parser.add_argument("--update", action="store_true", help="write the golden lists, to be looked at with git diff")
    parser.add_argument("library", metavar="LIBRARY")
    args = parser.parse_args()
    report = Report()
    folder = os.path.join(args.output, "syscalls")
    os.makedirs(folder, exist_ok=True)
    program = library.compile_c("syscalls", os.path.join(folder, "syscalls"), "-rdynamic", common=False)
    lines = look(report, [program, args.library])
    if lines:
        golden = compare(report, "system-calls.txt", lines, args.update)
        control = library.compile_c("control-plain-fork", os.path.join(folder, "plain-fork.so"), "-shared", "-fPIC",
                                    common=False)
        report.check(trace([program, control])[1] not in (None, golden),
                     "plain fork() has the golden list of system calls")
        compare_spawns(report, args, folder)
    report.finish()


if __name__ == "__main__":
    main()
