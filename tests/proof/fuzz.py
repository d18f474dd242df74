#!/usr/bin/env python3
"""Drives the Error API with arbitrary sequences of calls and compares it with a model: fuzz/error-api.c.

With clang and its libFuzzer, the library and the target are instrumented: coverage leads the search, and
AddressSanitizer watches. Without clang, a random driver is used, which does not know what is covered, and the report
says so. QEMU_FORK_FUZZ_RUNS sets the number of runs, and so the time.

usage: fuzz.py --output FOLDER [--object qemu_fork.o] [--update-corpus]

SPDX-License-Identifier: MIT
"""
import argparse
import os
import re
import shutil
import subprocess

import library
import processes
from report import Report

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz")
CORPUS = os.path.join(HERE, "corpus")
WRAPPED = ["malloc", "free", "write", "abort", "exit", "fork", "pthread_sigmask"]
RUNS, QUICK_RUNS = 120_000, 4_000
MAX_LENGTH = 256
# asan-globals: in the objects of rustc its tables conflict with those of the coverage.
RUST_FLAGS = ["-Zsanitizer=address", "-Cllvm-args=-asan-globals=false", "-Cpasses=sancov-module",
              "-Cllvm-args=-sanitizer-coverage-level=3", "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
              "-Cllvm-args=-sanitizer-coverage-pc-table", "-Cllvm-args=-sanitizer-coverage-trace-compares"]


def find_clang(folder):
    """A clang that has libFuzzer, or None."""
    source, program = os.path.join(folder, "empty.c"), os.path.join(folder, "empty")
    with open(source, "w", encoding="utf-8") as file:
        file.write("int LLVMFuzzerTestOneInput(const char *d, long n);\n"
                   "int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }\n")
    for name in ["clang", *(f"clang-{version}" for version in range(25, 12, -1))]:
        if shutil.which(name):
            done = subprocess.run([name, "-fsanitize=fuzzer,address", source, "-o", program], capture_output=True,
                                  check=False)
            if done.returncode == 0:
                return name
    return None


def instrumented_archive(folder):
    """The Rust half with AddressSanitizer and coverage."""
    host = re.search(r"^host: (\S+)", library.call(["rustc", "-vV"]), re.M)[1]
    target_dir = os.path.join(folder, "cargo")
    library.call(["cargo", "rustc", "--quiet", "--locked", "--release", "--package", "qemu-fork-capi", "--lib",
                  "--crate-type", "staticlib",
                  "--no-default-features", "--features", "capi", "--target", host, "--target-dir", target_dir,
                  "--manifest-path", os.path.join(library.ROOT, "Cargo.toml")],
                 env={**os.environ, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": " ".join(RUST_FLAGS)})
    return os.path.join(target_dir, host, "release", "libqemu_fork.a")


def build(program, compiler, flags, sources):
    library.call([*compiler, "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", *flags,
                  "-I", os.path.join(library.ROOT, "include"), "-Wl," + ",".join(f"--wrap={name}" for name in WRAPPED), "-o", program, *sources, "-pthread"])
    return program


def build_pair(folder, clang, rust):
    """The target, and the target with a wrong model."""
    target = os.path.join(HERE, "error-api.c")
    driver = os.path.join(HERE, "random-driver.c")
    if clang:
        compiler, flags, sources = [clang], ["-fsanitize=fuzzer,address,undefined"], [target, rust]
    else:
        compiler, flags, sources = library.COMPILER, [], [target, driver, rust]
    return [build(os.path.join(folder, name), compiler, [*flags, *more], sources)
            for name, more in [("error-api", []), ("wrong-model", ["-DWRONG_MODEL"])]]


def fuzz(program, folder, runs, corpora):
    """One run of the target."""
    found = os.path.join(folder, f"{os.path.basename(program)}-found/")
    shutil.rmtree(found, ignore_errors=True)
    os.makedirs(found)
    # A small quarantine: resident memory makes each fork slower.
    env = {"LC_ALL": "C", "UBSAN_OPTIONS": "halt_on_error=1",
           "ASAN_OPTIONS": "abort_on_error=1:quarantine_size_mb=4:malloc_context_size=6"}
    return processes.run([program, f"-runs={runs}", "-seed=1", "-len_control=0", f"-max_len={MAX_LENGTH}",
                          f"-artifact_prefix={folder}/", found, *corpora],
                         env=env, log=os.path.join(folder, f"{os.path.basename(program)}.log"))


def update_corpus(program, folder):
    """Keeps the smallest set of the known inputs that covers as much as all of them."""
    merged = os.path.join(folder, "merged")
    shutil.rmtree(merged, ignore_errors=True)
    os.makedirs(merged)
    found = os.path.join(folder, "error-api-found")
    library.call([program, "-set_cover_merge=1", "-max_len=64", merged, CORPUS, found])
    shutil.rmtree(CORPUS)
    shutil.copytree(merged, CORPUS)


def verdict(report, outcome, folder):
    """What one run of the target found."""
    runs = re.findall(r"^Done (\d+) runs", outcome.output, re.M)
    if outcome.status == 0 and runs:
        report.experiments += int(runs[-1])
        return
    wrong = outcome.violations or [line for line in outcome.lines if "ERROR: " in line or "runtime error: " in line]
    report.check(False, f"{(wrong or [outcome.ending])[0]}; the input and the log are in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs")
    parser.add_argument("--output", required=True, help="the folder for what is built")
    parser.add_argument("--object", help="an object of the Rust half that is not instrumented: by the random driver")
    parser.add_argument("--update-corpus", action="store_true", help="keep what was found; look at git diff")
    args = parser.parse_args()
    report = Report()
    folder = os.path.join(args.output, "fuzz")
    os.makedirs(folder, exist_ok=True)
    runs = int(os.environ.get("QEMU_FORK_FUZZ_RUNS", QUICK_RUNS if args.quick else RUNS))
    clang = rust = None
    if args.object:
        rust = args.object
    else:
        clang = find_clang(folder)
        if clang:
            rust = instrumented_archive(folder)
        else:
            report.skip("libFuzzer is missing (Debian: apt-get install clang-19 libclang-rt-19-dev): the random driver "
                        "goes blindly, and nothing is instrumented")
            library.build(library.ROOT, folder, os.path.join(folder, "cargo"))
            rust = os.path.join(folder, "qemu_fork.o")
    program, wrong = build_pair(folder, clang, rust)
    outcome = fuzz(program, folder, runs, [CORPUS])
    verdict(report, outcome, folder)
    if not args.object:
        control = fuzz(wrong, folder, QUICK_RUNS, [CORPUS])
        report.check(control.violations, f"a wrong model was not noticed in {QUICK_RUNS} runs: {control.ending}")
        report.note(f"control: {' '.join(control.violations)}")
    if args.update_corpus and clang and not report.violations:
        update_corpus(program, folder)
    report.finish()


if __name__ == "__main__":
    main()
