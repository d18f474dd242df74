#!/usr/bin/env python3
"""Runs the proof and prints one table: part, experiments, violations, seconds.

usage: run.py [--quick] [--library PATH] [PART…]

Each part is a program that tries something and reports by the rules of report.py. The proof has failed when a part
finds a violation, when a part does not run to its end, and when a mutant is not caught. What this machine cannot do is
skipped, and the table says why. docs/proof.md explains the parts.

The table is written to table.txt, table.json and table.md in the folder for what is built unless only some
parts ran, and there is a log for each part.

SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import platform
import sys
import time

import library
import processes

HERE = os.path.dirname(os.path.abspath(__file__))
DYNAMIC = ["inject", "faults", "matrix", "storm"]


@dataclasses.dataclass
class Settings:
    """What the command line says."""

    build: str  # Meson's folders provider and host are in here
    output: str  # where the proof builds and writes
    library: str
    quick: bool


@dataclasses.dataclass
class Part:
    """One line of the table. `command` makes the command of the Settings; `alone` keeps both processors for it."""

    name: str
    about: str
    command: object
    needs_source: bool = False
    alone: bool = False


def dynamic(name):
    def command(settings):
        program = library.compile_c(name, os.path.join(settings.output, name))
        return [program, *quick(settings), settings.library]
    return command


def script(name, *arguments):
    def command(settings):
        named = {"provider": os.path.join(settings.build, "provider"), "host": os.path.join(settings.build, "host"),
                 "output": settings.output}
        return [sys.executable, os.path.join(HERE, f"{name}.py"), *quick(settings),
                *(argument.format(**named) for argument in arguments)]
    return command


def quick(settings):
    return ["--quick"] if settings.quick else []


PARTS = [
    Part("inject", "a signal at every instruction and system call", dynamic("inject")),
    Part("faults", "each system call failed in turn", dynamic("faults")),
    Part("matrix", "every signal in every state", dynamic("matrix")),
    Part("storm", "threads fork while another process fires signals", dynamic("storm")),
    Part("spawn-inject", "a signal at every instruction and system call of a spawn", dynamic("spawn-inject")),
    Part("spawn-faults", "each system call of a spawn failed in turn, on each way in", dynamic("spawn-faults")),
    Part("spawn-matrix", "every signal in every state, through a spawn", dynamic("spawn-matrix")),
    Part("run", "each system call of a run failed in turn, and a signal at each", dynamic("run-faults")),
    Part("hostile", "attackers, hung file systems and lack of memory, again and again",
         script("hostile", "--provider={provider}"), needs_source=True),
    Part("changing", "programs that change themselves: each situation, option and way",
         script("changing", "--provider={provider}"), needs_source=True),
    Part("controls", "plain fork() is found wanting, a sound C version is not",
         script("controls", "--output={output}")),
    Part("region", "the child's object code stays within its allow-list",
         script("region", "{provider}/qemu_fork.o", "{host}/qemu_fork.o"), needs_source=True),
    Part("syscalls", "the exact system calls of parent and child",
         script("syscalls", "--output={output}", "{provider}/libqemu_fork.so"), needs_source=True),
    Part("memory", "sanitizers, valgrind and leak checks, in children too",
         script("memory", "--output={output}", "--provider={provider}"), needs_source=True),
    Part("fuzz", "arbitrary calls of the Error API against a model", script("fuzz", "--output={output}"),
         needs_source=True),
    Part("mutants", "wrong variants of the library are caught",
         script("mutants", "--output={output}", "--provider={provider}"), needs_source=True, alone=True),
]


@dataclasses.dataclass
class Row:
    """What came of a part."""

    part: str
    about: str
    experiments: int = None
    violations: int = None
    seconds: float = 0.0
    failure: str = ""  # the reason why it counts as not run
    skips: list = dataclasses.field(default_factory=list)
    complaints: list = dataclasses.field(default_factory=list)
    mutants: list = dataclasses.field(default_factory=list)

    @property
    def good(self):
        return not self.failure and not self.violations

    @property
    def remark(self):
        if self.failure:
            return f"DID NOT RUN: {self.failure}"
        if self.experiments is None:
            return "skipped"
        if self.mutants:
            return f"caught {self.experiments - self.violations} of {self.experiments}"
        return "in part: see below" if self.skips else ""


def run_part(part, settings):
    """Builds and runs one part."""
    row = Row(part.name, part.about)
    start = time.monotonic()
    try:
        command = part.command(settings)
    except library.BuildError as error:
        row.failure = "it could not be built"
        row.complaints = [str(error)]
        row.seconds = time.monotonic() - start
        return row
    outcome = processes.run(command, log=os.path.join(settings.output, f"{part.name}.log"))
    row.seconds = time.monotonic() - start
    row.skips = outcome.skips
    row.complaints = outcome.violations
    if outcome.status == 77 and outcome.skips:
        return row
    if outcome.result is None:
        row.failure = f"no result, {outcome.ending}"
        row.complaints = row.complaints or outcome.lines[-10:]
        return row
    row.experiments, row.violations = outcome.result
    row.mutants = [dict(zip(("name", "caught_by", "wrong"), line.split("\t"))) for line in outcome.tagged("MUTANT:")]
    if outcome.status != (1 if row.violations else 0):
        row.failure = f"{outcome.ending} does not go with {row.violations} violations"
    elif not row.experiments:
        row.failure = "it tried nothing"
    return row


def run_all(parts, settings, show):
    """All rows, in the order of `parts`. Two at a time, those first that are not to be alone."""
    rows = {}
    with concurrent.futures.ThreadPoolExecutor(max(1, min(2, os.cpu_count() or 1))) as pool:
        tasks = {pool.submit(run_part, part, settings): part for part in parts if not part.alone}
        for task in concurrent.futures.as_completed(tasks):
            rows[tasks[task].name] = task.result()
            show(task.result())
    for part in parts:
        if part.alone:
            rows[part.name] = run_part(part, settings)
            show(rows[part.name])
    return [rows[part.name] for part in parts]


def number(value):
    return "-" if value is None else f"{value:,}"


def text_table(rows):
    """For a terminal."""
    cells = [("part", "experiments", "violations", "seconds", "")]
    cells += [(row.part, number(row.experiments), number(row.violations), f"{row.seconds:.0f}", row.remark)
              for row in rows]
    widths = [max(len(cell[i]) for cell in cells) for i in range(4)]
    lines = [f"{cell[0]:<{widths[0]}}  {cell[1]:>{widths[1]}}  {cell[2]:>{widths[2]}}  {cell[3]:>{widths[3]}}  {cell[4]}"
             .rstrip() for cell in cells]
    lines.insert(1, "-" * max(map(len, lines)))
    mutants = [mutant for row in rows for mutant in row.mutants]
    if mutants:
        width = max(len(mutant["name"]) for mutant in mutants)
        by = max(len("caught by"), *(len(mutant["caught_by"]) for mutant in mutants))
        lines += ["", f"{'mutant':<{width}}  {'caught by':<{by}}  what is wrong with it"]
        lines += [f"{mutant['name']:<{width}}  {mutant['caught_by']:<{by}}  {mutant['wrong']}" for mutant in mutants]
    for row in rows:
        lines += [f"SKIPPED in {row.part}: {why}" for why in row.skips]
    return "\n".join(lines) + "\n"


def markdown_table(rows):
    """For README.md and docs/proof.md."""
    lines = ["| part | what it tries | experiments | violations |", "| --- | --- | ---: | ---: |"]
    for row in rows:
        remark = f" ({row.remark})" if row.remark and not row.remark.startswith("in part") else ""
        lines.append(f"| {row.part} | {row.about}{remark} | {number(row.experiments)} | {number(row.violations)} |")
    mutants = [mutant for row in rows for mutant in row.mutants]
    if mutants:
        lines += ["", "| mutant: what is wrong | caught by |", "| --- | --- |"]
        lines += [f"| {mutant['wrong']} | {mutant['caught_by']} |" for mutant in mutants]
    lines += [f"\nSkipped in {row.part}: {why}" for row in rows for why in row.skips]
    return "\n".join(lines) + "\n"


def write_tables(rows, settings, seconds):
    about = {"machine": platform.machine(), "kernel": platform.release(), "libc": " ".join(platform.libc_ver()),
             "processors": os.cpu_count(), "quick": settings.quick, "seconds": round(seconds)}
    contents = {
        "table.txt": text_table(rows),
        "table.md": markdown_table(rows),
        "table.json": json.dumps({**about, "parts": [dataclasses.asdict(row) for row in rows]}, indent=1) + "\n",
    }
    for name, content in contents.items():
        with open(os.path.join(settings.output, name), "w", encoding="utf-8") as file:
            file.write(content)


def show_progress(row):
    state = "ok" if row.good else "FAILED"
    if row.good and row.experiments is None:
        state = "skipped"
    print(f"{row.part}: {state}, {row.seconds:.0f} s", flush=True)
    for complaint in row.complaints[:10]:
        print("  " + complaint.replace("\n", "\n  "), flush=True)
    if len(row.complaints) > 10:
        print(f"  and {len(row.complaints) - 10} more in {row.part}.log", flush=True)


def choose(names, foreign):
    """The parts with these names; without names, all that can be run. Prints which are left out, and why."""
    known = {part.name: part for part in PARTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"run.py: there is no part {', '.join(unknown)}; there are: {', '.join(known)}")
    chosen = [part for part in PARTS if not names or part.name in names]
    if foreign:
        left_out = [part.name for part in chosen if part.needs_source]
        chosen = [part for part in chosen if not part.needs_source]
        if left_out:
            print(f"left out, for they need this library's source: {', '.join(left_out)}", flush=True)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0], epilog="parts: " + "; ".join(
        f"{part.name}: {part.about}" for part in PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer experiments of each kind: under two minutes")
    parser.add_argument("--library", help="any shared object that exports qemu_fork, instead of the one built here")
    parser.add_argument("--build", default=os.path.join(library.ROOT, "build"), help="Meson's folders are in here")
    parser.add_argument("--strict", action="store_true", help="a skip is a failure")
    parser.add_argument("parts", metavar="PART", nargs="*", help="only these")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    own = os.path.join(build, "provider", "libqemu_fork.so")
    settings = Settings(build, os.path.join(build, "proof"), os.path.abspath(args.library or own), args.quick)
    parts = choose(args.parts, args.library is not None)
    if not os.path.exists(settings.library):
        sys.exit(f"run.py: there is no {settings.library}" + ("" if args.library else ": run make build first"))
    os.makedirs(settings.output, exist_ok=True)
    start = time.monotonic()
    rows = run_all(parts, settings, show_progress)
    print("\n" + text_table(rows))
    if not args.parts:
        write_tables(rows, settings, time.monotonic() - start)
    bad = [row.part for row in rows if not row.good or args.strict and row.skips]
    if bad:
        sys.exit(f"the proof FAILED in: {', '.join(bad)}; the logs are in {settings.output}")


if __name__ == "__main__":
    main()
