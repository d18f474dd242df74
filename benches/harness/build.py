"""Compiles the workers, and the programs that they start.

SPDX-License-Identifier: MIT
"""
import glob
import os
import shlex
import shutil
import subprocess
import sys

BENCHES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(BENCHES)
CHILDREN = ("tiny", "say", "stamp", "end", "look", "hold")
DEBIAN = {"glib-2.0": "libglib2.0-dev", "gio-2.0": "libglib2.0-dev", "libuv": "libuv1-dev"}
RUST_LIBRARIES = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"]


class Missing(Exception):
    """A program or a library is missing."""


def compiler():
    return os.environ.get("CC", "cc")


def pkg_config(*arguments):
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    except subprocess.CalledProcessError:
        raise Missing(f"{arguments[-1]}: pkg-config does not find it (Debian: {DEBIAN[arguments[-1]]})") from None
    return shlex.split(done.stdout)


def source(*names):
    return [os.path.join(BENCHES, name) for name in names]


def compile_c(output, sources, *more):
    # Bound at once: otherwise a symbol that is first used in a child is bound again in each child.
    subprocess.run([compiler(), "-std=gnu11", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", *sources,
                    "-o", output, "-pthread", "-Wl,-z,now", *more], check=True)
    return output


def worker(folder, name, sources, *more):
    harness = glob.glob(os.path.join(BENCHES, "worker", "*.c"))
    return [compile_c(os.path.join(folder, f"worker-{name}"), harness + sources, *more)]


def core(folder, library):
    """Our library, libc's functions, and the bare calls, which no library has."""
    bare = compile_c(os.path.join(folder, "libbare.so"), source("bare/bare.c", "bare/qemu-c.c"), "-shared", "-fPIC")
    places = [f"-Wl,-rpath,{os.path.dirname(os.path.abspath(path))}" for path in (library, bare)]
    return worker(folder, "core", source("peers/ours.c", "peers/fork.c", "peers/posix-spawn.c", "peers/shell.c",
                                         "peers/bare.c", "peers/runs.c", "probes/forks.c",
                                         "probes/waits.c"),
                  "-I", os.path.join(ROOT, "include"), library, bare, *places)


def glib(folder, _):
    return worker(folder, "glib", source("peers/glib.c"), *pkg_config("--cflags", "--libs", "glib-2.0"))


def gio(folder, _):
    return worker(folder, "gio", source("peers/gio.c"), *pkg_config("--cflags", "--libs", "gio-2.0"))


def uv(folder, _):
    return worker(folder, "uv", source("peers/uv.c"), *pkg_config("--cflags", "--libs", "libuv"))


def rust(folder, _):
    archive = os.path.join(folder, "librust_peer.a")
    try:
        subprocess.run([os.environ.get("RUSTC", "rustc"), "--edition", "2021", "-O", "-C", "panic=abort",
                        "--crate-type", "staticlib", "-o", archive, *source("peers/rust.rs")], check=True)
    except OSError as error:
        raise Missing(f"rustc: {error.strerror}") from None
    return worker(folder, "rust", source("peers/rust.c"), archive, *RUST_LIBRARIES)


def python(_folder, _library):
    return [sys.executable, *source("peers/python.py")]


def node(_folder, _library):
    program = os.environ.get("NODE", "node")
    if not shutil.which(program):
        raise Missing(f"{program}: there is no such program (Debian: nodejs)")
    return [program, *source("peers/node.js")]


# How each kind of worker is built, by its name.
KINDS = {"core": core, "glib": glib, "gio": gio, "uv": uv, "rust": rust, "python": python, "node": node}
# These cannot bind themselves to a processor.
UNBOUND = ("node",)


class Programs:
    """The result of a build: the workers' commands by kind, the children's paths, and what is missing and why."""

    def __init__(self, folder, library):
        os.makedirs(folder, exist_ok=True)
        self.library = library
        self.children = {}
        for name in CHILDREN:
            flags = [] if name == "look" else ["-static", "-nostdlib", "-fno-stack-protector"]
            self.children[name] = compile_c(os.path.join(folder, name), source(f"children/{name}.c"), *flags)
        self.counts = compile_c(os.path.join(folder, "counts"), source("counts/counts.c"))
        self.workers, self.missing = {}, {}
        for kind, build in KINDS.items():
            try:
                self.workers[kind] = build(folder, library)
            except Missing as why:
                self.missing[kind] = str(why)

    def command(self, kind):
        return self.workers[kind] + [part for name, path in self.children.items() for part in (f"--{name}", path)]
