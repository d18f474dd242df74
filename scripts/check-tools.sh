#!/bin/sh
# Names the tools that are missing, with the Debian package that has each.
missing=0

need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "missing: $1 (Debian: apt-get install $2)" >&2
    missing=1
}

need cargo 'rustc-web cargo-web, or https://rustup.rs'
need cc gcc
need objcopy binutils
need python3 python3
if command -v python3 >/dev/null 2>&1 && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    echo 'missing: the venv module of python3 (Debian: apt-get install python3-venv)' >&2
    missing=1
fi
exit "$missing"
