#!/usr/bin/env python3
"""Compares the library with the alternatives, and says which goals are met.

usage: bench.py --build FOLDER [--quick | --smoke | --only SCENARIO | --reference] [--much MIB]

A figure is the median of the ratios of rounds, with the 10th and the 90th percentile. The two values of a ratio are
measured within milliseconds, while the machine is in the same state. The measuring processes are replaced every few
rounds, because the layout of a process's memory is a bias. This is not a test that can fail: times vary too much.

Writes report.md, results.json, rounds.csv and plots into FOLDER/bench. docs/performance.md explains them.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import subprocess
import sys

from harness import counts, goals, machine, progress, promises, reference, scenarios, workers
from harness.build import BENCHES, Programs
from harness.peers import OURS
from harness.report import Report
from harness.results import Results

GOAL_SECONDS, QUICK_GOAL_SECONDS = 200, 60
QUICK_MUCH = 256
PLOTS = os.path.join(BENCHES, "harness", "plots.py")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--build", required=True, help="the build folder: build")
    parser.add_argument("--library", help="the libqemu_fork.so to measure; otherwise that of the build folder")
    parser.add_argument("--quick", action="store_true", help="the goals only, with fewer rounds: three minutes")
    parser.add_argument("--smoke", action="store_true", help="each kind of scenario once: only to see that it works")
    parser.add_argument("--only", action="append", help="this scenario only (again and again: these), and no goals")
    parser.add_argument("--much", type=int, metavar="MIB",
                        help="mebibytes of much output: 1024, or 256 with --quick")
    parser.add_argument("--reference", action="store_true",
                        help="put the tables and plots of the last run into docs/, and measure nothing")
    parser.add_argument("--plot-python", help="a Python that has matplotlib")
    return parser.parse_args()


def measure(args, programs, results):
    """Everything that was asked for, as what results.json has."""
    much = args.much or (QUICK_MUCH if args.quick else scenarios.MUCH)
    data = {"machine": machine.describe(), "promises": promises.look(programs), "goals": None, "counts": None}
    if not args.quick:
        data["counts"] = counts.count(programs, results, *([OURS],) if args.smoke else ())
        for scenario in (scenarios.smoke if args.smoke else scenarios.full)(results, much):
            if not args.only or scenario.name in args.only:
                scenarios.run(programs, results, scenario)
    if not args.smoke and not args.only:
        data["goals"] = goals.measure(programs, results, args.quick, QUICK_GOAL_SECONDS if args.quick else GOAL_SECONDS,
                                      much)
    data["measurements"] = results.summary()
    data["skips"] = results.skips
    return data


def draw(args, folder):
    """The plots' paths; none where there is no matplotlib."""
    python = args.plot_python or os.path.join(args.build, "bench-venv", "bin", "python")
    if not os.path.exists(python):
        print(f"SKIPPED: the plots: there is no {python}, which make bench installs matplotlib for", flush=True)
        return []
    done = subprocess.run([python, PLOTS, os.path.join(folder, "results.json"), folder], stdout=subprocess.PIPE,
                          text=True, check=True)
    return done.stdout.split()


def show(report, folder):
    text = "\n\n".join(f"## {caption}\n\n{table}" for _, caption, table in report.tables()) + "\n"
    with open(os.path.join(folder, "report.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text)


def main():
    args = arguments()
    folder = os.path.join(args.build, "bench")
    path = os.path.join(folder, "results.json")
    if args.reference:
        with open(path, encoding="utf-8") as file:
            reference.write(Report(json.load(file)), draw(args, folder), os.path.join(folder, "languages.md"))
        return
    results = Results()
    programs = Programs(folder, args.library or os.path.join(args.build, "provider", "libqemu_fork.so"))
    for kind, why in programs.missing.items():
        results.skip(f"what {kind} has", why)
    workers.stay_away()
    data = measure(args, programs, results)
    report = Report(data)
    show(report, folder)
    if not args.quick:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, ensure_ascii=False)
            file.write("\n")
        results.write_csv(os.path.join(folder, "rounds.csv"))
        for plot in draw(args, folder) if not args.smoke else []:
            print(f"plot: {plot}")
    progress.tell("done")
    if results.failed:
        sys.exit("Something did not work: see what was skipped.")


if __name__ == "__main__":
    main()
