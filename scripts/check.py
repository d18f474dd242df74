#!/usr/bin/env python3
"""Runs every stage of `make check`, whatever the stages before it said, and prints a table of them.

usage: check.py BUILD

BUILD has Meson's folders, provider and host, set up. The status is 1 if a stage failed.

SPDX-License-Identifier: MIT
"""
import os
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def stages(build):
    """Names and commands, in their order."""
    provider, host = (os.path.join(build, mode) for mode in ("provider", "host"))
    return [
        # All that can be built: the tests of that are worth having even where another program does not compile.
        ("build, provider", ["meson", "compile", "-C", provider, "--ninja-args=-k0"]),
        ("build, host", ["meson", "compile", "-C", host, "--ninja-args=-k0"]),
        ("C tests, provider", ["meson", "test", "-C", provider, "--print-errorlogs"]),
        ("C tests, host", ["meson", "test", "-C", host, "--print-errorlogs"]),
        ("Rust tests", ["cargo", "test", "--locked", "--no-fail-fast"]),
        ("proof, quick", ["tests/proof/run.py", "--quick", "--build", build]),
    ]


def run(command, build):
    """Runs a stage. What went wrong with it; nothing, if it went well."""
    print(f"\n::: {shlex.join(command)}", flush=True)
    try:
        status = subprocess.run(command, check=False, cwd=ROOT, env=dict(os.environ, QEMU_FORK_BUILD=build)).returncode
    except OSError as error:
        return str(error)
    return f"killed by signal {-status}" if status < 0 else f"status {status}" if status else ""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    rows = []
    for name, command in stages(build):
        start = time.monotonic()
        failure = run(command, build)
        rows.append((name, time.monotonic() - start, failure))
    width = max(len(name) for name, _, _ in rows)
    print(f"\n{'stage':<{width}}  seconds\n{'-' * width}  -------")
    for name, seconds, failure in rows:
        print(f"{name:<{width}}  {seconds:7.0f}  {'FAILED: ' + failure if failure else 'ok'}")
    failed = [name for name, _, failure in rows if failure]
    if failed:
        sys.exit(f"\nFAILED: {'; '.join(failed)}")
    print(f"\nall {len(rows)} stages passed")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
