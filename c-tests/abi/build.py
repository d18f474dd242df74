#!/usr/bin/env python3
"""Has cargo build the archive with the values."""
import argparse
import os
import shlex
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, help="the archive to make")
    parser.add_argument("--target-dir", required=True, help="cargo's folder for what it makes")
    parser.add_argument("--target", default="", help="cargo's name of the platform; empty: this machine")
    parser.add_argument("--debug", action="store_true", help="with debug information, as the library")
    parser.add_argument("--cargo", default="cargo", help="the command, with further arguments")
    args = parser.parse_args()
    target = ["--target", args.target] if args.target else []
    command = [*shlex.split(args.cargo), "build", "--quiet", "--locked", "--release", "--package", "qemu-fork-abi",
               *target, "--manifest-path", os.path.join(ROOT, "Cargo.toml"), "--target-dir", args.target_dir]
    # As build-object.py does it, so that core is built once.
    env = dict(os.environ, CARGO_PROFILE_RELEASE_DEBUG="full" if args.debug else "none")
    if subprocess.run(command, check=False, env=env).returncode != 0:
        sys.exit("build: this failed: " + shlex.join(command))
    shutil.copyfile(os.path.join(args.target_dir, args.target, "release", "libabi.a"), args.output)


if __name__ == "__main__":
    main()
