#!/usr/bin/env python3
"""Measures the library beside what one would use instead, and says which goals are met.

usage: bench.py --build FOLDER [--quick] [--csv FILE]

A figure is the median of the ratios of rounds, with the 10th and the 90th percentile beside it: what was measured in
one round was measured within milliseconds, on a machine in one mood. The measuring process is replaced every few
rounds, because the layout of its memory is a bias. Nothing here is a test that can fail: a machine has moods.

SPDX-License-Identifier: MIT
"""
import argparse
import collections
import csv
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def build(folder):
    """Compiles the benchmarks against the library that Meson has built. The paths of the two programs."""
    program, tiny = os.path.join(folder, "bench"), os.path.join(folder, "tiny")
    library = os.path.join(os.path.dirname(os.path.abspath(folder)), "provider")
    shared = os.path.join(library, "libqemu_fork.so")
    compiler = os.environ.get("CC", "cc")
    os.makedirs(folder, exist_ok=True)
    subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-I", os.path.join(ROOT, "include"),
                    os.path.join(HERE, "bench.c"), "-o", program, shared, f"-Wl,-rpath,{library}", "-pthread"],
                   check=True)
    subprocess.run([compiler, "-O2", "-static", "-nostdlib", "-o", tiny, os.path.join(HERE, "tiny.c")], check=True)
    return program, tiny


class Series:
    """Rounds of one scenario: for each operation the nanoseconds, by process and round."""

    def __init__(self):
        self.rounds = collections.defaultdict(dict)

    def add(self, output):
        for line in output.splitlines():
            _, seed, number, operation, ns = line.split()
            self.rounds[int(seed), int(number)][operation] = float(ns)

    def ratios(self, above, below):
        """The quotients of two figures, each a function of a round or an operation's name."""
        def figure(what, values):
            return what(values) if callable(what) else values[what]
        return [figure(above, values) / figure(below, values) for values in self.rounds.values()]

    def medians(self):
        names = sorted({name for values in self.rounds.values() for name in values})
        return {name: statistics.median(values[name] for values in self.rounds.values() if name in values)
                for name in names}


def spread(values):
    """Median, 10th and 90th percentile."""
    ordered = sorted(values)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return statistics.median(ordered), at(0.1), at(0.9)


class Bench:
    def __init__(self, program, tiny, quick):
        self.program, self.tiny, self.quick = program, tiny, quick
        self.results = {}

    def run(self, scenario, mebibytes, descriptors, rounds, processes):
        """So many rounds in each of so many processes."""
        key = scenario, mebibytes, descriptors
        if self.quick:
            rounds, processes = max(4, rounds // 2), max(2, processes // 3)
        series = self.results.setdefault(key, Series())
        for seed in range(processes):
            series.add(subprocess.run(
                [self.program, scenario, str(rounds), str(seed), self.tiny, str(mebibytes), str(descriptors)],
                check=True, capture_output=True, text=True).stdout)
        print(f"measured: {scenario}, {mebibytes} MiB, {descriptors} descriptors: "
              f"{len(series.rounds)} rounds", file=sys.stderr)
        return series


def free_mebibytes():
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    return int(fields["MemAvailable"].split()[0]) // 1024


def goals(bench):
    """Each goal of the library's performance: what, limit, whether more is better, and the ratios."""
    fork = bench.run("fork", 2, 0, 20, 12)
    spawn = bench.run("spawn", 2, 0, 12, 12)
    middle = bench.run("shared", 2, 1000, 8, 6)
    many = bench.run("shared", 2, 19900, 6, 6)
    zombie = bench.run("zombie", 2, 0, 12, 12)
    end = bench.run("end", 2, 0, 12, 6)
    crowd = bench.run("crowd", 2, 0, 6, 6)
    large = 12288 if free_mebibytes() > 14000 else max(256, free_mebibytes() // 2 // 256 * 256)
    small_shared = bench.run("shared", 2, 0, 12, 6)
    large_shared = bench.run("shared", large, 0, 12, 2 if bench.quick else 3)
    stall = bench.run("stall", 2048, 0, 12, 3)

    def across(one, other, operation):
        """The same operation in two scenarios, which cannot share a round: by medians of processes."""
        def by_process(series):
            groups = collections.defaultdict(list)
            for (seed, _), values in series.rounds.items():
                groups[seed].append(values[operation])
            return [statistics.median(values) for values in groups.values()]
        return [a / b for a in by_process(one) for b in by_process(other)]

    added = lambda name: lambda values: values[name] - values["fork_done"]
    return [
        ("qemu_fork to fork(): return", 1.02, fork.ratios("qemu_fork_return", "fork_return")),
        ("qemu_fork to fork(): until reaped", 1.11, fork.ratios("qemu_fork_done", "fork_done")),
        ("qemu_fork to QEMU's way in C, until reaped", 0.95, fork.ratios("qemu_fork_done", "plain_c_done")),
        ("what qemu_fork adds, to what the C adds", 0.65, fork.ratios(added("qemu_fork_done"), added("plain_c_done"))),
        ("what qemu_fork adds, in raw rt_sigactions", 72, fork.ratios(added("qemu_fork_done"), "raw_sigaction")),
        ("qemu_spawn to posix_spawn, 10 descriptors", 0.95, spawn.ratios("spawn_qemu", "spawn_posix_clean")),
        ("the same, 1,000 descriptors", 0.52, middle.ratios("spawn_qemu", "spawn_posix_clean")),
        ("the same, 19,900 descriptors", 0.05, many.ratios("spawn_qemu", "spawn_posix_clean")),
        ("qemu_spawn, 19,900 descriptors to 10", 1.10, across(many, small_shared, "spawn_qemu")),
        ("qemu_spawn to vfork and exec", 1.20, spawn.ratios("spawn_qemu", "spawn_vfork")),
        (f"qemu_spawn, {large} MiB to 2 MiB", 1.03, across(large_shared, small_shared, "spawn_qemu")),
        ("32 threads spawning: posix_spawn to qemu_spawn", -1.30, crowd.ratios("crowd_posix", "crowd_qemu")),
        ("worst stall beside a spawn from 2 GiB, to idle", 1.25, stall.ratios("stall_spawn", "stall_idle")),
        ("qemu_process_wait of a zombie to waitpid", 1.08, zombie.ratios("zombie_wait", "zombie_waitpid")),
        ("the same, wait and free", 1.90, zombie.ratios("zombie_wait_free", "zombie_waitpid")),
        ("from the end to the return, to waitpid", 1.05, end.ratios("end_wait", "end_waitpid")),
    ]


def size_goal(folder):
    """The stripped library's bytes."""
    stripped = os.path.join(folder, "stripped.so")
    library = os.path.join(os.path.dirname(os.path.abspath(folder)), "provider", "libqemu_fork.so")
    subprocess.run(["strip", "-o", stripped, library], check=True)
    return os.path.getsize(stripped)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--build", required=True, help="the build folder: build")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under two minutes")
    parser.add_argument("--csv", help="where to write every round")
    args = parser.parse_args()
    folder = os.path.join(args.build, "bench")
    program, tiny = build(folder)
    bench = Bench(program, tiny, args.quick)
    print(f"{'what':50} {'goal':>8} {'median':>8} {'p10':>8} {'p90':>8}")
    for what, goal, ratios in goals(bench):
        median, low, high = spread(ratios)
        met = median >= -goal if goal < 0 else median <= goal
        sign = "≥" if goal < 0 else "≤"
        print(f"{what:50} {sign}{abs(goal):>7} {median:8.3f} {low:8.3f} {high:8.3f}  {'met' if met else 'SHORT'}")
    size = size_goal(folder)
    print(f"{'bytes of the stripped library':50} ≤{48 * 1024:>7} {size:>8} {'':17}  "
          f"{'met' if size <= 48 * 1024 else 'SHORT'}")
    if args.csv:
        with open(args.csv, "w", encoding="ascii", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["scenario", "mebibytes", "descriptors", "process", "round", "operation", "ns"])
            for (scenario, mebibytes, descriptors), series in bench.results.items():
                for (seed, number), values in series.rounds.items():
                    for operation, ns in values.items():
                        writer.writerow([scenario, mebibytes, descriptors, seed, number, operation, ns])


if __name__ == "__main__":
    main()
