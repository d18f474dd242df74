#!/usr/bin/env python3
"""Puts the library into real QEMUs as docs/guide/qemu.md says, builds them, and uses them. Prints a table.

QEMU's sources come from Debian: 5.2, which calls qemu_fork(), and 7.2, which does not call it any more. They are kept in
the cache, QEMU_FORK_CACHE or qemu-fork in the user's cache folder.
"""
import argparse
import os
import platform
import re
import subprocess
import sys
import time

from platforms import fetch
from platforms.build import ROOT, run
from platforms.report import Report, Skip, table
from qemu import checks, library, sources
from qemu.build import MESON, Qemu

PACKAGES = ["dpkg-dev", "libglib2.0-dev", "libpixman-1-dev", "pkg-config", "python3-venv", "socat", "zlib1g-dev"]
PROGRAMS = ["qemu-system-avr", "qemu-nbd", "tests/test-io-channel-command", "tests/test-io-task"]


class Check:
    """The folders of one run."""

    def __init__(self, args):
        self.folder = os.path.abspath(args.work)
        self.host = os.path.join(os.path.abspath(args.build), "host")

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
        """Its sources, with the guide's change."""
        if platform.machine() != "x86_64":
            raise Skip("the filter that denies fork() is for x86-64")
        fetch.packages(*PACKAGES)
        tree = self.path(version)
        sources.unpacked(version, tree)
        sources.changed(tree, ROOT)
        return Qemu(version, tree, self.tools(version))

    def with_caller(self, report, how):
        """5.2, linked in one way."""
        qemu = self.qemu("5.2") if how == "shared" else Qemu("5.2", self.path("5.2"), self.tools("5.2"))
        if not os.path.exists(qemu.tree):
            raise Skip("the sources are not there")
        packages = library.installed(self.host, self.path("installed-" + how), with_shared=how == "shared")
        folder = qemu.build("build-" + how, packages, PROGRAMS, *(["--static"] if how == "--static" else []))
        report.built += ["qemu-system-avr", "qemu-nbd"]
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(packages))
        checks.linked(report, folder, how)
        checks.own_tests(report, folder, env)
        checks.migration(report, folder, env)
        checks.refusal(report, folder, env)
        checks.nbd(report, folder, env)

    def without_caller(self, report):
        """7.2: its own function is gone, and nothing misses it."""
        packages = library.installed(self.host, self.path("installed-7.2"), with_shared=True)
        folder = self.qemu("7.2").build("build", packages, ["qemu-nbd"])
        report.built.append("qemu-nbd")
        program = os.path.join(folder, "qemu-nbd")
        symbols = run(["nm", program])
        report.check("no function of the library is linked", not re.search(r"\bqemu_fork", symbols))
        needed = run(["readelf", "-dW", program])
        report.check("and the library is not loaded", "libqemu_fork" not in needed)
        checks.nbd(report, folder, dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(packages)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the folder with what Meson built: provider and host")
    parser.add_argument("--work", default="build/qemu", help="the folder for QEMU")
    check = Check(parser.parse_args())
    os.makedirs(check.folder, exist_ok=True)
    start = time.monotonic()
    fetch.compiler_cache()
    reports = []
    for how in "shared", "archive", "--static":
        report = Report(f"5.2, {how}")
        reports.append(report.run(check.with_caller, report, how))
    report = Report("7.2")
    reports.append(report.run(check.without_caller, report))
    print("\n" + table(reports) + f"\n{time.monotonic() - start:.0f} seconds", end="\n")
    sys.exit(any(report.failures for report in reports))


if __name__ == "__main__":
    main()
