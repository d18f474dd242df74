"""A root filesystem in one file: busybox, the tests, and the shared libraries of those that need some."""
import os
import re
import shutil
import subprocess

from platforms.build import ROOT, run
from platforms.report import Failure

from .programs import is_program

FOLDERS = ["bin", "dev", "etc", "lib", "lib64", "proc", "sys", "tests", "tmp", "usr/bin"]
FILES = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
PACKAGES = ("busybox-static", "cpio", "qemu-system-x86")
LOADER = "lib64/ld-linux-x86-64.so.2"


class Tree:
    """The folder that becomes the root."""

    def __init__(self, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        for name in FOLDERS:
            os.makedirs(self.path(name))
        for name, text in FILES.items():
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)
        shutil.copy(shutil.which("busybox"), self.path("bin", "busybox"))
        shutil.copy(os.path.join(ROOT, "scripts", "kernels", "init.sh"), self.path("init"))
        os.chmod(self.path("init"), 0o755)

    def path(self, *parts):
        """A path in it."""
        return os.path.join(self.folder, *parts)

    def add(self, program):
        """Adds a program or a library, stripped, with the libraries that it needs. Returns its path inside."""
        name = os.path.join("tests", os.path.basename(program))
        if not os.path.exists(self.path(name)):
            run(["strip", "-o", self.path(name), program])
            # ldd fails for a program that needs nothing.
            needs = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
            if "not found" in needs:
                raise Failure(f"{program} needs what is not there:\n{needs}")
            for library in re.findall(r"(/\S+) \(0x", needs):
                is_loader = os.path.basename(library) == os.path.basename(LOADER)
                shutil.copy(library, self.path(LOADER if is_loader else "lib"))
        return "/" + name

    def add_tests(self, programs):
        """The tests, and the list of them that init reads."""
        with open(self.path("tests", "list"), "w", encoding="utf-8") as file:
            for program in programs:
                words = [self.add(word) if is_program(word) else word for word in program.command]
                print(program.name, *words, file=file)

    def pack(self, archive):
        """Makes the file."""
        names = sorted(os.path.relpath(os.path.join(folder, name), self.folder)
                       for folder, folders, files in os.walk(self.folder) for name in folders + files)
        with open(archive, "wb") as file:
            result = subprocess.run(["cpio", "--create", "--format=newc", "--quiet", "--owner=0:0"], check=False,
                                    cwd=self.folder, input="\n".join(names), text=True, stdout=file,
                                    stderr=subprocess.PIPE)
        if result.returncode != 0:
            raise Failure(f"cpio ended with {result.returncode}:\n{result.stderr}")
