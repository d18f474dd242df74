"""What the checks need beyond a C compiler and cargo: Debian packages, and one Rust compiler for all platforms.

If something cannot be fetched, that is a Skip with the reason.
"""
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading

from .report import Skip

# Rows run in parallel, but download one after the other.
LOCK = threading.Lock()
APT = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]

WRAPPER = """#!/bin/sh
# Debian's {name}, unpacked next to this file and not installed.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}} exec "$root/usr/bin/{name}" "$@"
"""


def cache_folder():
    """The folder for downloads. It is outside the source tree, and is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("QEMU_FORK_CACHE") or os.path.join(base, "qemu-fork")


def _run(command, **more):
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    return subprocess.run(command, check=False, capture_output=True, text=True, env=env, **more)


def last_words(result):
    """The message of an apt that failed."""
    errors = [line for line in result.stderr.splitlines() if line.startswith(("E:", "W:"))]
    return " ".join(errors[-3:]) or result.stderr.strip()[-300:] or f"status {result.returncode}"


def _archives():
    """The folder for packages. From apt's own folder another apt may remove them before they are unpacked."""
    folder = os.path.join(cache_folder(), "packages")
    os.makedirs(os.path.join(folder, "partial"), exist_ok=True)
    return folder


@functools.cache
def _fresh_lists():
    """Updates the package lists, once in a run: old ones name versions that no longer exist, and an older compiler."""
    print("  apt-get update", flush=True)
    _run([*APT, "update"])  # the other sources may still be reachable


def _apt(command, **more):
    """Runs an apt command that downloads."""
    _fresh_lists()
    return _run([*APT, "-o", f"Dir::Cache::Archives={_archives()}/", *command], **more)


def packages(*names):
    """Installs Debian packages."""
    with LOCK:
        _install(names)


def _install(names):
    missing = [name for name in names
               if _run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name]).stdout != "installed"]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise Skip(f"needs Debian's {' '.join(missing)}")
    if os.geteuid() != 0:
        raise Skip(f"not root, and this is missing: apt-get install {' '.join(missing)}")
    print(f"  apt-get install {' '.join(missing)}", flush=True)
    result = _apt(["install", "--yes", "--no-install-recommends", *missing])
    if result.returncode != 0:
        raise Skip(f"cannot fetch {' '.join(missing)}: {last_words(result)}")


def compiler_cache():
    """Makes every C compiler reuse what another row with the same compiler, or an earlier run, has compiled."""
    try:
        packages("ccache")
    except Skip as skip:
        print(f"  no compiler cache: {skip}", flush=True)
        return
    os.environ.update(PATH="/usr/lib/ccache" + os.pathsep + os.environ["PATH"], CCACHE_NOHASHDIR="1",
                      CCACHE_DIR=os.path.join(cache_folder(), "ccache"), CCACHE_MAXSIZE="1G")


def _depends(package):
    """The names of the packages that this package needs."""
    return re.findall(r"^ *Depends: (\S+)$", _run(["apt-cache", "depends", package]).stdout, flags=re.M)


def _rust_packages():
    """Debian's newest Rust, with its library's source, as it is kept up to date for web browsers."""
    names = ["rustc-web", "cargo-web", "libstd-rust-web-dev", "rust-web-src", "rust-web-clippy"]
    runtime = [name for name in _depends("rustc-web") + _depends("libstd-rust-web-dev")
               if re.fullmatch(r"libstd-rust-web-[\d.]+", name)][:1]
    llvm = [name for package in runtime for name in _depends(package) if re.fullmatch(r"libllvm\d+", name)][:1]
    if not runtime or not llvm:
        raise Skip("cannot fetch Debian's rustc-web: apt knows of no such package")
    return names + runtime + llvm


def _unpack(package, folder):
    """Unpacks a package; of the compiler's source only the library."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "-C", folder, "--wildcards", "--no-wildcards-match-slash",
                        "--exclude=./usr/src/*/compiler", "--exclude=./usr/src/*/src", "--exclude=./usr/share"],
                       stdin=tar.stdout, check=True)
    if tar.returncode != 0:
        raise Skip(f"cannot unpack {os.path.basename(package)}")


def _tree():
    """A short name for this tree. cargo does not tell one tree from another, and would give it the other's library."""
    return hashlib.sha256(os.path.abspath(__file__).encode()).hexdigest()[:8]


class Rust:
    """A Rust compiler, and its cargo, that builds for any platform, core included."""

    def __init__(self):
        self.root = os.path.join(cache_folder(), "rust")
        with LOCK:
            ready = os.path.join(self.root, ".ready")
            if not os.path.exists(ready):
                self._fetch()
            with open(ready, encoding="utf-8") as file:
                _install(file.read().split())

    def _fetch(self):
        if not shutil.which("apt-get") or os.uname().machine != "x86_64":
            raise Skip("needs Debian's rustc-web for amd64")
        os.makedirs(cache_folder(), exist_ok=True)
        _fresh_lists()
        names = _rust_packages()
        print(f"  apt-get download {' '.join(names)}", flush=True)
        # In a folder of its own until it is complete: several runs may share the cache.
        with tempfile.TemporaryDirectory(dir=cache_folder()) as fresh:
            result = _apt(["download", *names], cwd=fresh)
            if result.returncode != 0:
                raise Skip(f"cannot fetch {' '.join(names)}: {last_words(result)}")
            tree = os.path.join(fresh, "rust")
            os.makedirs(os.path.join(tree, "bin"))
            for package in [name for name in os.listdir(fresh) if name.endswith(".deb")]:
                _unpack(os.path.join(fresh, package), tree)
                os.remove(os.path.join(fresh, package))
            for name in ("rustc", "cargo", "clippy-driver"):
                path = os.path.join(tree, "bin", name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(WRAPPER.format(name=name))
                os.chmod(path, 0o755)
            with open(os.path.join(tree, ".ready"), "w", encoding="utf-8") as file:
                # The system libraries that it needs.
                needed = {need for name in names for need in _depends(name) if need.startswith("lib")}
                file.writelines(f"{name}\n" for name in sorted(needed.difference(names)))
            shutil.rmtree(self.root, ignore_errors=True)
            try:
                os.rename(tree, self.root)
            except OSError:
                if not os.path.exists(os.path.join(self.root, ".ready")):
                    raise

    def environment(self, core, **more):
        """The environment of this compiler and its cargo. With `core`, a name for the platform, it also builds core,
        once for both modes, and keeps it between runs."""
        if core:
            more.update(RUSTC_BOOTSTRAP="1", CARGO_UNSTABLE_BUILD_STD="core",
                        CARGO_BUILD_BUILD_DIR=os.path.join(cache_folder(), "cargo", f"{core}-{_tree()}"))
        tools = os.path.join(self.root, "bin")
        return dict(os.environ, PATH=tools + os.pathsep + os.environ["PATH"], RUSTC=os.path.join(tools, "rustc"),
                    **more)
