#!/usr/bin/env python3
"""Python: run() beside subprocess.run(), in turns in one process. measure.py makes a table of what this prints.

    LD_LIBRARY_PATH=build/provider benches/languages/python.py [python-ctypes's folder, or another's with qemu_run.py]

Each line is a round: the case, and the nanoseconds of theirs and of ours. What is short is bound to one processor,
because the scheduler places a child in two ways that differ by more than the two functions do.

SPDX-License-Identifier: MIT
"""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 300
CASES = {
    "/bin/true": (["/bin/true"], {}),
    "a line": (["/bin/echo", "hello"], {"capture_output": True, "text": True}),
    "a line, with a limit of time": (["/bin/echo", "hello"], {"capture_output": True, "timeout": 60}),
    "1 MiB in and out": (["/bin/cat"], {"input": bytes(1 << 20), "capture_output": True, "rounds": 100, "bound": False}),
    "64 MiB out": (["head", "-c", "64M", "/dev/zero"], {"capture_output": True, "rounds": 20, "bound": False}),
}


def one(run, argv, options):
    begin = time.perf_counter_ns()
    run(argv, check=True, **options)
    return time.perf_counter_ns() - begin


def main():
    sys.path.insert(0, sys.argv[1] if len(sys.argv) > 1 else
                    os.path.join(HERE, "..", "..", "examples", "languages", "python-ctypes"))
    import qemu_run  # pylint: disable=import-outside-toplevel

    def mine(argv, **more):
        return qemu_run.run(argv, max_output=None, **more)

    processors = sorted(os.sched_getaffinity(0))
    for name, (argv, options) in CASES.items():
        options = dict(options)
        os.sched_setaffinity(0, processors[-1:] if options.pop("bound", True) else processors)
        for number in range(options.pop("rounds", ROUNDS)):
            both = [subprocess.run, mine]
            took = {run: one(run, argv, options) for run in (both[::-1] if number % 2 else both)}
            print(name, took[subprocess.run], took[mine], sep="\t", flush=True)


if __name__ == "__main__":
    main()
