"""The Debian package: built from the source archive, checked by lintian, and installed in a minimal Debian."""
import glob
import os
import re
import shutil
import subprocess

from platforms import debootstrap, fetch
from platforms.report import Skip

from . import run
from .run import EXPECTED_OUTPUT, PACKAGING, ROOT
from .vendor import vendor

# A small program's own Error API.
HOST = os.path.join(ROOT, "c-tests", "support")
SUITE = "bookworm"
# The packages of a C programmer.
CHROOT_PACKAGES = ["gcc", "libc6-dev", "pkgconf"]


def _source_tree(build, archive):
    """The folder that dpkg-buildpackage needs, next to the archives that it is made of."""
    folder = os.path.join(build.folder, "debian")
    shutil.rmtree(folder, ignore_errors=True)
    tree = os.path.join(folder, f"qemu-fork-{run.version()}")
    os.makedirs(folder)
    orig = os.path.join(folder, f"qemu-fork_{run.version()}.orig")
    shutil.copy(archive, f"{orig}.tar.xz")
    run.run("tar", "-xf", archive, "-C", folder)
    vendor(os.path.join(tree, "vendor"))
    run.run("tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-cJf", f"{orig}-vendor.tar.xz", "-C",
            tree, "vendor")
    shutil.copytree(os.path.join(PACKAGING, "debian"), os.path.join(tree, "debian"))
    return tree


def _build_dependencies(tree):
    """Arguments for dpkg-buildpackage. Debian's Rust may be too old while another one is in PATH, as with rustup."""
    result = subprocess.run(["dpkg-checkbuilddeps"], check=False, capture_output=True, text=True, cwd=tree)
    if result.returncode == 0:
        return []
    missing = result.stderr.partition("dependencies: ")[2]
    others = re.sub(r"(cargo|rustc) \(>= [\d.]+\)", "", missing).strip()
    if others:
        raise Skip(f"dpkg-checkbuilddeps misses {others}")
    return ["-d"]


def build_package(report, build, archive):
    """Runs dpkg-buildpackage. Returns the .changes file."""
    fetch.packages("build-essential", "debhelper", "meson", "pkg-config", "lintian")
    tree = _source_tree(build, archive)
    ignored = _build_dependencies(tree)
    if ignored:
        print("  note: Debian has no cargo and rustc of version 1.83 installed; those in PATH are used "
              "(dpkg-buildpackage -d)", flush=True)
    # debhelper sets another home folder, in which rustup's cargo would not find its compilers.
    env = {"RUSTUP_HOME": os.environ.get("RUSTUP_HOME", os.path.expanduser("~/.rustup")),
           "DEB_BUILD_OPTIONS": "nocheck parallel=2",
           # Debian's Meson, not the one of our Python environment.
           "PATH": os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep)
                                   if not os.path.exists(os.path.join(folder, "meson")) or folder == "/usr/bin")}
    run.run("dpkg-buildpackage", "-us", "-uc", *ignored, cwd=tree, env=env)
    changes, = glob.glob(os.path.join(os.path.dirname(tree), "*.changes"))
    report.check("dpkg-buildpackage makes it", True)
    names = sorted(name.split("_")[0] for name in os.listdir(os.path.dirname(tree)) if name.endswith(".deb"))
    wanted = ["libqemu-fork-dev", "libqemu-fork-host-dev", "libqemu-fork-host0", "libqemu-fork-host0-dbgsym",
              "libqemu-fork0", "libqemu-fork0-dbgsym"]
    report.built += [name for name in wanted if not name.endswith("-dbgsym")]
    report.check(" ".join(wanted), names == wanted, " ".join(names))
    return changes


def lintian(report, changes):
    """Runs lintian with all its checks."""
    result = subprocess.run(["lintian", "--allow-root", "--display-info", "--pedantic", "--fail-on",
                             "error,warning,info,pedantic", changes], check=False, capture_output=True, text=True)
    report.check("lintian --pedantic says nothing", result.returncode == 0, result.stdout + result.stderr)


def fetch_chroot(build):
    """Makes a minimal Debian with a C compiler, unless the cache has it. Returns the path of its archive."""
    if os.geteuid() != 0:
        raise Skip("not root: no chroot")
    archive = os.path.join(fetch.cache_folder(), f"chroot-{SUITE}-{'-'.join(CHROOT_PACKAGES)}.tar")
    if os.path.exists(archive):
        return archive
    folder = os.path.join(build.folder, "debootstrap")
    os.makedirs(fetch.cache_folder(), exist_ok=True)
    debootstrap.make(SUITE, folder, CHROOT_PACKAGES)
    # In a file of its own until it is complete: several runs may share the cache.
    fresh = f"{archive}.{os.getpid()}"
    run.run("tar", "-C", folder, "-cf", fresh, "--one-file-system", "--exclude=./var/cache/apt/*",
            "--exclude=./var/lib/apt/lists/*", ".")
    os.rename(fresh, archive)
    shutil.rmtree(folder)
    return archive


def _contents(chroot):
    """Every file of the chroot except the records of dpkg and the loader."""
    books = ("var/lib/dpkg/", "var/log/", "var/cache/", "etc/ld.so.cache", "root/", "dev/", "proc/", "sys/")
    return {name for name in run.files_below(chroot) if not name.startswith(books)}


def in_chroot(report, build, changes, archive):
    """Installs the packages, builds a program, runs it, removes the packages."""
    chroot = os.path.join(build.folder, "chroot")
    shutil.rmtree(chroot, ignore_errors=True)
    os.makedirs(chroot)
    run.run("tar", "-C", chroot, "-xpf", archive)
    before = _contents(chroot)
    home = os.path.join(chroot, "root")
    packages = [name for name in glob.glob(os.path.join(os.path.dirname(changes), "*.deb")) if "dbgsym" not in name]
    for name in [*packages, os.path.join(PACKAGING, "consumer", "spawn.c"), os.path.join(HOST, "host-error.c"),
                 os.path.join(HOST, "host-error.h")]:
        shutil.copy(name, home)

    def inside(command):
        return run.run("chroot", chroot, "/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                       "DEBIAN_FRONTEND=noninteractive", "sh", "-ec", "cd; " + command)

    inside("dpkg -i *.deb")
    report.check("they install in a minimal Debian", True)
    wanted = run.read(EXPECTED_OUTPUT)
    for how, static in (("the shared library", ""), ("the archive", "--static")):
        found = inside(f"gcc {static and '-static'} spawn.c -o spawn $(pkg-config {static} --cflags --libs qemu-fork)"
                       " && ./spawn")
        report.check(f"a C program builds there with {how}, and runs", found == wanted, f"{found}instead of\n{wanted}")
    # The same program with an Error API of its own. It has the header's name, as in QEMU.
    inside("mkdir -p qemu-fork && mv host-error.h qemu-fork/error.h && echo '#include <qemu-fork/error.h>' > host-error.h")
    for how, static in (("the shared library", ""), ("the archive", "--static")):
        found = inside(f"gcc -I. {static and '-static'} spawn.c host-error.c -o host "
                       f"$(pkg-config {static} --cflags --libs qemu-fork-host) && ./host")
        report.check(f"a program with its own Error API, with {how} for hosts", found == wanted,
                     f"{found}instead of\n{wanted}")
    inside("dpkg --purge libqemu-fork-host-dev libqemu-fork-host0 libqemu-fork-dev libqemu-fork0")
    report.same("removed again they leave no file", _contents(chroot), before)
    shutil.rmtree(chroot)
