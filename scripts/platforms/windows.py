"""Windows: built by mingw-w64, run under wine."""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

from . import fetch, headers
from .build import ROOT, Build, read, run
from .report import Failure

sys.path.insert(0, os.path.join(ROOT, "scripts"))
import exports  # noqa: E402

PREFIX = "x86_64-w64-mingw32-"
SYSTEM_DLLS = re.compile(r"kernel32\.dll|msvcrt\.dll|ucrtbase\.dll|api-ms-win-crt-.*\.dll", re.I)
INSTALLED = {"bin/qemu_fork.dll", "include/qemu-fork.h", "include/qemu-fork/error.h", "lib/libqemu_fork.a",
             "lib/libqemu_fork.dll.a", "lib/qemu_fork.dll.a", "lib/pkgconfig/qemu-fork.pc"}


@contextlib.contextmanager
def wine(env):
    """The environment with a Windows of its own, which takes 700 MB as long as it exists."""
    prefix = tempfile.mkdtemp(prefix="qemu-fork-wine-")
    env = dict(env, WINEPREFIX=prefix, WINEDEBUG="-all", WINEDLLOVERRIDES="mscoree=;mshtml=",
               PATH=env["PATH"] + os.pathsep + "/usr/lib/wine")
    env.pop("DISPLAY", None)
    # The services that it starts outlive it: they must not hold a pipe that is read to its end.
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 300}
    try:
        started = subprocess.run(["wine64", "wineboot", "-i"], check=False, env=env, **quiet)
        if started.returncode != 0:
            raise Failure(f"wineboot ended with {started.returncode}")
        yield env
    finally:
        # Ends only the processes of this prefix.
        subprocess.run(["wineserver", "-k"], check=False, env=env, **quiet)
        shutil.rmtree(prefix, ignore_errors=True)


def defined(archive):
    """The names that an archive defines for the linker."""
    return [line.split()[-1] for line in run([PREFIX + "nm", "-g", "--defined-only", archive]).splitlines()
            if re.match(r"[0-9a-f]+ [A-Z] ", line)]


def check_files(report, tree, mode):
    """Checks what was installed: the names of the files, and the symbols that they define and need."""
    usr = os.path.join(tree, "usr")
    files = {os.path.relpath(os.path.join(folder, name), usr) for folder, _, names in os.walk(usr) for name in names}
    names = exports.names(mode)
    report.same(f"{mode}: the archive defines the API and nothing else",
                defined(os.path.join(usr, "lib", f"lib{exports.library(mode)}.a")), names)
    if mode == "host":
        report.check("host: there is no DLL", not any(name.endswith(".dll") for name in files))
        return
    report.same("what is installed", files, INSTALLED)
    dll = run([PREFIX + "objdump", "-p", os.path.join(usr, "bin", "qemu_fork.dll")])
    table = dll[dll.index("[Ordinal/Name Pointer] Table"):]
    exported = re.findall(r"^\s*\[\s*\d+\] (\w+)$", table, flags=re.M)
    report.same("the DLL exports the API and nothing else", exported, names)
    needed = re.findall(r"DLL Name: (\S+)", dll)
    report.check(f"the DLL needs the system's own libraries only: {' '.join(needed)}",
                 needed and all(SYSTEM_DLLS.fullmatch(name) for name in needed))
    imported = run([PREFIX + "dlltool", "-I", os.path.join(usr, "lib", "libqemu_fork.dll.a")]).strip()
    report.check("the import library names the DLL", imported == "qemu_fork.dll", imported)


def check_outside(report, tree, env):
    """A program outside the project that uses the installed library without Meson."""
    usr = os.path.join(tree, "usr")
    source = os.path.join(ROOT, "c-tests", "windows", "no-fork.c")
    version = re.search(r"^Version: (\S+)$", read(os.path.join(usr, "lib", "pkgconfig", "qemu-fork.pc")), flags=re.M)
    for link, options in (("shared", []), ("static", ["-static"])):
        program = os.path.join(tree, f"outside-{link}.exe")
        run([PREFIX + "gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", f'-DVERSION="{version.group(1)}"', source,
             "-I", os.path.join(ROOT, "c-tests", "support"), "-I", os.path.join(usr, "include"), "-o", program, *options,
             "-L", os.path.join(usr, "lib"), "-lqemu_fork"])
        needs = "qemu_fork.dll" in run([PREFIX + "objdump", "-p", program])
        report.check(f"outside, {link}: the program needs {'the' if link == 'shared' else 'no'} DLL",
                     needs == (link == "shared"))
        result = subprocess.run(["wine64", program], check=False, capture_output=True, text=True, cwd=tree,
                                env=dict(env, WINEPATH=os.path.join(usr, "bin")))
        report.tap(f"outside, {link}", result.stdout, "OK" if result.returncode == 0 else f"status {result.returncode}")


# Attaches a filter to a socket, as wine's services do.
ATTACH_FILTER = """
import ctypes, socket, struct
accept = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xffff))
program = struct.pack("HL", 1, ctypes.addressof(accept))
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).setsockopt(socket.SOL_SOCKET, 26, program)
"""


def kernel_is_stuck():
    """Whether a process that attaches a filter hangs, as it does if the kernel's memory for filters is used up."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", ATTACH_FILTER], **quiet)  # not waited for: it may be stuck
    try:
        process.wait(timeout=20)
        return False
    except subprocess.TimeoutExpired:
        state = read(f"/proc/{process.pid}/stat").rpartition(")")[2].split()[:1]
        return state == ["D"]


def check_build(report, folder, mode, env, run_programs):
    """One mode: built, tested, installed."""
    build = Build(os.path.join(folder, mode), env)
    build.setup("--cross-file", os.path.join(ROOT, "cross", "x86_64-windows.ini"), f"-Derror-api={mode}")
    build.compile()
    report.built += ["dll", "a"] if mode == "provider" else []
    if run_programs:
        build.test(report, "host: " if mode == "host" else "")
    with tempfile.TemporaryDirectory() as tree:
        build.install(tree)
        check_files(report, tree, mode)
        if mode == "provider" and run_programs:
            check_outside(report, tree, env)


def check(report, folder):
    """The row."""
    fetch.packages(*check.packages)
    env = fetch.Rust().environment("x86_64-windows")
    if kernel_is_stuck():
        report.skip("all programs", "this kernel does not let a process go that attaches a filter, as wine's services do")
        for mode in ("provider", "host"):
            check_build(report, folder, mode, env, run_programs=False)
    else:
        with wine(env) as env:
            for mode in ("provider", "host"):
                check_build(report, folder, mode, env, run_programs=True)
    headers.check(report, os.path.join(ROOT, "include"), [
        (PREFIX + "gcc", "c", "c11"), (PREFIX + "gcc", "c", "gnu17"),
        (PREFIX + "g++", "c++", "c++11"), (PREFIX + "g++", "c++", "c++20"),
    ])


check.packages = ("gcc-mingw-w64-x86-64-win32", "g++-mingw-w64-x86-64-win32", "wine64")
