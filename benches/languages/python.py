#!/usr/bin/env python3
"""What a run costs beside subprocess.run(): the medians of both, and their ratio, taken in turns in one process.

    LD_LIBRARY_PATH=build/provider benches/languages/python.py [python-ctypes's folder, or another's with qemu_run.py]

SPDX-License-Identifier: MIT
"""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 300
CASES = {
    "/bin/true": (["/bin/true"], {}),
    "a line": (["/bin/echo", "hello"], {"capture_output": True, "text": True}),
    "a line, with a limit of time": (["/bin/echo", "hello"], {"capture_output": True, "timeout": 60}),
    "1 MiB in and out": (["/bin/cat"], {"input": bytes(1 << 20), "capture_output": True, "rounds": 100}),
    "64 MiB out": (["head", "-c", "64M", "/dev/zero"], {"capture_output": True, "rounds": 10}),
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

    print(f"{'':30}{'subprocess':>12}{'qemu_run':>12}{'ratio':>8}    (microseconds, medians)")
    for name, (argv, options) in CASES.items():
        options = dict(options)
        times = [], []
        for _ in range(options.pop("rounds", ROUNDS)):
            for which, run in enumerate((subprocess.run, mine)):
                times[which].append(one(run, argv, options))
        theirs, ours = (statistics.median(some) / 1000 for some in times)
        print(f"{name:30}{theirs:12.0f}{ours:12.0f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
