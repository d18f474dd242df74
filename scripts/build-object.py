#!/usr/bin/env python3
"""Compiles the Rust library to one object file that looks as if a C compiler had made it.

cargo makes a static library. Link-time optimisation has joined what the exports need, Rust's core included, into one
of its objects; the others are the compiler's own helpers, which a C compiler has too. objcopy makes all names local in
that one but the exports. So two Rust libraries can be linked into one program, and neither sees the other's parts of
the language.
"""
import argparse
import glob
import os
import platform
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exports  # noqa: E402

# Without it a program that is linked with the archive would lose what its other objects have: indirect branch tracking
# and shadow stacks. A processor that has none takes its marks for no-ops. (64-bit ARM has the same in BTI, but there the
# compiler drops the property as long as Rust's own core has none.)
PROTECTION = "-Zcf-protection=full"


ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, help="the object file to make")
    parser.add_argument("--depfile", required=True, help="where to list the sources, for ninja")
    parser.add_argument("--target-dir", required=True, help="cargo's folder for what it makes")
    parser.add_argument("--error-api", required=True, choices=["provider", "host"])
    parser.add_argument("--target", default="", help="cargo's name of the platform; empty: this machine")
    parser.add_argument("--no-unwind-tables", action="store_true", help="see meson.build")
    parser.add_argument("--debug", action="store_true", help="with debug information")
    parser.add_argument("--cargo", default="cargo", help="the command, with further arguments")
    parser.add_argument("--ar", default="ar", help="the command")
    parser.add_argument("--objcopy", default="objcopy", help="the command")
    return parser.parse_args()


def run(command, **more):
    """Runs a command. If it fails, its own message is the last line of output."""
    if subprocess.run(command, check=False, **more).returncode != 0:
        sys.exit("build-object: this failed: " + shlex.join(command))


def protection(target):
    """The compiler's option for this processor, if there is one."""
    processor = target.split("-")[0] or platform.machine()
    return [PROTECTION] if processor in ("x86_64", "i686") and "windows" not in target else []


def build_archive(args):
    """Has cargo make the static library. Returns its path."""
    features = ["--features", "capi,host-error" if args.error_api == "host" else "capi"]
    target = ["--target", args.target] if args.target else []
    env = dict(os.environ, CARGO_PROFILE_RELEASE_DEBUG="full" if args.debug else "none")
    # A stable compiler takes a -Z option for the crates that are named here. 1 is all of them.
    env.setdefault("RUSTC_BOOTSTRAP", "qemu_fork")
    flags = protection(args.target) + (["-Cforce-unwind-tables=no"] if args.no_unwind_tables else [])
    run([*shlex.split(args.cargo), "rustc", "--quiet", "--locked", "--release", "--package", "qemu-fork-capi",
         "--lib", "--crate-type", "staticlib",
         "--no-default-features", *features, *target, "--manifest-path", os.path.join(ROOT, "Cargo.toml"),
         "--target-dir", args.target_dir, "--", *flags], env=env)
    return os.path.join(args.target_dir, args.target, "release", "libqemu_fork.a")


def extract_object(args, archive, folder):
    """Takes the library's object out of the archive. Returns its path."""
    run([*shlex.split(args.ar), "x", os.path.abspath(archive)], cwd=folder)
    found = glob.glob(os.path.join(glob.escape(folder), "qemu_fork-*.o"))
    if len(found) != 1:
        sys.exit(f"build-object: {archive} has {len(found)} objects of the library where link-time optimisation "
                 "leaves one")
    return found[0]


def write_depfile(args, archive):
    """cargo has a make rule for the archive; ninja wants it for the object."""
    with open(os.path.splitext(archive)[0] + ".d", encoding="utf-8") as file:
        _, sources = file.readline().rstrip("\n").split(": ", 1)
    with open(args.depfile, "w", encoding="utf-8") as file:
        file.write(f"{args.output}: {sources}\n")


def main():
    args = arguments()
    archive = build_archive(args)
    names = exports.names(args.error_api)
    keep = [f"--keep-global-symbol={name}" for name in names]
    with tempfile.TemporaryDirectory() as folder:
        run([*shlex.split(args.objcopy), *keep, extract_object(args, archive, folder), args.output])
    write_depfile(args, archive)


if __name__ == "__main__":
    main()
