#!/usr/bin/env python3
"""Builds the library for other platforms, runs its tests where they can be run, and prints a table.

What a row needs is fetched: Debian packages by apt, a Rust compiler into the cache, QEMU_FORK_CACHE or qemu-fork in
the user's cache folder. A row that cannot have what it needs is skipped, and the table says why. The status is 1 if
anything failed.
"""
import concurrent.futures
import os
import sys
import time

import tables
from platforms import elf, fetch, lint, windows
from platforms.build import Build
from platforms.report import Report, Skip, table

ROWS = {
    **elf.ROWS,
    "x86_64-windows": windows.check,
    **lint.ROWS,
}


def arguments():
    parser = tables.parser(__doc__)
    parser.add_argument("--build", default="build/platforms", help="the folder to build in")
    parser.add_argument("--table", help="a file for the table")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processors to use; all")
    return tables.parse(parser, "row", ROWS)


def fetch_all(rows):
    """Fetches what the rows need, all at once, which is quicker. If that fails, the row that needs it reports it."""
    needed = sorted({package for row in rows for package in ROWS[row].packages})
    try:
        fetch.packages(*needed)
    except Skip as skip:
        print(f"  {skip}", flush=True)
    fetch.compiler_cache()


def check(name, folder, at_once):
    """One row."""
    report = Report(name, at_once)
    return report.run(ROWS[name], report, os.path.abspath(os.path.join(folder, name)))


def main():
    args = arguments()
    rows = args.rows
    start = time.monotonic()
    fetch_all(rows)
    fetched = time.monotonic()
    # A row uses one processor most of the time, so rows run in parallel.
    side_by_side = max(1, min(args.jobs, len(rows)))
    Build.jobs = max(1, args.jobs // side_by_side)
    with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
        reports = list(pool.map(lambda name: check(name, args.build, at_once=side_by_side == 1), rows))
    text = table(reports) + (f"\n{len(rows)} rows in {time.monotonic() - start:.0f} seconds, {side_by_side} side by "
                             f"side; {fetched - start:.0f} of them for fetching packages\n")
    tables.publish(text, args.table)
    sys.exit(any(report.failures for report in reports))


if __name__ == "__main__":
    main()
