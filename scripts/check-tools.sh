#!/bin/sh
# usage: check-tools.sh [--install] [python]
#
# Names what is missing of the tools that this build needs, with the Debian package that has each. It installs nothing,
# unless --install says so. With "python", only what Python has to have is looked for: that is all that the guide needs.
set -u
cd "$(dirname "$0")/.."
packages=''

# missing WHAT PACKAGE...
missing() {
    what=$1
    shift
    echo "missing: $what (Debian: apt-get install $*)" >&2
    packages="$packages $*"
}

need() {
    command -v "$1" >/dev/null 2>&1 || missing "$1" "$2"
}

# A compiler that is there may lack the C library's headers, or what it links programs with.
try_compiler() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    printf '#include <stdio.h>\nint main(void)\n{\n    return puts("") < 0;\n}\n' > "$folder/try.c"
    # shellcheck disable=SC2086 # CC may have arguments
    if ! $cc -o "$folder/try" "$folder/try.c" > "$folder/log" 2>&1; then
        sed 's/^/    /' "$folder/log" >&2
        missing "what $cc needs to compile and link a program" libc6-dev
    fi
}

# What Debian calls a Rust that is new enough.
rust_packages() {
    if grep -qs '^VERSION_ID="12"' /etc/os-release; then
        echo 'rustc-web cargo-web'
    else
        echo 'rustc cargo'
    fi
}

# Rust is not always Debian's: rustup's is as good.
try_rust() {
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    for tool in cargo rustc; do
        if ! command -v $tool >/dev/null 2>&1; then
            missing "$tool, of Rust $wanted or newer, which may be rustup's, too (https://rustup.rs)" "$(rust_packages)"
            return
        fi
        said=$($tool --version 2>&1)
        found=$(echo "$said" | sed -n "s/^$tool \([0-9]*\.[0-9]*\).*/\1/p")
        if [ -z "$found" ]; then
            echo "$tool --version says: $said" >&2
            missing "a $tool that works" "$(rust_packages)"
            return
        elif [ "$(printf '%s\n' "$wanted" "$found" | sort -t . -k 1,1n -k 2,2n | head -n 1)" != "$wanted" ]; then
            missing "a newer Rust: this $tool is $found, $wanted is needed; it may be rustup's (https://rustup.rs)" \
                "$(rust_packages)"
            return
        fi
    done
}

try_python() {
    if ! command -v python3 >/dev/null 2>&1; then
        missing python3 python3 python3-venv
    elif ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        missing 'the venv module of python3' python3-venv
    fi
}

look() {
    packages=''
    try_python
    [ "${1:-}" = python ] && return
    cc=${CC:-cc}
    if command -v "${cc%% *}" >/dev/null 2>&1; then
        try_compiler
    else
        case $cc in *clang*) missing "$cc" clang libc6-dev ;; *) missing "$cc" gcc libc6-dev ;; esac
    fi
    for tool in ar objcopy nm readelf; do
        need $tool binutils
    done
    try_rust
}

install=false
if [ "${1:-}" = --install ]; then
    install=true
    shift
fi
look "$@"
if [ -n "$packages" ] && $install && [ "$(id -u)" = 0 ]; then
    echo "installing$packages"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    { apt-get update && apt-get install -y --no-install-recommends $packages; } >/dev/null
    look "$@"
fi
[ -z "$packages" ]
