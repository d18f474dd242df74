"""The ABI of the headers, as a C compiler sees it, compared by abidiff with the one that was released.

The debug information of the library itself is Rust's and says little of C. So an empty C library is compiled from the
declarations in the headers. Its debug information has the symbols, parameters, structures and enumerations that a
program uses.
"""
import os
import re
import shutil
import subprocess

from platforms import fetch

from . import run
from .run import PACKAGING

RELEASED = os.path.join(PACKAGING, "abi", "libqemu_fork-0.1.abi")
HEADERS = "#include <qemu-fork.h>\n#include <qemu-fork/error.h>\n"
# gcc's list of declarations: one that is not an inline function's.
DECLARATION = re.compile(r"/\* \S*include/qemu-fork\S* \*/ extern (.*);$", flags=re.M)


def _declared_library(folder, include, script):
    """Compiles it. Returns its path."""
    source = run.write(HEADERS, folder, "headers.c")
    listing = os.path.join(folder, "declarations")
    run.run("gcc", "-fsyntax-only", "-aux-info", listing, "-I", include, source)
    functions = [f"{text} {{ __builtin_trap(); }}\n" for text in DECLARATION.findall(run.read(listing))
                 if "..." not in text]
    run.write(HEADERS + "Error *error_abort, *error_fatal;\n" + "".join(functions), folder, "declared.c")
    library = os.path.join(folder, "declared.so")
    # Parameters have no names in the list, so they have none here. The description contains no folder of this machine.
    run.run("gcc", "-g", "-w", "-shared", "-fPIC", "-I", include, f"-Wl,--version-script={script}",
            "-Wl,-soname,libqemu_fork.so.0", "-o", library, "declared.c", cwd=folder)
    return library


def _difference(library):
    """The output of abidiff; empty if there is no difference."""
    result = subprocess.run(["abidiff", "--no-show-locs", RELEASED, library], check=False, capture_output=True,
                            text=True)
    return (result.stdout + result.stderr) if result.returncode else ""


def check(report, build, root):
    """Compares, and checks that a difference would be noticed."""
    if not shutil.which("abidiff"):
        fetch.packages("abigail-tools")
    folder = os.path.join(build.folder, "abi")
    shutil.rmtree(folder, ignore_errors=True)
    include, script = os.path.join(root, "usr", "include"), os.path.join(build.provider, "libqemu_fork.map")
    library = _declared_library(folder, include, script)
    difference = _difference(library)
    # To accept one: see docs/guide/versioning.md.
    dump = os.path.join(folder, "libqemu_fork.abi")
    run.run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", "--out-file", dump,
            library)
    report.check("the ABI of the headers is the released one (abidiff)", not difference,
                 f"{difference}What the headers have now is in {dump}")

    changed = os.path.join(folder, "changed", "include")
    shutil.copytree(include, changed)
    header = run.read(changed, "qemu-fork.h")
    run.write(header.replace("  int exit_code;\n", "  int signal;\n  int exit_code;\n"), changed, "qemu-fork.h")
    report.check("a member in between would be seen", _difference(_declared_library(os.path.join(folder, "changed"),
                                                                                    changed, script)))
