#!/usr/bin/env python3
"""Runs the C tests on Debian's kernels, each booted in full emulation, and prints a table.

A kernel comes from the archive that the machine has its packages from, and is kept in the cache, QEMU_FORK_CACHE or
qemu-fork in the user's cache folder. One that cannot be had is skipped, and the table says why. One that does not
boot, or stops before the last test, is a failure. --test runs only some tests. The status is 1 if anything failed.
"""
import concurrent.futures
import os
import sys
import time

import tables
from kernels import archive, programs, results
from kernels.emulator import Machine
from kernels.initramfs import PACKAGES, Tree
from platforms import fetch
from platforms.report import Report, Skip

# The kernels, and the releases that have them.
KERNELS = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "7.2": "sid"}
FACTS = "c-tests/kernel-facts"


class Row(Report):
    """A kernel's row, with what it says about itself."""

    def __init__(self, name, at_once):
        super().__init__(name, at_once)
        self.kernel = self.way = "none"
        self.lacks = []
        self.slowest = ""


def arguments():
    parser = tables.parser(__doc__)
    parser.add_argument("--build", default="build/provider", help="the folder that Meson builds in")
    parser.add_argument("--work", default="build/kernels", help="the folder for what the machines boot and say")
    parser.add_argument("--table", help="a file for the table")
    parser.add_argument("--test", default="", help="only these tests, separated by spaces")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="how many emulators at once")
    return tables.parse(parser, "kernel", KERNELS)


def prepare(args, report):
    """The tests that are run, and the root filesystem that has them."""
    if os.uname().machine != "x86_64":
        raise Skip("the kernels are for x86_64, and so must be the tests that this machine builds")
    fetch.packages(*PACKAGES)
    chosen = programs.only(args.test.split(), programs.choose(args.build, report))
    programs.compile_all(args.build, chosen, FACTS)
    tree = Tree(os.path.join(args.work, "root"))
    tree.add(os.path.join(args.build, FACTS))
    tree.add_tests(chosen)
    image = os.path.abspath(os.path.join(args.work, "initramfs"))
    tree.pack(image)
    static = sum(program.is_static for program in chosen)
    size = os.path.getsize(image) >> 20
    report.check(f"{len(chosen)} tests, {static} of them fully static, in {size} MiB", static > 0)
    return chosen, image


def boot(report, chosen, image, folder):
    """One kernel."""
    release = KERNELS[report.name]
    path, why_old = archive.kernel(release)
    if why_old:
        report.skip("the newest kernel of this release", f"{why_old}; the one in the cache is tried")
    version = os.path.basename(path).partition("-")[2]
    if not version.startswith(report.name + "."):
        report.skip(f"{report.name} itself", f"{release} has {version} by now, which is tried")
    machine = Machine(path, image, folder)
    try:
        machine.run()
    finally:
        if machine.told():
            results.judge(report, chosen, machine.told())


def main():
    args = arguments()
    names = args.rows
    start = time.monotonic()
    preparation = Row("tests", at_once=True)
    ready = []
    preparation.run(lambda: ready.extend(prepare(args, preparation)))
    prepared = time.monotonic()
    rows = []
    if ready:
        side_by_side = max(1, min(args.jobs, len(names)))

        def check(name):
            row = Row(name, at_once=side_by_side == 1)
            return row.run(boot, row, *ready, os.path.join(args.work, name))

        with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
            rows = list(pool.map(check, names))
    text = results.table(rows, preparation) + (f"\nonly {args.test}\n" if args.test else "") + (
        f"\n{len(rows)} kernels in {time.monotonic() - start:.0f} seconds, {min(args.jobs, len(names))} side by side; "
        f"{prepared - start:.0f} of them for building the tests\n")
    tables.publish(text, args.table)
    sys.exit(any(row.failures for row in [preparation, *rows]))


if __name__ == "__main__":
    main()
