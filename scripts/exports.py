#!/usr/bin/env python3
"""Reads libqemu_fork.map, the one list of exports, and prints it in the form that a tool needs.

usage: exports.py provider|host names|map|def [MAP]

names: a name a line. map: the version script itself; for host mode without the names of provider mode, because lld
refuses a script with names that are not there, and with nodes of its own, so that no program of one mode is served by
the library of the other. def: the same for a Windows linker, a module definition file.
"""
import os
import re
import sys

DEFAULT_MAP = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "libqemu_fork.map")
PROVIDER_ONLY = "/* provider mode only */"
# Windows must know which names are data: an importing program takes their addresses from another table.
DATA = {"error_abort", "error_fatal"}


def version_script(mode, path=DEFAULT_MAP):
    """The text of the version script for this mode. A blank line or `local:` ends the provider-only names."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if mode == "provider":
        return "\n".join(lines) + "\n"
    kept, skipping = [], False
    for line in lines:
        if line.strip() == PROVIDER_ONLY:
            skipping = True
        elif skipping and (not line.strip() or line.strip() == "local:"):
            skipping = False
        if not skipping:
            kept.append(re.sub(r"\bQEMU_FORK_(?=\d)", "QEMU_FORK_HOST_", line))
    return "\n".join(kept) + "\n"


def names(mode, path=DEFAULT_MAP):
    """The exported names, sorted."""
    text = re.sub(r"/\*.*?\*/", "", version_script(mode, path), flags=re.S)
    return sorted(name for body in re.findall(r"global:(.*?)(?:local:|\})", text, flags=re.S)
                  for name in re.findall(r"\w+", body))


def library(mode):
    """The library's name for the linker, as in -lqemu_fork."""
    return "qemu_fork_host" if mode == "host" else "qemu_fork"


def node(mode):
    """The first node of the symbols' versions."""
    return "QEMU_FORK_HOST_0" if mode == "host" else "QEMU_FORK_0"


def module_definition(mode, path=DEFAULT_MAP):
    """The text of the module definition file for this mode."""
    return "EXPORTS\n" + "".join(f"    {name}{' DATA' if name in DATA else ''}\n" for name in names(mode, path))


def main():
    formats = {
        "names": lambda mode, path: "".join(name + "\n" for name in names(mode, path)),
        "map": version_script,
        "def": module_definition,
    }
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("provider", "host") or sys.argv[2] not in formats:
        sys.exit(__doc__)
    path = sys.argv[3] if len(sys.argv) == 4 else DEFAULT_MAP
    sys.stdout.write(formats[sys.argv[2]](sys.argv[1], path))


if __name__ == "__main__":
    main()
