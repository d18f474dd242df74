#!/usr/bin/env python3
"""Shows that the dynamic parts can tell a wrong library from a sound one.

Each part must find a fault in plain fork() under the name of qemu_fork. QEMU's algorithm in C, amended to keep errno as
this library does, must pass each part. Unamended, its known differences must be noticed by at least one.

SPDX-License-Identifier: MIT
"""
import argparse
import os

import library
import processes
from report import Report

DYNAMIC = ["inject", "faults", "matrix", "storm"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="no difference: the quick form of each part is used")
    parser.add_argument("--output", required=True, help="the folder for what is built")
    args = parser.parse_args()
    folder = os.path.join(args.output, "controls")
    os.makedirs(folder, exist_ok=True)
    programs = {name: library.compile_c(name, os.path.join(folder, name)) for name in DYNAMIC}

    def shared(source, name, *more):
        return library.compile_c(source, os.path.join(folder, f"{name}.so"), "-shared", "-fPIC", "-Wl,-z,now", *more,
                                 common=False)

    report = Report()
    plain = shared("control-plain-fork", "plain-fork")
    amended = shared("control-c", "c-amended", "-DCONTROL_AMENDED")
    original = shared("control-c", "c")
    noticed = {}
    for name, program in programs.items():
        def run(subject, stop_at=None):
            log = os.path.join(folder, f"{name}-{os.path.basename(subject)}.log")
            return processes.run([program, "--quick", subject], stop_at=stop_at, log=log)

        outcome = run(plain, "VIOLATION:")
        if outcome.status == 77:
            report.skip(f"{name}: {'; '.join(outcome.skips)}")
            continue
        report.check(outcome.violations, f"{name} finds nothing wrong with plain fork() ({outcome.ending})")
        report.note(f"{name} on plain fork(): {' '.join(outcome.violations[:1])}")
        outcome = run(amended)
        report.check(outcome.status == 0 and outcome.result and not outcome.result[1],
                     f"{name} does not pass a sound version in C: {outcome.ending}: "
                     + "; ".join(outcome.violations[:3] or outcome.lines[-3:]))
        noticed[name] = run(original, "VIOLATION:").violations
        report.note(f"{name} on QEMU's algorithm: {' '.join(noticed[name][:1]) or 'nothing'}")
    if noticed:
        report.check(any(noticed.values()), "no part notices that QEMU's algorithm spoils errno in the child")
    report.finish()


if __name__ == "__main__":
    main()
