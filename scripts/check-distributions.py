#!/usr/bin/env python3
"""Runs `make demo` and `make check` as a newcomer would, on releases of Debian, and prints a table.

usage: check-distributions.py [--build FOLDER] [--table FILE] [ROW...]

A row is a release, or a release and a compiler: trixie, trixie-clang. In the release's root folder, as an ordinary
user, a fresh clone of what is committed is tried with the release's own compilers and, where it is new enough, its own
Rust; else with this machine's, from rustup. The roots are made by debootstrap and kept in the cache, QEMU_FORK_CACHE or
qemu-fork in the user's cache folder; remove one to have it made anew. Needs root, for chroot. What cannot be fetched is
skipped, and the table says why. To save time, three variables of the environment are those of the rows, too:
MESON_FLAGS, where -Dtest-links=no-pie saves building most tests twice, PARTS, the parts of the proof, and RUST_TESTS,
files of Rust tests. The status is 1 if anything failed.

SPDX-License-Identifier: MIT
"""
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

import tables
from distributions import registries, roots
from distributions.namespace import Inside, PATH
from platforms.report import Failure, Skip

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMPILERS = ["gcc", "clang"]
ROWS = {f"{release}-{compiler}": (release, compiler) for release in roots.RELEASES for compiler in COMPILERS}
# Variables that leave something out.
SAVING = ["MESON_FLAGS", "RUST_TESTS", "PARTS"]
HEAD = ("release", "compiler", "rustc", "glibc", "demo", "check", "seconds")


@dataclasses.dataclass
class Row:  # pylint: disable=too-many-instance-attributes
    """A line of the table."""

    release: str
    compiler: str
    rustc: str = "-"
    glibc: str = "-"
    demo: str = "-"
    check: str = "-"
    seconds: float = 0.0
    skip: str = ""
    failures: list = dataclasses.field(default_factory=list)

    def cells(self):
        """What the table shows."""
        return (self.release, self.compiler, self.rustc, self.glibc, self.demo, self.check, f"{self.seconds:.0f}")


def arguments():
    parser = tables.parser(__doc__)
    parser.add_argument("--build", default="build/distributions", help="the folder for clones and logs")
    parser.add_argument("--table", help="a file for the table")
    args = tables.parse(parser, "row", ROWS, groups=roots.RELEASES)
    args.rows = [row for row in ROWS if row in args.rows or ROWS[row][0] in args.rows]
    return args


def minimum_rust():
    """The oldest Rust that will do."""
    with open(os.path.join(ROOT, "Cargo.toml"), encoding="utf-8") as file:
        return tuple(map(int, re.search(r'^rust-version = "(\d+)\.(\d+)', file.read(), flags=re.M).groups()))


def fresh_clone(home):
    """A clone of what is committed. What cargo has built for another compiler's row is kept: there is no C in it."""
    clone, kept = os.path.join(home, "qemu-fork"), os.path.join(home, "target")
    if os.path.exists(os.path.join(clone, "target")) and not os.path.exists(kept):
        os.rename(os.path.join(clone, "target"), kept)
    shutil.rmtree(clone, ignore_errors=True)
    # Not by git's own shortcut for a folder: that would share files with this clone.
    result = subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, clone], check=False, capture_output=True,
                            text=True)
    if result.returncode != 0:
        raise Skip(f"this is no clone of git, or it cannot be cloned: {result.stderr.strip()}")
    if os.path.exists(kept):
        os.rename(kept, os.path.join(clone, "target"))


def newcomer(root, home, tmp, compiler):
    """The user in the root. Of this machine it sees only the configuration for the registries."""
    environment = {"HOME": roots.HOME, "USER": "user", **registries.environment()}
    environment.update({name: os.environ[name] for name in SAVING if os.environ.get(name)})
    if compiler != "gcc":
        environment["CC"] = compiler
    inside = Inside(root, environment, roots.USER)
    for path in registries.paths():
        inside.bind(path, path)
    inside.bind(home, roots.HOME, "rw")
    inside.bind(tmp, "/tmp", "rw")
    inside.bind(tmp, "/var/tmp", "rw")
    if not roots.own_rust(root, minimum_rust()):
        inside.bind(roots.machines_rust(), "/opt/rust")
        inside.environment["PATH"] = "/opt/rust/bin:" + PATH
    return inside


def look(row, inside):
    """What there is in the root."""
    script = f"{row.compiler} --version | head -n 1; rustc --version; getconf GNU_LIBC_VERSION"
    _, output = inside.run(script)
    lines = output.splitlines()
    if len(lines) != 3:
        raise Failure(f"the tools do not tell their versions\n{output}")
    version = re.search(r"\d+\.\d+\.\d+", lines[0].rpartition(")")[2] or lines[0])
    row.compiler += f" {version.group() if version else '?'}"
    row.rustc = lines[1].split()[1] + (" (rustup's)" if "/opt/rust" in inside.environment["PATH"] else "")
    row.glibc = lines[2].split()[-1]


def command(row, inside, name, folder):
    """One of the two commands."""
    start = time.monotonic()
    log = os.path.join(folder, f"{name}.log")
    status, output = inside.run(f"cd {roots.HOME}/qemu-fork && make {name}", log)
    seconds = f"{time.monotonic() - start:.0f} s"
    if status == 0:
        print(f"  ok    make {name}, {seconds}", flush=True)
        return f"ok, {seconds}"
    last = "\n        ".join(output.splitlines()[-25:])
    print(f"  FAIL  make {name}, {seconds}; all of it is in {log}\n        {last}", flush=True)
    row.failures.append(f"make {name}: status {status}; {log}")
    return "FAILED"


def try_row(row, name, build):
    """Both commands on one release with one compiler."""
    root = roots.root_of(row.release)
    home, tmp, folder = (os.path.join(build, *parts) for parts in (
        (row.release, "home"), (row.release, "tmp"), (name,)))
    shutil.rmtree(tmp, ignore_errors=True)
    for path in (home, tmp, folder):
        os.makedirs(path, exist_ok=True)
    os.chmod(tmp, 0o1777)
    inside = newcomer(root, home, tmp, row.compiler)
    look(row, inside)
    fresh_clone(home)
    registries.put_into(home)
    try:
        subprocess.run(["chown", "-R", roots.USER, home], check=True)
        row.demo = command(row, inside, "demo", folder)
        row.check = command(row, inside, "check", folder)
    finally:
        registries.take_out_of(home)


def check(name, build):
    """One row. Whatever goes wrong in it, the other rows go on."""
    row = Row(*ROWS[name])
    start = time.monotonic()
    print(f"{name}:", flush=True)
    try:
        try_row(row, name, build)
    except Skip as skip:
        row.skip = str(skip)
        row.demo = row.check = "skipped"
        print(f"  SKIP  {skip}", flush=True)
    except Exception as error:  # pylint: disable=broad-exception-caught
        row.failures.append(str(error).partition("\n")[0])
        print("  FAIL  " + (str(error) if isinstance(error, Failure) else traceback.format_exc()), flush=True)
    row.seconds = time.monotonic() - start
    return row


def table(rows):
    """The rows as text, and below them the reason of every failure and skip."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    cells.insert(1, ["-" * width for width in widths])
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in cells]
    for row in rows:
        lines += [f"{row.release}, {row.compiler}: FAILED: {failure}" for failure in row.failures]
        if row.skip:
            lines.append(f"{row.release}, {row.compiler}: SKIPPED: {row.skip}")
    return "\n".join(lines) + "\n"


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("check-distributions.py: ended by SIGTERM"))
    if subprocess.run(["git", "-C", ROOT, "diff", "--quiet", "HEAD"], check=False, capture_output=True).returncode == 1:
        print("note: what is not committed is not in the clones")
    start = time.monotonic()
    rows = [check(name, os.path.abspath(args.build)) for name in args.rows]
    saved = " and ".join(f'{name}="{os.environ[name]}"' for name in SAVING if os.environ.get(name))
    text = table(rows) + (f"\n{len(rows)} rows in {time.monotonic() - start:.0f} seconds"
                          + (f", with {saved}" if saved else "") + "\n")
    tables.publish(text, args.table)
    sys.exit(any(row.failures for row in rows))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
