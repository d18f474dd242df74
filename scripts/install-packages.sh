#!/bin/sh
# usage: install-packages.sh PROGRAM PACKAGE...: where PROGRAM is missing, installs Debian's packages that have it.
set -eu
program=$1
shift

if command -v "$program" >/dev/null 2>&1; then
    exit
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "missing: $program (Debian: apt-get install $*)" >&2
    exit 1
fi
echo "installing $*"
export DEBIAN_FRONTEND=noninteractive
{ apt-get update && apt-get install -y --no-install-recommends "$@"; } >/dev/null
