#!/bin/sh
# mandoc's opinion of the manual pages. Installs mandoc where it may.
set -eu
cd "$(dirname "$0")/.."

scripts/install-packages.sh mandoc mandoc
# Which other manuals this machine has is no fault of ours.
if mandoc -Tlint docs/man/*.[0-9] 2>/dev/null | grep -v 'STYLE: referenced manual not found'; then
    exit 1
fi
