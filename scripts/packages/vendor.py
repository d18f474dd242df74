"""The crates that the library is made of, for a build without a network.

`cargo vendor` has all that Cargo.lock names, the tools of the tests and everything for Windows included. cargo wants to
see all of them, but it compiles few: of the others only the description is kept.
"""
import json
import os
import shutil

from . import run
from .run import ROOT


def vendor(folder):
    """Fills a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    run.run("cargo", "vendor", "--quiet", "--locked", "--manifest-path", os.path.join(ROOT, "Cargo.toml"), folder)
    tree = run.run("cargo", "tree", "--quiet", "--locked", "--package", "qemu-fork", "--edges", "normal,build",
                   "--target", "all", "--no-default-features", "--prefix", "none", "--format", "{p}", cwd=ROOT)
    used = {tuple(line.split()[:2]) for line in tree.splitlines()}
    for name in os.listdir(folder):
        crate = os.path.join(folder, name)
        if _name_and_version(crate) not in used:
            _empty(crate)


def _name_and_version(crate):
    """In the form of `cargo tree`."""
    values = {}
    for line in run.read(crate, "Cargo.toml").partition("[package]")[2].splitlines():
        key, _, value = line.partition(" = ")
        values.setdefault(key, value.strip('"'))
    return values["name"], "v" + values["version"]


def _empty(crate):
    """Removes all of a crate but its description and the files that the description needs."""
    manifest, checksums = run.read(crate, "Cargo.toml"), json.loads(run.read(crate, ".cargo-checksum.json"))
    shutil.rmtree(crate)
    run.write(manifest, crate, "Cargo.toml")
    run.write("", crate, "src", "lib.rs")
    for line in manifest.splitlines():
        key, _, value = line.partition(" = ")
        if key == "path":
            run.write("", crate, value.strip('"'))
    checksums["files"] = {}
    run.write(json.dumps(checksums), crate, ".cargo-checksum.json")
