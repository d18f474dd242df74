#!/usr/bin/env python3
"""Builds and runs examples/languages against the library as it is installed, and prints a table.

Every example prints the same three lines. Those that write the C structures down for themselves have a second program
that prints sizes and offsets: each of its lines must be one of examples/languages/layout.c. Some have a program that
misuses the binding, with tests that print TAP. What a language needs and the machine lacks is fetched; a language that
cannot be had is skipped, and the table says why.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

import tables
from platforms import fetch
from platforms.report import Failure, Report, Skip, table

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLES = os.path.join(ROOT, "examples", "languages")


class Language:
    """One row: a copy of the example in a folder of its own, where things may be built."""

    def __init__(self, build, name, environment):
        self.report = Report(name, at_once=False)
        self.source = os.path.join(EXAMPLES, name)
        self.folder = os.path.join(build, name)
        self.environment = environment
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.source, self.folder)

    def run(self, *command, **more):
        """Runs a command in the folder. Returns its output."""
        env = dict(self.environment, **more)
        result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.folder, env=env)
        if result.returncode != 0:
            raise Failure(f"{' '.join(command)}: status {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def fetched(self, what, *command):
        """Runs a command that downloads something."""
        try:
            self.run(*command)
        except Failure as failure:
            raise Skip(f"cannot fetch {what}: {str(failure).splitlines()[-1]}") from None

    def need(self, program, *packages):
        """Installs Debian's packages if a program is missing."""
        if not shutil.which(program):
            fetch.packages(*packages)

    def version(self, *command):
        """Adds a version number to the report."""
        text = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
        self.report.built.append(re.search(r"\d+(\.\d+)+", text).group())

    def pkg_config(self):
        """The options for a C compiler."""
        return self.run(self.environment["PKG_CONFIG"], "--cflags", "--libs", "qemu-fork").split()

    def prints(self, name, *command, **more):
        """Checks the output of an example."""
        with open(os.path.join(EXAMPLES, "expected-output.txt"), encoding="utf-8") as file:
            wanted = file.read()
        found = self.run(*command, **more)
        self.report.check(name, found == wanted, f"{found}instead of\n{wanted}")

    def passes(self, *command, tests=None, **more):
        """Runs tests that print TAP, or lines that `tests` describes, and counts each as a check."""
        # What was freed and is used nevertheless is garbage.
        env = dict(self.environment, GLIBC_TUNABLES="glibc.malloc.perturb=165:glibc.malloc.tcache_count=0", **more)
        result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.folder, env=env)
        found = re.findall(tests or r"^(ok|not ok) \d+ - (.*)$", result.stdout, re.MULTILINE)
        for outcome, name in found:
            self.report.check(name, outcome in ("ok", "PASS"))
        planned = tests or f"1..{len(found)}" in result.stdout.splitlines()
        complete = result.returncode == 0 and found and planned
        detail = f"status {result.returncode}\n{result.stdout}{result.stderr}"
        self.report.check(f"{command[-1]} runs to its end", complete, detail)

    def has_layout(self, *command, **more):
        """Compares what an example believes about structures and constants, line by line, with the header."""
        self.run("cc", os.path.join(EXAMPLES, "layout.c"), "-o", "layout-c", *self.pkg_config())
        header, found = (self.run(*program).splitlines() for program in (["./layout-c"], command))
        wanted = {line.split()[0]: line for line in header}
        for line in found:
            name = line.split()[0]
            right = wanted.get(name)
            self.report.check(f"{name} is the header's", line == right, f"{line}\ninstead of\n{right}")
        options = any(line.startswith("QemuSpawnOptions ") for line in found)
        self.report.check("it lays out the options of a spawn", options)


# Tests of jobs in the foreground look at what becomes of one where there is no terminal.
WITHOUT_TERMINAL = ["setsid", "--wait"]


def python_ctypes(row):
    row.version(sys.executable, "--version")
    row.prints("spawn.py", sys.executable, "spawn.py")
    row.has_layout(sys.executable, "layout.py")
    row.passes(sys.executable, "run.py")
    row.passes(*WITHOUT_TERMINAL, sys.executable, "options.py")
    row.passes(sys.executable, "misuse.py")


def python_cffi(row):
    row.run(sys.executable, "-m", "venv", "venv")
    row.fetched("cffi", "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "cffi==2.0.0", "setuptools==80.9.0")
    if not glob.glob(os.path.join(sys.base_prefix, "include", "python3*", "Python.h")):
        fetch.packages("python3-dev")
    row.report.built.append(row.run("venv/bin/python", "-c", "import cffi; print(cffi.__version__)").strip())
    row.run("venv/bin/python", "build_qemu_fork.py")
    # What it shares with the other Python.
    both = {"PYTHONPATH": os.path.join(EXAMPLES, "python-ctypes")}
    row.prints("spawn.py", "venv/bin/python", "spawn.py", **both)
    for tests in ("run.py", "options.py", "misuse.py"):
        shutil.copy(os.path.join(EXAMPLES, "python-ctypes", tests), row.folder)
        row.passes(*WITHOUT_TERMINAL, "venv/bin/python", tests, **both)


def go(row):
    row.need("go", "golang-go")
    row.version("go", "version")
    cache = {"GOCACHE": os.path.join(row.folder, "cache"), "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    row.run("go", "vet", "./...", **cache)
    row.run("go", "build", "-o", "spawn", ".", **cache)
    row.prints("main.go", "./spawn")
    row.passes(*WITHOUT_TERMINAL, "go", "test", "-v", "-vet=off", "-timeout", "600s", "./qemufork",
               tests=r"^--- (PASS|FAIL): Test(\w+)", **cache)


def node(row):
    row.need("node", "nodejs")
    row.need("npm", "npm")
    row.version("node", "--version")
    row.fetched("koffi", "npm", "install", "--no-audit", "--no-fund", "--no-package-lock")
    row.prints("spawn.js", "node", "spawn.js")
    row.has_layout("node", "layout.js")
    row.passes("node", "run-test.js")
    row.passes(*WITHOUT_TERMINAL, "node", "options-test.js")
    row.passes("node", "misuse.js")


def cxx(row):
    row.need("g++", "g++")
    row.version("g++", "--version")
    for name in ("spawn", "run", "options", "misuse"):
        row.run("g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", f"{name}.cc", "-o", name, "-pthread",
                *row.pkg_config())
    row.prints("spawn.cc", "./spawn")
    row.passes("./run")
    row.passes(*WITHOUT_TERMINAL, "./options")
    row.passes("./misuse")


def newest_jdk():
    """The version of the newest Java compiler, and its folder."""
    found = {}
    for folder in glob.glob("/usr/lib/jvm/*/bin"):
        if os.path.exists(os.path.join(folder, "javac")):
            text = subprocess.run([os.path.join(folder, "javac"), "-version"], check=True, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
            found[int(re.search(r"\d+", text).group())] = folder
    return max(found.items(), default=(0, ""))


# The folder of what java-ffm and java-jna share.
BOTH_JAVAS = "java"


def java_sources(row):
    """A kind of Java has QemuFork.java and what looks into it; the classes for users are in a folder for both kinds."""
    return glob.glob(os.path.join(row.folder, "*.java")) + glob.glob(os.path.join(EXAMPLES, BOTH_JAVAS, "*.java"))


def java_tests(row, java):
    """What both kinds of Java have."""
    row.prints("Spawn.java", *java, "Spawn")
    row.has_layout(*java, "Layout")
    # The heap is all there from the beginning: what grows is C's memory.
    heap = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch"]
    row.passes(*java, *heap, "Run")
    row.passes(*WITHOUT_TERMINAL, *java, *heap, "Options")
    row.passes(*java, *heap, "Misuse")


def java_ffm(row):
    version, folder = newest_jdk()
    if version < 22:
        raise Skip("needs a JDK of version 22 or newer below /usr/lib/jvm; Debian 12 has 17 (java-jna is for that)")
    row.report.built.append(str(version))
    java = [os.path.join(folder, "java"), "--enable-native-access=ALL-UNNAMED", "-cp", "classes"]
    row.run(os.path.join(folder, "javac"), "-Xlint:all,-restricted", "-Werror", "-d", "classes", *java_sources(row))
    java_tests(row, java)


def java_jna(row):
    row.need("javac", "default-jdk-headless")
    fetch.packages("libjna-java")
    row.version("javac", "-version")
    path = "/usr/share/java/jna.jar:classes"
    row.run("javac", "-cp", path, "-d", "classes", *java_sources(row))
    java_tests(row, ["java", "-cp", path])


def lua(row):
    row.need("luajit", "luajit")
    row.version("luajit", "-v")
    row.prints("spawn.lua", "luajit", "spawn.lua")
    row.has_layout("luajit", "layout.lua")
    row.passes("luajit", "run-test.lua")
    row.passes(*WITHOUT_TERMINAL, "luajit", "options-test.lua")
    row.passes("luajit", "misuse.lua")


def rust(row):
    # In the source tree, because its dependency is a relative path.
    manifest = ["--quiet", "--locked", "--manifest-path", os.path.join(row.source, "Cargo.toml")]
    target = {"CARGO_TARGET_DIR": os.path.join(row.folder, "target")}
    row.version("cargo", "--version")
    row.prints("src/main.rs", "cargo", "run", *manifest, **target)
    row.prints("src/main.rs, optimised", "cargo", "run", "--release", *manifest, **target)


def rust_through_c(row):
    row.version("cargo", "--version")
    row.prints("src/main.rs", "cargo", "run", "--quiet", "--locked", "--bin", "spawn-through-c")
    row.has_layout("cargo", "run", "--quiet", "--locked", "--bin", "layout")


LANGUAGES = {
    "cxx": cxx,
    "go": go,
    "java-ffm": java_ffm,
    "java-jna": java_jna,
    "lua": lua,
    "node": node,
    "python-cffi": python_cffi,
    "python-ctypes": python_ctypes,
    "rust": rust,
    "rust-through-c": rust_through_c,
}


def guide(report):
    """Checks that docs/guide/languages.md quotes the output and lists the languages."""
    with open(os.path.join(ROOT, "docs", "guide", "languages.md"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(EXAMPLES, "expected-output.txt"), encoding="utf-8") as file:
        report.check("it quotes the output", "".join(f"    {line}" for line in file) in text)
    report.same("it has the languages that are tried", re.findall(r"\[(\S+)\]\(../../examples/languages/", text), LANGUAGES)
    folders = (name for name in os.listdir(EXAMPLES) if os.path.isdir(os.path.join(EXAMPLES, name)))
    report.same("all examples are tried", folders, [*LANGUAGES, BOTH_JAVAS])
    report.finish()
    return report


def arguments():
    parser = tables.parser(__doc__)
    parser.add_argument("--build", default="build/languages", help="the folder to build in")
    parser.add_argument("--library", required=True, help="the folder that Meson built the library in")
    parser.add_argument("--pkg-config", default="pkg-config", help="the command")
    return tables.parse(parser, "language", LANGUAGES)


def install(args):
    """Installs the library below the build folder. Returns the environment in which programs find it there."""
    root = os.path.join(os.path.abspath(args.build), "root")
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["meson", "install", "--quiet", "--no-rebuild", "-C", args.library, "--destdir", root], check=True)
    folder, = glob.glob(os.path.join(root, "**", "pkgconfig"), recursive=True)
    return dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(folder), PKG_CONFIG=shutil.which(args.pkg_config),
                PKG_CONFIG_LIBDIR=folder, PKG_CONFIG_SYSROOT_DIR=root, PYTHONDONTWRITEBYTECODE="1")


def check(name, args, environment):
    """One row."""
    row = Language(os.path.abspath(args.build), name, environment)
    return row.report.run(LANGUAGES[name], row)


def main():
    args = arguments()
    environment = install(args)
    reports = [guide(Report("the guide"))]
    # Rows wait for the network most of the time, so they run in parallel.
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        reports += pool.map(lambda name: check(name, args, environment), args.rows)
    print("\n" + table(reports), end="")
    sys.exit(any(report.failures for report in reports))


if __name__ == "__main__":
    main()
