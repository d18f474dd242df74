"""QEMU's sources as Debian has them, in the cache folder, and the guide's change to them.

None of QEMU's text is in this tree: the function is found by its first and its last line, and the other places by a
line that every version has.
"""
import glob
import os
import re
import shutil

from platforms import fetch
from platforms.build import run
from platforms.report import Failure, Skip

ARCHIVE = "http://deb.debian.org/debian"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
GUIDE = os.path.join("docs", "guide", "qemu.md")

FUNCTION = "pid_t qemu_fork(Error **errp)"
# A line that the top of QEMU's build description has in each version, before which the dependency may stand.
DEPENDENCIES = re.compile(r"^zlib = dependency\(", re.M)
POSIX = re.compile(r"^util_ss\.add\(when: 'CONFIG_POSIX', if_true: \[?files\('oslib-posix\.c'\).*\n", re.M)


def _apt(folder):
    """apt with one more archive, that of Debian's sources, and lists of its own."""
    lists = os.path.join(folder, "lists")
    os.makedirs(os.path.join(lists, "partial"), exist_ok=True)
    sources = os.path.join(folder, "sources.list")
    with open(sources, "w", encoding="utf-8") as file:
        for suite in "bullseye", "bookworm":
            file.write(f"deb-src [signed-by={KEYS}] {ARCHIVE} {suite} main\n")
    return ["apt-get", "-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=/dev/null", "-o",
            f"Dir::State::lists={lists}", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]


def fetched(version):
    """The description of the source package of this version, which is downloaded unless the cache has it."""
    folder = os.path.join(fetch.cache_folder(), "qemu")
    found = glob.glob(os.path.join(folder, f"qemu_{version}+dfsg-*.dsc"))
    if found:
        return found[0]
    if not shutil.which("apt-get") or not os.path.exists(KEYS):
        raise Skip("QEMU's sources come from Debian's archive, which this machine does not know")
    suite = {"5.2": "bullseye", "7.2": "bookworm"}[version]
    try:
        run([*_apt(folder), "update"])
        fresh = os.path.join(folder, version)
        os.makedirs(fresh, exist_ok=True)
        run([*_apt(folder), "source", "--download-only", "--target-release", suite, "qemu"], cwd=fresh)
    except Failure as failure:
        raise Skip(f"cannot fetch QEMU {version} from {ARCHIVE}: {str(failure).splitlines()[-1]}") from None
    for name in sorted(os.listdir(fresh), key=lambda name: name.endswith(".dsc")):  # it is complete when this is there
        os.replace(os.path.join(fresh, name), os.path.join(folder, name))
    return glob.glob(os.path.join(folder, f"qemu_{version}+dfsg-*.dsc"))[0]


def unpacked(version, tree):
    """Unpacks the sources, with Debian's patches."""
    shutil.rmtree(tree, ignore_errors=True)
    run(["dpkg-source", "--no-check", "-x", fetched(version), tree])


def _guide(root):
    """What the guide says to add: the dependency, and the line that uses it."""
    with open(os.path.join(root, GUIDE), encoding="utf-8") as file:
        blocks = re.findall(r"^ *```meson\n(.*?)^ *```$", file.read(), flags=re.M | re.S)
    return ["".join(line[3:] if line.strip() else "\n" for line in block.splitlines(True)) for block in blocks[:2]]


def _without_function(text):
    lines = text.splitlines(True)
    first = next(i for i, line in enumerate(lines) if line.startswith(FUNCTION))
    last = next(i for i in range(first, len(lines)) if lines[i].startswith("}"))
    return "".join(lines[:first] + lines[last + 1:])


def _edit(tree, name, change):
    path = os.path.join(tree, name)
    with open(path, encoding="utf-8") as file:
        before = file.read()
    after = change(before)
    if after == before:
        raise Failure(f"{name} of QEMU is not as the guide says")
    with open(path, "w", encoding="utf-8") as file:
        file.write(after)


def callers(tree):
    """The files that call qemu_fork(): they keep its result."""
    found = []
    for folder in sorted(os.listdir(tree)):
        for path in glob.glob(os.path.join(tree, folder, "**", "*.[ch]"), recursive=True):
            with open(path, encoding="utf-8", errors="replace") as file:
                if re.search(r"=\s*qemu_fork\(", file.read()):
                    found.append(os.path.relpath(path, tree))
    return found


def add_program(tree, name, source):
    """Adds a program of ours that calls the library, to the targets that are built when they are wanted."""
    shutil.copy(source, os.path.join(tree, name + ".c"))
    _edit(tree, "meson.build", lambda text: f"{text}\nexecutable('{name}', files('{name}.c'), dependencies: "
                                            "[qemuutil, qemu_fork], build_by_default: false)\n")


def changed(tree, root):
    """Makes the guide's change in its three files."""
    dependency, use = _guide(root)
    _edit(tree, "meson.build", lambda text: DEPENDENCIES.sub(lambda match: dependency + match.group(), text, count=1))
    _edit(tree, os.path.join("util", "meson.build"), lambda text: POSIX.sub(lambda match: match.group() + use, text))
    _edit(tree, os.path.join("util", "oslib-posix.c"), _without_function)
