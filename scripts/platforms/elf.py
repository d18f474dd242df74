"""Linux: built for a processor and a C library, run by this machine or under qemu-user."""
import ast
import configparser
import os
import re
import shutil
import subprocess
import sys

from . import fetch
from .build import ROOT, Build, run

sys.path.insert(0, os.path.join(ROOT, "scripts"))
import exports  # noqa: E402

NEWEST_GLIBC = (2, 34)
# The exit status of a part of the proof that cannot run here.
SKIPPED = 77


class Platform:
    """How a row is built and run.

    cross: its file in cross/; triple: how the names of its compiler and tools begin; libc: what its shared library
    needs; tools: variables, options: arguments for Meson; rust: "native", what is in PATH, "debian", or "cross",
    Debian's with core along; variant: the code is another row's, only the tools differ, so the thousands of forks are
    left out, what the guide shows, and host mode.
    """

    def __init__(self, cross=None, triple="", packages=(), emulated=False, libc="libc.so.6", tools=None, rust="cross",
                 variant=False, options=()):
        self.cross = cross
        self.packages = packages
        self.emulated = emulated
        self.libc = libc
        self.tools = tools or {}
        self.rust = rust
        self.variant = variant
        self.options = options
        self.triple = triple
        self.compiler = self.tools.get("CC") or (triple + "-gcc" if triple else "gcc")

    def __call__(self, report, folder):
        fetch.packages(*self.packages)
        core = self.cross if self.rust == "cross" else None
        env = dict(os.environ) if self.rust == "native" else fetch.Rust().environment(core)
        env.update(self.tools)
        if self.emulated:
            env.setdefault("QEMU_FORK_TEST_NET", "1000")  # seconds: everything takes longer there
        links = "no-pie" if self.cross or self.variant else "all"
        for mode in ["provider"] if self.variant else ["provider", "host"]:
            build = Build(os.path.join(folder, mode), env)
            # Programs start slowly under an emulator, and spawns are the same in host mode.
            spawn = "false" if self.emulated and mode == "host" else "true"
            build.setup(*self.cross_files(folder), f"-Derror-api={mode}", f"-Dtest-links={links}",
                        f"-Dtest-spawn={spawn}")
            build.compile()
            report.built += [] if report.built else ["so", "a"]
            self.check_symbols(report, build, mode)
            self.check_protection(report, build, mode)
            self.check_region(report, build, mode)
            self.run_tests(report, build, mode)

    def cross_files(self, folder):
        """The options that make Meson build for this platform."""
        if not self.cross:
            return []
        return ["--cross-file", os.path.join(ROOT, "cross", self.cross + ".ini"), *self.loader(folder), *self.options]

    def loader(self, folder):
        """i686: this machine runs the programs itself, but their libc is in a folder for cross-compiling."""
        root = "/usr/i686-linux-gnu/lib"
        if self.cross != "i686" or os.path.exists("/lib/ld-linux.so.2"):
            return []
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "loader.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[built-in options]\nc_link_args = ['-Wl,--dynamic-linker={root}/ld-linux.so.2', "
                       f"'-Wl,-rpath,{root}']\n")
        return ["--cross-file", path]

    def executable(self, build, mode):
        """The command that runs the tests so that the emulator executes this platform's programs."""
        if not self.emulated:
            return []
        file = configparser.ConfigParser()
        file.read(os.path.join(ROOT, "cross", self.cross + ".ini"))
        emulator, _, root = ast.literal_eval(file["binaries"]["exe_wrapper"])
        return ["env", "QEMU_LD_PREFIX=" + root, sys.executable,
                os.path.join(ROOT, "scripts", "platforms", "executable.py"), shutil.which(emulator) or emulator,
                build.path(f"lib{exports.library(mode)}.so")]

    def check_symbols(self, report, build, mode):
        """Checks the symbols that the two libraries define and need."""
        names = exports.names(mode)
        library = "lib" + exports.library(mode)
        shared = build.path(library + ".so")
        dynamic = run(["readelf", "-dW", shared])
        symbols = symbol_table(run(["readelf", "--dyn-syms", "-W", shared]))
        report.same(f"{mode}: the shared library exports the API and nothing else",
                    [name for name, binding, index in symbols if binding != "LOCAL" and index not in ("UND", "ABS")],
                    [f"{name}@@{exports.node(mode)}" for name in names])
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        report.check(f"{mode}: it needs libc only: {' '.join(needed)}", needed == [self.libc])
        report.check(f"{mode}: its soname is {library}.so.0", f"soname: [{library}.so.0]" in dynamic)
        report.check(f"{mode}: it is bound at once and has no text relocation",
                     "NOW" in dynamic and "TEXTREL" not in dynamic, dynamic)
        wanted = [tuple(map(int, version.split("."))) for name, _, _ in symbols
                  for version in re.findall(r"@GLIBC_([\d.]+)", name)]
        report.check(f"{mode}: it wants no glibc newer than 2.34", all(version <= NEWEST_GLIBC for version in wanted))
        symbols = symbol_table(run(["readelf", "-sW", build.path(library + ".a")]))
        report.same(f"{mode}: the archive defines the API and nothing else",
                    [name for name, binding, index in symbols if binding != "LOCAL" and index != "UND"], names)

    def check_protection(self, report, build, mode):
        """A program that is linked with the object keeps the protection of its control flow, where there is one."""
        if (self.cross or "x86_64").split("-")[0] in ("i686", "x86_64"):
            notes = run(["readelf", "-n", build.path("qemu_fork.o")])
            report.check(f"{mode}: the object has the properties IBT and SHSTK", "IBT, SHSTK" in notes, notes)

    def check_region(self, report, build, mode):
        """Checks the child's code by the part `region` of the proof."""
        prefix = self.triple + "-" if self.triple else ""
        golden = self.cross or "x86_64"
        result = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "proof", "region.py"), "--no-controls",
                                 "--prefix", prefix, "--golden", golden, build.path("qemu_fork.o")],
                                check=False, capture_output=True, text=True)
        what = f"{mode}: the child's region keeps to its allow-list"
        if result.returncode == SKIPPED:
            report.skip(what, result.stdout.strip())
        else:
            report.check(what, result.returncode == 0, result.stdout + result.stderr)

    def run_tests(self, report, build, mode):
        """The C tests; the examples only if /proc/self shows the program and not an emulator."""
        options = []
        if self.emulated:
            options += ["--no-suite", "examples"]
            if mode == "provider":
                report.skip("examples", "exec-channel-fork reads /proc/self/status, where qemu-user shows itself")
        if self.variant:
            options += ["--no-suite", "stress", "--no-suite", "docs"]
        names = build.test(report, "host: " if mode == "host" else "", *options, through=self.executable(build, mode))
        if any("fully-static" in name for name in names):
            report.built += [] if "static" in report.built else ["static"]
        else:
            report.skip("fully static programs", "this compiler has no static libc")


def symbol_table(text):
    """(name, binding, section index) of each symbol with a name."""
    return [(match.group(3), match.group(1), match.group(2)) for match in re.finditer(
        r"^ *\d+: [0-9a-f]+ +\S+ +(?:<[^>]*>: \d+|\S+) +(\S+) +\S+ +(?:\[.*?\] +)?(\S+) +(\S+)", text, flags=re.M)]


def cross(name, triple, debian, emulator=True):
    """A row with Debian's compiler and libc for cross-compiling."""
    packages = [f"gcc-{triple}", f"libc6-dev-{debian}-cross"] + (["qemu-user"] if emulator else [])
    return Platform(name, triple, packages, emulated=emulator)


ROWS = {
    "x86_64": Platform(rust="native"),
    "x86_64-debian-rust": Platform(rust="debian", variant=True),
    "x86_64-clang": Platform(packages=["clang"], tools={"CC": "clang"}, rust="native", variant=True),
    "x86_64-lld": Platform(packages=["lld"], tools={"CC_LD": "lld"}, rust="native", variant=True),
    "x86_64-mold": Platform(packages=["mold"], tools={"CC_LD": "mold"}, rust="native", variant=True),
    "x86_64-gold": Platform(packages=["binutils"], tools={"CC_LD": "gold"}, rust="native", variant=True),
    "x86_64-musl": Platform("x86_64-musl", packages=["musl-tools", "linux-libc-dev"], libc="libc.so",
                            options=["-Dc_args=-idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu"]),
    "i686": cross("i686", "i686-linux-gnu", "i386", emulator=False),
    "aarch64": cross("aarch64", "aarch64-linux-gnu", "arm64"),
    "armv7": cross("armv7", "arm-linux-gnueabihf", "armhf"),
    "ppc64le": cross("ppc64le", "powerpc64le-linux-gnu", "ppc64el"),
    "s390x": cross("s390x", "s390x-linux-gnu", "s390x"),
    "riscv64": cross("riscv64", "riscv64-linux-gnu", "riscv64"),
}
