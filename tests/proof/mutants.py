#!/usr/bin/env python3
"""Builds deliberately wrong variants of the library, and has the other parts of the proof and the C tests catch them.

Each patch in mutants/ is applied to a copy of the source, and the variant is built as Meson would. The part that the
patch names is tried first, then the others, until one finds a violation. A mutant that no part catches is a violation.
So is a patch that no longer applies. The source without a patch is tried as well, and no part may find a violation in
it.

usage: mutants.py --output FOLDER --provider FOLDER [MUTANT…]

For each mutant there is a line "MUTANT: name, who caught it, what is wrong", separated by tabs.

SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import glob
import hashlib
import os
import queue
import sys

import library
import patch
import processes
from report import Report

HERE = os.path.dirname(os.path.abspath(__file__))
DYNAMIC = ["matrix", "faults", "inject", "storm", "spawn-matrix", "spawn-faults", "spawn-inject",
           "run-faults"]
# In this order, after the one that the patch names: the quickest first.
CATCHERS = ["region", "c-tests", "matrix", "spawn-matrix", "faults", "spawn-faults", "spawn-inject", "run-faults",
            "fuzz", "inject", "storm", "syscalls"]
NONE = "nobody"
SOUND = "sound"


class Catchers:
    """The parts of the proof, as judges of a variant: each answers with its complaint, "" or None for "cannot run"."""

    def __init__(self, args):
        self.args = args
        self.folder = os.path.join(args.output, "mutants")
        self.programs = {name: library.compile_c(name, os.path.join(self.folder, name)) for name in DYNAMIC}
        self.tests = library.shared_tests(os.path.join(args.output, os.pardir, "venv"), args.provider)

    def ask(self, name, variant, thorough, first_test=""):
        """What the part of this name has to say about the variant in this folder."""
        log = os.path.join(variant, f"{name}.log")
        so = os.path.join(variant, "libqemu_fork.so.0")
        if name == "c-tests":
            return self.ask_c_tests(so, log, first_test)
        if name in self.programs:
            command = [self.programs[name], *([] if thorough else ["--quick"]), so]
        else:
            script = [sys.executable, os.path.join(HERE, f"{name}.py")]
            command = {
                "region": [*script, "--no-controls", os.path.join(variant, "qemu_fork.o")],
                "syscalls": [*script, "--output", variant, so],
                "fuzz": [*script, "--quick", "--output", variant, "--object", os.path.join(variant, "qemu_fork.o")],
            }[name]
        outcome = processes.run(command, stop_at="VIOLATION:", log=log)
        if outcome.violations:
            return outcome.violations[0]
        return None if outcome.status != 0 else ""

    def ask_c_tests(self, so, log, first):
        for test in sorted(self.tests.values(), key=lambda test: test["name"] != first):
            env = {**test["env"], "LD_LIBRARY_PATH": os.path.dirname(so)}
            # One failure is enough: a mutant that hangs may hang in each of a hundred checks.
            outcome = processes.run(test["cmd"], env=env, cwd=test["workdir"], log=log, stop_at="(not ok|Bail out!)")
            failed = [line for line in outcome.lines if line.startswith(("not ok", "Bail out!"))]
            if failed or outcome.status != 0:
                return f"{test['name']}: {(failed or [outcome.ending])[0]}"
        return "" if self.tests else None


def fingerprint(tree):
    """A hash of everything that a variant is built from."""
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            with open(os.path.join(folder, name), "rb") as file:
                digest.update(name.encode() + b"\0" + file.read())
    return digest.hexdigest()


class Unchanged(Exception):
    """A variant whose object code is the library's: no part could catch it."""


class Workshop:
    """A copy of the source in which one variant after another is built; cargo's folder is kept."""

    def __init__(self, folder):
        self.tree = os.path.join(folder, "tree")
        self.target = os.path.join(folder, "cargo")
        library.copy_source(self.tree)

    def build(self, mutant, output):
        """The variant, unless it is there already."""
        before = mutant.apply(self.tree) if mutant else {}
        try:
            stamp, mark = os.path.join(output, "built-from"), fingerprint(self.tree)
            if not os.path.exists(stamp) or read(stamp) != mark:
                library.build(self.tree, output, self.target)
                patch.write(stamp, mark)
        finally:
            for path, text in before.items():
                patch.write(path, text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def catch(mutant, catchers, workshops, quick):
    """Builds the mutant and runs one part after another. Returns the part that caught it, and what each part said."""
    variant = os.path.join(catchers.folder, mutant.name)
    os.makedirs(variant, exist_ok=True)
    workshop = workshops.get()
    try:
        workshop.build(mutant, variant)
    finally:
        workshops.put(workshop)
    if same_object(variant, os.path.join(catchers.folder, SOUND)):
        raise Unchanged("its object code is that of the library")
    answers = {}
    order = sorted(CATCHERS, key=lambda name: name != mutant.hint)
    for thorough in ([False] if quick else [False, True]):
        for name in order:
            if thorough and name not in DYNAMIC:
                continue
            answers[name] = catchers.ask(name, variant, thorough, mutant.test)
            if answers[name]:
                return name, answers
    return NONE, answers


def same_object(one, other):
    with open(os.path.join(one, "qemu_fork.o"), "rb") as a, open(os.path.join(other, "qemu_fork.o"), "rb") as b:
        return a.read() == b.read()


def judge_sound(catchers, report, quick):
    """No part may find a violation in the source as it is."""
    sound = os.path.join(catchers.folder, SOUND)
    for name in ["region", "c-tests", "syscalls", "fuzz"] if quick else CATCHERS:
        answer = catchers.ask(name, sound, False)
        if answer:
            report.violation(f"{name} complains of the library without any mutation: {answer}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="every fourth one, and only by the quick form of each part")
    parser.add_argument("--output", required=True, help="the folder for what is built")
    parser.add_argument("--provider", required=True, help="Meson's build folder, for the C tests")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("mutants", metavar="MUTANT", nargs="*", help="only these")
    args = parser.parse_args()
    args.output, args.provider = os.path.abspath(args.output), os.path.abspath(args.provider)
    report = Report()
    paths = sorted(glob.glob(os.path.join(HERE, "mutants", "*.patch")))
    chosen = [path for path in paths if not args.mutants
              or os.path.splitext(os.path.basename(path))[0] in args.mutants]
    if not chosen:
        sys.exit("mutants.py: there is no such mutant")
    if args.quick and not args.mutants:
        chosen = chosen[::4]  # the sample
    mutants = [patch.Patch(path) for path in chosen]
    if os.geteuid() != 0:
        for mutant in (mutant for mutant in mutants if mutant.needs_root):
            report.skip(f"{mutant.name}: only root can notice it")
        mutants = [mutant for mutant in mutants if not mutant.needs_root]
    catchers_folder = os.path.join(args.output, "mutants")
    os.makedirs(catchers_folder, exist_ok=True)
    catchers = Catchers(args)
    workshops = queue.Queue()
    for i in range(args.jobs):
        workshops.put(Workshop(os.path.join(catchers_folder, f"workshop-{i}")))
    sound = os.path.join(catchers_folder, SOUND)
    os.makedirs(sound, exist_ok=True)
    workshop = workshops.get()
    workshop.build(None, sound)
    workshops.put(workshop)
    if not args.mutants:
        judge_sound(catchers, report, args.quick)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        tasks = [(mutant, pool.submit(catch, mutant, catchers, workshops, args.quick)) for mutant in mutants]
        for mutant, task in tasks:
            tell(report, mutant, task)
    report.finish()


def tell(report, mutant, task):
    """The verdict on one mutant."""
    report.experiments += 1
    try:
        catcher, answers = task.result()
    except (patch.PatchError, library.BuildError, Unchanged) as error:
        report.violation(f"{mutant.name} is no mutant: {error}")
        return
    # For C tests the name of the test is added.
    who = f"c-tests: {answers[catcher].split(':')[0]}" if catcher == "c-tests" else catcher
    print(f"MUTANT: {mutant.name}\t{who}\t{mutant.wrong}", flush=True)
    if catcher != NONE:
        report.note(f"{mutant.name}: {catcher}: {answers[catcher]}")
        return
    silent = [name for name, answer in answers.items() if answer is None]
    report.violation(f"{mutant.name} got away: {mutant.wrong}; without an answer: {', '.join(silent) or 'nobody'}")


if __name__ == "__main__":
    main()
