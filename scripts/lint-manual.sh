#!/bin/sh
# mandoc's opinion of the manual pages. Installs mandoc where it may.
set -eu
cd "$(dirname "$0")/.."

if ! command -v mandoc >/dev/null 2>&1; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo 'missing: mandoc (Debian: apt-get install mandoc)' >&2
        exit 1
    fi
    { apt-get update && apt-get install -y --no-install-recommends mandoc; } >/dev/null
fi
# Which other manuals this machine has is no fault of ours.
if mandoc -Tlint docs/man/*.[0-9] 2>/dev/null | grep -v 'STYLE: referenced manual not found'; then
    exit 1
fi
