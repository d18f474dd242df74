#!/usr/bin/env python3
"""Builds the library for other platforms, runs its tests where they can be run, and prints a table.

What a row needs is fetched: Debian packages by apt, a Rust compiler into the cache, QEMU_FORK_CACHE or qemu-fork in
the user's cache folder. A row that cannot have what it needs is skipped, and the table says why. The status is 1 if
anything failed.
"""
import argparse
import os
import sys
import traceback

from platforms import elf, lint, windows
from platforms.report import Failure, Report, Skip, table

ROWS = {
    **elf.ROWS,
    "x86_64-windows": windows.check,
    **lint.ROWS,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/platforms", help="the folder to build in")
    parser.add_argument("--table", help="a file for the table")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="which rows; all: " + " ".join(ROWS))
    args = parser.parse_args()
    unknown = [row for row in args.rows if row not in ROWS]
    if unknown:
        parser.error(f"there is no row {' '.join(unknown)}; there are {' '.join(ROWS)}")
    return args


def check(name, folder):
    """One row. Whatever goes wrong in it, the other rows go on."""
    print(f"{name}:", flush=True)
    report = Report(name)
    try:
        ROWS[name](report, os.path.abspath(os.path.join(folder, name)))
    except Skip as skip:
        report.skip("the rest of this row" if report.passed else "this row", str(skip))
    except Failure as failure:
        text = str(failure)
        report.check(text.partition("\n")[0], False, text)
    except Exception:  # pylint: disable=broad-exception-caught
        report.check("the check itself", False, traceback.format_exc())
    report.finish()
    return report


def main():
    args = arguments()
    reports = [check(name, args.build) for name in args.rows or ROWS]
    text = table(reports)
    print("\n" + text, end="")
    if args.table:
        os.makedirs(os.path.dirname(os.path.abspath(args.table)), exist_ok=True)
        with open(args.table, "w", encoding="utf-8") as file:
            file.write(text)
    sys.exit(any(report.failures for report in reports))


if __name__ == "__main__":
    main()
