#!/usr/bin/env python3
"""Compares run() of the bindings with what the languages have: subprocess.run(), child_process.execFile() and os/exec.

usage: measure.py --build FOLDER

A figure is the median of the ratios of rounds, with the 10th and the 90th percentile. Both values of a ratio are taken
one right after the other in one process. FOLDER/languages has the bindings: make bench-languages puts them there. Writes
FOLDER/bench/languages.md.

SPDX-License-Identifier: MIT
"""
import argparse
import collections
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from harness import figures  # noqa: E402 pylint: disable=wrong-import-position
from harness.report import digits, duration, table  # noqa: E402 pylint: disable=wrong-import-position

LIMIT = 1.0
GO_ROUNDS, GO_TIMES = 20, 20
GO_LINE = re.compile(r"^BenchmarkBesideOsExec/(\S+?)(?:-\d+)?\s.*$", re.MULTILINE)


class Missing(Exception):
    """Something is not there."""


def need(program):
    if not shutil.which(program):
        raise Missing(f"there is no {program}")


def output(command, environment, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment, **more).stdout


def rounds(text):
    """What python.py and node.js print: nanoseconds of theirs and of ours, by case."""
    cases = collections.defaultdict(list)
    for line in text.splitlines():
        name, theirs, ours = line.split("\t")
        cases[name].append((int(theirs), int(ours)))
    return cases


def python(_folder, environment):
    return rounds(output([sys.executable, os.path.join(HERE, "python.py")], environment))


def node(folder, environment):
    need("node")
    if not os.path.isdir(os.path.join(folder, "node", "node_modules")):
        raise Missing("make check-languages LANGUAGE=node has not fetched koffi")
    return rounds(output(["node", os.path.join(HERE, "node.js"), os.path.join(folder, "node")], environment))


def go(folder, environment):
    """Go's own benchmark gives the medians of some runs; each of those is a round here."""
    need("go")
    place = os.path.join(folder, "go")
    if not os.path.isdir(place):
        raise Missing("make check-languages LANGUAGE=go has not been there")
    cache = {"GOCACHE": os.path.join(place, "cache"), "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    text = output(["go", "test", "-vet=off", "-run", "^$", "-bench", ".", "-benchtime", f"{GO_TIMES}x", "-count",
                   f"{GO_ROUNDS}", "./qemufork"], dict(environment, **cache), cwd=place)
    cases = collections.defaultdict(list)
    for line in GO_LINE.finditer(text):
        theirs, ours = (float(re.search(rf"([\d.e+]+) us/{re.escape(name)}\b", line[0])[1]) * 1000
                        for name in ("exec.Cmd", "Run"))
        cases[line[1].replace("_", " ")].append((theirs, ours))
    return cases


LANGUAGES = {"Python, subprocess.run()": python, "Node.js, execFile()": node, "Go, os/exec": go}


def environment_of(folder):
    """In which programs find the library, as check-languages.py has installed it."""
    found = glob.glob(os.path.join(folder, "root", "**", "pkgconfig"), recursive=True)
    if not found:
        sys.exit(f"{folder} has no library: make bench-languages puts it there")
    return dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(found[0]), PKG_CONFIG_LIBDIR=found[0],
                PKG_CONFIG_SYSROOT_DIR=os.path.join(folder, "root"), PYTHONDONTWRITEBYTECODE="1")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--build", required=True, help="the build folder: build")
    build = os.path.abspath(parser.parse_args().build)
    folder = os.path.join(build, "languages")
    environment = environment_of(folder)
    rows = []
    for name, measure in LANGUAGES.items():
        try:
            cases = measure(folder, environment)
        except Missing as why:
            print(f"SKIPPED: {name}: {why}", flush=True)
            rows.append([name, "skipped", "", "", "", "", str(why)])
            continue
        for case, pairs in cases.items():
            median, p10, p90 = figures.spread([ours / theirs for theirs, ours in pairs])
            theirs, ours = (duration(statistics.median(some)) for some in zip(*pairs))
            rows.append([name, case, theirs, ours, f"{digits(median)} ({digits(p10)} to {digits(p90)})", len(pairs),
                         "met" if median <= LIMIT else "short"])
    text = table(["", "program", "theirs", "run()", "ratio", "rounds", f"≤ {LIMIT:.2f}"], rows, left=2)
    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    with open(os.path.join(build, "bench", "languages.md"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
