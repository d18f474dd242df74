"""Builds the library from a source tree in the shortest way, for variants that are never installed.

SPDX-License-Identifier: MIT
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What cargo and the scripts need of the tree.
SOURCE = ["Cargo.toml", "Cargo.lock", "src", "capi", "include", "libqemu_fork.map", "scripts", "cbindgen.toml",
          "c-tests/abi"]
COMPILER = shlex.split(os.environ.get("CC", "cc"))
LINK_ARGS = ["-Wl,-z,now", "-Wl,-z,relro", "-Wl,--gc-sections", "-Wl,-Bsymbolic-functions",
             "-Wl,-soname,libqemu_fork.so.0"]


class BuildError(Exception):
    """The text is the output of the tool."""


def call(command, **more):
    """Runs a build tool. Its output matters only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def copy_source(tree):
    """A fresh copy of what is built from. Its times are new, so that cargo does not reuse the objects of an earlier
    variant."""
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    for name in SOURCE:
        origin, place = os.path.join(ROOT, name), os.path.join(tree, name)
        if os.path.isdir(origin):
            shutil.copytree(origin, place, copy_function=shutil.copyfile,
                            ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(origin, place)


def build(tree, output, target_dir, env=None):
    """Makes `output`/qemu_fork.o and `output`/libqemu_fork.so.0 from the tree, as Meson would."""
    os.makedirs(output, exist_ok=True)
    object_file = os.path.join(output, "qemu_fork.o")
    library = os.path.join(output, "libqemu_fork.so.0")
    env = {**os.environ, **(env or {})}
    call([sys.executable, os.path.join(tree, "scripts", "build-object.py"), "--output", object_file, "--depfile",
          os.path.join(output, "qemu_fork.d"), "--target-dir", target_dir, "--error-api", "provider"], env=env)
    version_script = os.path.join(output, "libqemu_fork.map")
    with open(version_script, "w", encoding="utf-8") as file:
        file.write(call([sys.executable, os.path.join(tree, "scripts", "exports.py"), "provider", "map"]))
    call([*COMPILER, "-shared", *LINK_ARGS, f"-Wl,--version-script={version_script}", "-o", library, object_file,
          "-pthread"], env=env)
    return library


def shared_tests(venv, provider):
    """The C tests that are linked with the shared library, by name: the loader can be shown another one. Each as a
    position-independent program, or if -Dtest-links leaves those out, as one that is not."""
    meson = shutil.which("meson") or os.path.join(venv, "bin", "meson")
    tests = json.loads(call([meson, "introspect", "--tests", provider]))
    return {test["name"]: test for way in ("no-pie", "pie") for test in tests
            if {"shared", way} <= {name.split(":")[-1] for name in test["suite"]}}


def write_system_call_names(folder):
    """Makes system-call-names.h from the macros of the C headers, so that messages have names instead of numbers."""
    macros = call([*COMPILER, "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"])
    names = sorted(re.findall(r"^#define SYS_(\w+) ", macros, re.M))
    path = os.path.join(folder, "system-call-names.h")
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
        file.write("#include <sys/syscall.h>\n\nstatic inline const char *system_call_name(long number)\n{\n"
                   "    static const struct {\n        long number;\n        const char *name;\n    } known[] = {\n"
                   + "".join(f'        {{SYS_{name}, "{name}"}},\n' for name in names)
                   + "    };\n\n    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {\n"
                   "        if (known[i].number == number) {\n            return known[i].name;\n        }\n    }\n"
                   '    return "a system call without a name";\n}\n')
    os.replace(file.name, path)  # another part may make it at the same time


def compile_c(name, output, *more, common=True):
    """One C program of this folder; `common`: with common.c, which the dynamic parts share."""
    folder = os.path.dirname(os.path.abspath(__file__))
    sources = [os.path.join(folder, f"{source}.c") for source in [name, *(["common"] if common else [])]]
    write_system_call_names(os.path.dirname(os.path.abspath(output)))
    call([*COMPILER, "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-I", os.path.join(ROOT, "include"), "-I",
          os.path.dirname(os.path.abspath(output)), *more, "-o", output, *sources, "-ldl", "-pthread"])
    return output
