#!/usr/bin/env python3
"""Puts the library into real QEMUs as docs/guide/qemu.md says, builds them, and uses them. Prints a table.

QEMU's sources come from Debian: 5.2, which calls qemu_fork(), and 7.2, which does not call it any more. They are kept in
the cache, QEMU_FORK_CACHE or qemu-fork in the user's cache folder. What cannot be had is skipped, and the table says
why. The status is 1 if anything failed.
"""
import os
import platform
import sys
import time

import tables
from platforms import fetch
from platforms.build import ROOT, run
from platforms.report import Report, Skip, table
from qemu import checks, library, sources
from qemu.build import MESON, Qemu, static_libraries

PACKAGES = ["dpkg-dev", "libglib2.0-dev", "libpixman-1-dev", "pkg-config", "python3-venv", "socat", "zlib1g-dev"]
SPAWN = "qemu-fork-spawn"
PROGRAMS = ["qemu-system-avr", "qemu-nbd", "tests/test-io-channel-command", "tests/test-io-task", SPAWN]
CALLERS = {"5.2": ["io/channel-command.c"], "7.2": []}
ROWS = ["5.2-shared", "5.2-archive", "5.2-static", "7.2-shared", "7.2-archive"]


class Check:
    """The folders of one run."""

    def __init__(self, args):
        self.folder = os.path.abspath(args.work)
        self.host = os.path.join(os.path.abspath(args.build), "host")
        self.trees = {}

    def path(self, *parts):
        """A path among them."""
        return os.path.join(self.folder, *parts)

    def tools(self, version):
        """The folder of a Meson that this QEMU can be built with, and ninja."""
        folder = self.path(f"meson-{version}")
        if not os.path.exists(os.path.join(folder, "bin", "meson")):
            run([sys.executable, "-m", "venv", folder])
            run([os.path.join(folder, "bin", "pip"), "install", "--quiet", f"meson=={MESON[version]}", "ninja",
                 "setuptools"])
        return os.path.join(folder, "bin")

    def qemu(self, version):
        """Its sources, with the guide's change. Unpacked once in each run."""
        if version not in self.trees:
            tree = self.path(version)
            sources.unpacked(version, tree)
            sources.changed(tree, ROOT)
            sources.add_program(tree, SPAWN, os.path.join(ROOT, "scripts", "qemu", "spawn.c"))
            self.trees[version] = Qemu(version, tree, self.tools(version))
        return self.trees[version]

    def row(self, report):
        """One QEMU, linked in one way."""
        version, _, how = report.name.partition("-")
        if platform.machine() != "x86_64":
            raise Skip("the filter that denies fork() is for x86-64")
        fetch.packages(*PACKAGES)
        if how == "static":
            static_libraries(self.folder)
        qemu = self.qemu(version)
        # In one place for all rows: so QEMU is compiled by the same commands, and the compiler cache has the objects.
        packages = library.installed(self.host, self.path("installed"), with_shared=how == "shared")
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(packages))
        with_caller = bool(CALLERS[version])
        programs = PROGRAMS if with_caller else ["qemu-nbd", SPAWN]
        folder = qemu.build("build-" + how, packages, programs, *(["--static"] if how == "static" else []))
        report.built += programs
        called = sources.callers(qemu.tree)
        report.check(f"{version} calls qemu_fork() in: {', '.join(called) or 'no file'}", called == CALLERS[version],
                     str(called))
        if with_caller:
            checks.linked(report, folder, env, how)
            checks.own_tests(report, folder, env)
            checks.migration(report, folder, env)
            checks.refusal(report, folder, env)
        else:
            checks.not_linked(report, folder, "qemu-nbd")
        checks.nbd(report, folder, env)
        checks.spawns(report, folder, env, SPAWN)


def main():
    parser = tables.parser(__doc__)
    parser.add_argument("--build", default="build", help="the folder with what Meson built: provider and host")
    parser.add_argument("--work", default="build/qemu", help="the folder for QEMU")
    parser.add_argument("--table", help="a file for the table")
    args = tables.parse(parser, "row", ROWS)
    check = Check(args)
    os.makedirs(check.folder, exist_ok=True)
    start = time.monotonic()
    fetch.compiler_cache()
    reports = []
    for name in args.rows:
        report = Report(name)
        reports.append(report.run(check.row, report))
    tables.publish(table(reports) + f"\n{len(reports)} rows in {time.monotonic() - start:.0f} seconds\n", args.table)
    sys.exit(any(report.failures for report in reports))


if __name__ == "__main__":
    main()
