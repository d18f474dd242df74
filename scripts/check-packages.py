#!/usr/bin/env python3
"""Makes everything that is published, checks and uses it, and prints a table.

What is needed and missing is fetched: Debian packages by apt; a small Debian, kept in the cache, QEMU_FORK_CACHE or
qemu-fork in the user's cache folder. What cannot be had is skipped, and the table says why.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import time

from packages import abi, consumers, debian, lists
from packages.run import ROOT
from platforms.report import Report, Skip, table


class Build:
    """The folders: those that Meson has built in both modes, and the one for what is made here."""

    def __init__(self, args):
        self.folder = os.path.join(os.path.abspath(args.build), "packages")
        self.provider = os.path.join(os.path.abspath(args.build), "provider")
        self.host = os.path.join(os.path.abspath(args.build), "host")
        self.pkg_config = os.path.abspath(args.pkg_config)
        self._archive = None

    def archive(self):
        """The source archive, which several rows use."""
        if not self._archive:
            raise Skip("there is no source archive")
        return self._archive

    def source(self, report):
        """Makes it."""
        if subprocess.run(["git", "-C", ROOT, "rev-parse"], check=False, capture_output=True).returncode != 0:
            raise Skip("this is no clone of git, from which `meson dist` makes it")
        self._archive = lists.source(report, self)


def row(name, check, *arguments):
    """One row."""
    report = Report(name)
    return report.run(check, report, *arguments)


def installed(report, build):
    """`meson install`, and programs that use what it made."""
    root, libdir = lists.installed(report, build)
    abi.check(report, build, root)
    consumers.cmake(report, build, root, libdir)


def debian_package(report, build, chroot):
    """Built, checked, installed, used and removed."""
    changes = debian.build_package(report, build, build.archive())
    debian.lintian(report, changes)
    debian.in_chroot(report, build, changes, chroot.result())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the folder with what Meson built: provider and host")
    parser.add_argument("--pkg-config", default="/usr/bin/pkg-config", help="the program")
    build = Build(parser.parse_args())
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        chroot = pool.submit(debian.fetch_chroot, build)  # it takes longest, so it runs beside the others
        reports = [
            row("source", build.source),
            row("crate", lists.crate, build),
            row("installed", installed, build),
            row("wrap", lambda report: consumers.wrap(report, build, build.archive())),
            row("debian", debian_package, build, chroot),
        ]
    print("\n" + table(reports) + f"\n{time.monotonic() - start:.0f} seconds", end="\n")
    sys.exit(any(report.failures for report in reports))


if __name__ == "__main__":
    main()
