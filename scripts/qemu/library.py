"""The library in host mode, as a QEMU build finds it."""
import glob
import os
import re
import shutil

from platforms.build import run


def installed(build, folder, with_shared):
    """Installs it. Returns the folder of its pkg-config file. Without the shared library the archive is what is left."""
    shutil.rmtree(folder, ignore_errors=True)
    run(["meson", "install", "--no-rebuild", "-C", build, "--destdir", folder])
    package, = glob.glob(os.path.join(folder, "**", "qemu-fork-host.pc"), recursive=True)
    with open(package, encoding="utf-8") as file:
        text = file.read()
    with open(package, "w", encoding="utf-8") as file:
        file.write(re.sub(r"^prefix=", f"prefix={folder}", text))
    libraries = os.path.dirname(os.path.dirname(package))
    if not with_shared:
        for name in glob.glob(os.path.join(libraries, "*.so*")):
            os.remove(name)
    return os.path.dirname(package)
