#!/bin/sh
# Names the tools that are missing, with the Debian package that has each. What a Debian's python3 lacks is installed, if
# that may be.
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
    "$(dirname "$0")/install-packages.sh" 'the venv module of python3' python3-venv || missing=1
fi
exit "$missing"
