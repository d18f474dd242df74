"""The root folders of Debian's releases, made by debootstrap and kept in the cache."""
import fcntl
import os
import re
import shutil
import subprocess

from platforms import debootstrap, fetch
from platforms.report import Skip

from . import registries
from .namespace import Inside

# The tools that README.md names, and clang. Rust is from Debian's main archive; its package differs between releases.
TOOLS = ["gcc", "libc6-dev", "make", "python3", "python3-venv", "clang"]
RELEASES = {
    "bookworm": ["rustc-web", "cargo-web"],
    "trixie": ["rustc", "cargo"],
    "sid": ["rustc", "cargo"],
}
USER, HOME = "1000:1000", "/home/user"


def _apt(suite, root, packages):
    """Installs packages in the root."""
    dump = subprocess.run(["apt-config", "dump", "--no-empty", "Acquire"], check=False, capture_output=True, text=True)
    with open(os.path.join(root, "etc/apt/apt.conf.d/99machine"), "w", encoding="utf-8") as file:
        file.write(registries.apt_configuration(dump.stdout))
    inside = Inside(root, {"DEBIAN_FRONTEND": "noninteractive", **registries.environment()})
    for path in registries.paths():
        inside.bind(path, path)
    status, output = inside.run(f"apt-get update && apt-get install --yes --no-install-recommends {' '.join(packages)} "
                                "&& apt-get clean")
    if status != 0:
        errors = [line for line in output.splitlines() if line.startswith("E:")]
        raise Skip(f"cannot fetch {' '.join(packages)} for {suite} from {debootstrap.MIRROR}: "
                   + (" ".join(errors[-2:]) or output.strip()[-300:]))


def _fresh(suite, root):
    """Makes a root with a user in it."""
    print(f"  debootstrap {suite}", flush=True)
    debootstrap.make(suite, root, ["ca-certificates"])
    with open(os.path.join(root, "etc/passwd"), "a", encoding="ascii") as file:
        file.write(f"user:x:{USER}::{HOME}:/bin/sh\n")
    with open(os.path.join(root, "etc/group"), "a", encoding="ascii") as file:
        file.write("user:x:1000:\n")


def root_of(suite):
    """The root of a release, with all tools. Raises Skip if something is not available."""
    if os.geteuid() != 0:
        raise Skip("not root: no chroot")
    folder = os.path.join(fetch.cache_folder(), "roots")
    root = os.path.join(folder, suite)
    packages = TOOLS + RELEASES[suite]
    stamp = os.path.join(root, ".packages")
    os.makedirs(folder, exist_ok=True)
    with open(f"{root}.lock", "w", encoding="ascii") as lock:  # several runs may share the cache
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(root):
            fresh = f"{root}.fresh"
            _fresh(suite, fresh)
            os.rename(fresh, root)
        if not os.path.exists(stamp) or _read(stamp).split() != packages:
            print(f"  in {suite}: apt-get install {' '.join(packages)}", flush=True)
            _apt(suite, root, packages)
            with open(stamp, "w", encoding="ascii") as file:
                file.write("\n".join(packages))
    return root


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def own_rust(root, minimum):
    """The version of the release's own Rust, if it is new enough."""
    _, output = Inside(root, {}).run("rustc --version && cargo --version")
    versions = re.findall(r"^(?:rustc|cargo) (\d+)\.(\d+)", output, flags=re.M)
    return len(versions) == 2 and all((int(major), int(minor)) >= minimum for major, minor in versions)


def machines_rust():
    """The folder of this machine's Rust, which rustup keeps in one piece."""
    rustc = shutil.which("rustc")
    found = rustc and subprocess.run([rustc, "--print", "sysroot"], check=False, capture_output=True, text=True)
    folder = found.stdout.strip() if found else ""
    if not folder or folder == "/usr" or not os.path.exists(os.path.join(folder, "bin", "cargo")):
        raise Skip("the release's Rust is too old, and this machine has none from rustup")
    return folder
