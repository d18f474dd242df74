"""Configures and builds a part of QEMU: one small machine, qemu-nbd, and the tests of channels and tasks."""
import os
import re

from platforms.build import run
from platforms.report import Failure, Skip

# None of these is needed to fork, and each would want a package.
WITHOUT = ["blobs", "capstone", "curl", "curses", "docs", "fdt", "gcrypt", "gnutls", "gtk", "guest-agent", "libiscsi",
           "libnfs", "libssh", "nettle", "rbd", "sdl", "vhost-user", "vnc", "xkbcommon"]
# QEMU 7.2 has them by other names.
RENAMED = {"blobs": "install-blobs"}
# The one that 5.2 and its Python scripts agree with.
MESON = {"5.2": "0.55.3", "7.2": "0.64.1"}


def _options(folder):
    """Those of WITHOUT that this version has. In its own folder the newer ones' configure would make another one."""
    text = run([os.path.join("..", "configure"), "--help"], cwd=folder)
    known = set(re.findall(r"^  (?:--disable-)?([a-z][a-z0-9-]*) ", text, flags=re.M))
    return ["--disable-" + name for option in WITHOUT for name in {option, RENAMED.get(option, option)} if name in known]


def static_libraries(folder):
    """Whether the libraries that QEMU needs are there as archives. Debian has these; other systems may not."""
    source = os.path.join(folder, "nothing.c")
    with open(source, "w", encoding="ascii") as file:
        file.write("int main(void) { return 0; }\n")
    libraries = run(["/usr/bin/pkg-config", "--static", "--libs", "gthread-2.0", "glib-2.0", "pixman-1", "zlib"])
    try:
        run(["cc", "-static", source, "-o", source[:-2], *libraries.split()])
    except Failure as failure:
        raise Skip(f"a library is not there as an archive: {str(failure).splitlines()[2]}") from None


class Qemu:
    """A tree of QEMU's sources, and what is built of it."""

    def __init__(self, version, tree, tools):
        self.version = version
        self.tree = tree
        self.tools = tools  # a folder with meson and ninja

    def build(self, name, pkg_config_path, targets, *options):
        """Configures and builds in a folder of this name. Returns the folder."""
        folder = os.path.join(self.tree, name)
        os.makedirs(folder, exist_ok=True)
        env = dict(os.environ, PKG_CONFIG_PATH=pkg_config_path, PKG_CONFIG="/usr/bin/pkg-config",
                   PATH=self.tools + os.pathsep + os.environ["PATH"])
        run([os.path.join("..", "configure"), f"--meson={self.tools}/meson", f"--ninja={self.tools}/ninja",
             "--target-list=avr-softmmu", *_options(folder), *options], cwd=folder, env=env)
        run(["ninja", "-C", folder, *targets], env=env)
        return folder
