"""Debian's kernels, one from each release, fetched by an apt with a configuration of its own.

The machine's own apt, its lists, its cache and its hooks are left as they are. The archive is the one that the machine
has its own packages from.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import threading

from platforms import fetch
from platforms.build import read
from platforms.report import Skip

# One after the other: several runs of apt at once fetch no faster.
LOCK = threading.Lock()
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

CONFIGURATION = """\
#clear APT::Update;
#clear DPkg;
APT::Architecture "amd64";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "{folder}";
Dir::State::Lists "{folder}/lists";
Dir::State::status "/dev/null";
Dir::Cache "{folder}/cache";
Dir::Cache::Archives "{folder}/cache";
"""


def archive():
    """The address of Debian's archive, from the machine's list of sources."""
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        text = read(path) if path.endswith((".list", ".sources")) else ""
        found = re.search(r"^\s*(?:deb|URIs:)\s(?:.*\s)?(\w+:/\S*/debian/?)(?:\s|$)", text, flags=re.M)
        if found:
            return found.group(1)
    raise Skip("no kernel can be fetched: /etc/apt names no archive of Debian")


class Apt:
    """apt for another release, in a folder of its own."""

    def __init__(self, release, folder):
        self.release = release
        self.configuration = os.path.join(folder, "apt.conf")
        for part in ("lists/partial", "cache/partial"):
            os.makedirs(os.path.join(folder, part), exist_ok=True)
        signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
        self._write(os.path.join(folder, "sources.list"), f"deb {signed}{archive()} {release} main\n")
        self._write(self.configuration, CONFIGURATION.format(folder=folder))

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def _run(self, program, *command, **more):
        result = subprocess.run([program, "-c", self.configuration, *command], check=False, capture_output=True,
                                text=True, errors="replace", env=dict(os.environ, LC_ALL="C"), **more)
        if result.returncode != 0:
            raise Skip(f"cannot fetch {command[-1]} of {self.release}: {fetch.last_words(result)}")
        return result.stdout

    def update(self):
        """Fetches the list of the release's packages."""
        try:
            self._run("apt-get", "update")
        except Skip as skip:
            raise Skip(str(skip).replace("cannot fetch update of", "cannot fetch the list of packages of")) from None

    def depends(self, package):
        """The names of the packages that this package needs."""
        return re.findall(r"^ *Depends: (\S+)$", self._run("apt-cache", "depends", package), flags=re.M)

    def download(self, package, folder):
        """The package as a file in the folder."""
        self._run("apt-get", "download", package, cwd=folder)
        return os.path.join(folder, next(name for name in os.listdir(folder) if name.endswith(".deb")))


def _package(apt):
    """The package that has the release's kernel in it. In sid that is not the one that is installed by name."""
    images = [name for name in apt.depends("linux-image-amd64") if re.match(r"linux-image-\d", name)]
    if not images:
        raise Skip(f"cannot fetch a kernel of {apt.release}: its linux-image-amd64 names none")
    return next((name for name in apt.depends(images[0]) if name.startswith("linux-binary-")), images[0])


def _unpack(package, folder):
    """Unpacks only the kernel of a package."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "-C", folder, "--wildcards", "*/vmlinuz*"], stdin=tar.stdout, check=False)
    found = glob.glob(os.path.join(folder, "**", "vmlinuz*"), recursive=True)
    if tar.returncode != 0 or not found:
        raise Skip(f"there is no kernel in {os.path.basename(package)}")
    return found[0]


def kernel(release):
    """The path of the release's kernel in the cache, and a reason why it may be outdated, or None."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Skip(f"cannot fetch a kernel of {release}: there is no apt")
    folder = os.path.join(fetch.cache_folder(), "kernels", release)
    os.makedirs(folder, exist_ok=True)
    with LOCK:
        try:
            return _fetch(release, folder), None
        except Skip as skip:
            kept = sorted(glob.glob(os.path.join(folder, "vmlinuz-*")), key=os.path.getmtime)
            if not kept:
                raise
            return kept[-1], str(skip)


def _fetch(release, folder):
    apt = Apt(release, os.path.join(folder, "apt"))
    apt.update()
    package = _package(apt)
    wanted = os.path.join(folder, "vmlinuz-" + re.sub(r"^linux-(?:image|binary)-", "", package))
    if not os.path.exists(wanted):
        print(f"  {release}: apt-get download {package}", flush=True)
        # In a folder of its own until it is complete: several runs may share the cache.
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            unpacked = _unpack(apt.download(package, fresh), fresh)
            for old in glob.glob(os.path.join(folder, "vmlinuz-*")):
                os.remove(old)
            os.rename(unpacked, wanted)
    return wanted
