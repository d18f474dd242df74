#!/usr/bin/env python3
"""Runs the C tests and a subject of its own under AddressSanitizer, UBSan, LeakSanitizer and valgrind.

The Rust half is instrumented as well. Children of qemu_fork() are looked at like their parents, leaks included. For
each tool there are faults that it must report; if it does not report one, the tool does not work.

usage: memory.py --output FOLDER --provider FOLDER

SPDX-License-Identifier: MIT
"""
import argparse
import glob
import json
import os
import re
import shlex
import shutil

import library
import processes
from report import Report

SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")
# With debug assertions core checks what unsafe code promises it: alignment, bounds, overlap.
RUST_FLAGS = "-Zsanitizer=address -Cdebug-assertions -Zub-checks"
# Under a limit on processes or a filter of system calls LeakSanitizer has no thread to look from.
LEAK_CHECK_UNABLE = "LeakSanitizer has encountered a fatal error"
VALGRIND_BROKEN = re.compile(r"valgrind: the 'impossible' happened|^valgrind: m_\w+/|Valgrind has to exit", re.M)
VALGRIND = ["valgrind", "--vgdb=no", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite", "--num-callers=20"]
# The tests look at the dispositions that they set, and at what a program starts with.
TESTS_ENV = {"ASAN_OPTIONS": "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0"}
# The sanitizers run them.
NOT_IN_VALGRIND = {
    "fork-stress": "thousands of forks take it an hour",
    "fork-storm": "thousands of forks take it an hour",
    "fork-malloc-poisoned": "the test replaces malloc(), and so does valgrind",
    "difference-child-write-only": "the test replaces malloc(), and so does valgrind",
}
NOT_IN_SANITIZERS = {
    "spawn-cancel": "AddressSanitizer does not follow the unwinding of a thread that is cancelled asynchronously",
}
ASAN_FAULTS = {
    "read-after-free": "heap-use-after-free",
    "read-after-free-in-child": "heap-use-after-free",
    "rust-reads-after-free": "heap-use-after-free",
    "leak": "detected memory leaks",
    "leak-in-child": "detected memory leaks",
    "undefined": "signed integer overflow",
}
VALGRIND_FAULTS = {
    "read-after-free": "Invalid read",
    "read-after-free-in-child": "Invalid read",
    "rust-reads-after-free": "Invalid read",
    "leak": "definitely lost",
    "leak-in-child": "definitely lost",
    "uninitialised": "uninitialised",
}


def valgrind_records(text):
    """The complaints of valgrind about one process. If a signal ended the process, that is a complaint only if the
    process caused the signal itself, and its memory then counts as no leak.
    """
    lines = [re.sub(r"^==\d+== ?", "", line) for line in text.splitlines() if re.match(r"==\d+==", line)]
    records = [record.strip() for record in "\n".join(lines).split("\n\n") if re.search(r"^ +at 0x", record, re.M)]
    ends = [record for record in records if "Process terminating with default action of signal" in record]
    sent = [record for record in ends if not re.search(r"Access not within|Bad permissions|Illegal op|Jump to", record)]
    return [record for record in records if record not in sent and not (ends and "lost in loss record" in record)]


class Memory:
    """The tools and what they find."""

    def __init__(self, args):
        self.args = args
        self.report = Report()
        self.folder = os.path.join(args.output, "memory")
        os.makedirs(self.folder, exist_ok=True)
        self.meson = shutil.which("meson") or os.path.join(args.output, os.pardir, "venv", "bin", "meson")
        self.path = os.path.dirname(os.path.abspath(self.meson)) + os.pathsep + os.environ["PATH"]

    # ---- AddressSanitizer, LeakSanitizer, UBSan ----

    def sanitizers_missing(self, compiler=library.COMPILER, name="empty.c"):
        """Why the compiler cannot do it, or None."""
        source = os.path.join(self.folder, name)
        with open(source, "w", encoding="utf-8") as file:
            file.write("int main(void) { return 0; }\n")
        try:
            library.call([*compiler, "-fsanitize=address,undefined", source,
                          "-o", os.path.join(self.folder, "empty")])
        except (library.BuildError, OSError) as error:
            return f"the compiler has no sanitizers (Debian: gcc has them in libasan and libubsan): {error}"
        return None

    def without_cxx(self):
        """The line of a native file that hides a C++ compiler which has no sanitizers: beside gcc there may be just
        clang's, without its runtime, and Meson would stop there."""
        compiler = shlex.split(os.environ.get("CXX", "c++"))
        if not shutil.which(compiler[0]) or self.sanitizers_missing(compiler, "empty.cc") is None:
            return ""
        self.report.skip(f"the sanitizers, cxx: {compiler[0]} has none")
        return "[binaries]\ncpp = 'no-c++-with-sanitizers'\n"

    def setup_sanitized(self):
        """A build folder for both halves, instrumented, and the environment for all that is done there."""
        folder = os.path.join(self.folder, "sanitized")
        host = re.search(r"^host: (\S+)", library.call(["rustc", "-vV"]), re.M)[1]
        native = os.path.join(self.folder, "native.ini")
        with open(native, "w", encoding="utf-8") as file:
            file.write(f"[properties]\nrust_target = '{host}'\n{self.without_cxx()}")
        env = {**os.environ, "PATH": self.path, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": RUST_FLAGS}
        if not os.path.exists(os.path.join(folder, "build.ninja")):
            library.call([self.meson, "setup", folder, library.ROOT, "--native-file", native,
                          "-Db_sanitize=address,undefined", "-Db_lundef=false"], env=env)
        return folder, env

    def build_sanitized(self):
        """The library and those tests that are to run. Returns the folder and the tests."""
        folder, env = self.setup_sanitized()
        library.call(["ninja", "-C", folder, "build.ninja"], env=env)  # what meson knows may be out of date
        tests = self.tests(folder, [{"shared", "pie"}, {"static", "no-pie"}][:1 if self.args.quick else 2])
        # With all libraries: what a test opens at run time is not what its program is linked with.
        targets = json.loads(library.call([self.meson, "introspect", "--targets", folder], env=env))
        wanted = {name for target in targets if target["type"] != "executable" for name in target["filename"]}
        wanted.update(word for test in tests for word in test["cmd"] if word.startswith(folder))
        paths = sorted({os.path.relpath(name, folder) for name in wanted})
        library.call(["ninja", "-C", folder, *paths], env=env)
        return folder, tests

    def sanitize(self, lack):
        if lack:
            self.report.skip(lack)
            return
        folder, tests = self.build_sanitized()
        # Checks that the half compiled by rustc is really instrumented.
        symbols = library.call(["nm", os.path.join(folder, "qemu_fork.o")])
        self.report.check("__asan_report_load" in symbols, "the Rust half is not instrumented")
        subject = os.path.join(self.folder, "subject-sanitized")
        self.compile_subject(subject, folder, "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
        env = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
        self.run_subject("the sanitizers", [subject], env, SANITIZER, ASAN_FAULTS)
        # There LeakSanitizer cannot start its thread.
        self.run_failing_fork("the sanitizers", [subject], {**env, "ASAN_OPTIONS": "detect_leaks=0"}, SANITIZER)
        for test in tests:
            self.run_sanitized(test, {**env, **test["env"]})

    # ---- valgrind ----

    def valgrind(self):
        if not shutil.which("valgrind"):
            self.report.skip("valgrind is missing (Debian: apt-get install valgrind)")
            return
        subject = os.path.join(self.folder, "subject")
        self.compile_subject(subject, self.args.provider)
        found = re.compile(r"^==\d+== ", re.M)
        self.run_subject("valgrind", [*VALGRIND, "--quiet", subject], {}, found, VALGRIND_FAULTS)
        self.run_failing_fork("valgrind", [*VALGRIND, "--quiet", subject], {}, found)
        if not self.args.quick:
            venv = os.path.join(self.args.output, os.pardir, "venv")
            for test in library.shared_tests(venv, self.args.provider).values():
                if test["name"] in NOT_IN_VALGRIND:
                    self.report.skip(f"valgrind, {test['name']}: {NOT_IN_VALGRIND[test['name']]}")
                else:
                    self.run_in_valgrind(test)

    # ---- Both ----

    def compile_subject(self, program, folder, *flags):
        library.call([*library.COMPILER, "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", *flags,
                      "-I", os.path.join(library.ROOT, "include"), "-o", program,
                      os.path.join(os.path.dirname(os.path.abspath(__file__)), "memory-subject.c"),
                      os.path.join(folder, "qemu_fork.o"), "-pthread"])

    def run_subject(self, tool, command, env, complaint, faults):
        """Checks that no fault is reported without one, and that each fault is reported as what it is."""
        outcome = processes.run(command, env=env)
        self.report.check(outcome.status == 0 and not complaint.search(outcome.output),
                          f"{tool}: {outcome.ending}: {outcome.output[:600]}")
        for fault, words in faults.items():
            outcome = processes.run([*command, fault], env=env)
            self.report.check(words in outcome.output and outcome.status != 0,
                              f"{tool} does not notice the fault '{fault}': {outcome.ending}: {outcome.output[:300]}")

    def run_failing_fork(self, tool, command, env, complaint):
        outcome = processes.run([*command, "failing-fork"], env=env)
        if VALGRIND_BROKEN.search(outcome.output):
            self.report.skip(f"{tool}, failing-fork: valgrind itself crashes where a fork fails")
            return
        self.report.check(outcome.status == 0 and not complaint.search(outcome.output),
                          f"{tool}, failing-fork: {outcome.ending}: {outcome.output[:600]}")

    def tests(self, folder, ways):
        """The C tests in this build folder that are linked in one of these ways."""
        tests = json.loads(library.call([self.meson, "introspect", "--tests", folder]))
        return [test for test in tests if any(way <= {name.split(":")[-1] for name in test["suite"]} for way in ways)]

    def log(self, tool, test):
        return os.path.join(self.folder, f"{tool}-{test['name']}-{'-'.join(self.way(test))}.log")

    @staticmethod
    def way(test):
        return [suite.split(":")[-1] for suite in test["suite"]]

    def run_sanitized(self, test, env):
        """One C test; each line of its own verdicts counts."""
        name = f"the sanitizers, {test['name']} ({', '.join(self.way(test))})"
        if test["name"] in NOT_IN_SANITIZERS:
            self.report.skip(f"{name}: {NOT_IN_SANITIZERS[test['name']]}")
            return
        log = self.log("sanitized", test)
        outcome = processes.run(test["cmd"], env={**env, **TESTS_ENV}, cwd=test["workdir"], log=log)
        if LEAK_CHECK_UNABLE in outcome.output:
            self.report.skip(f"{name}: no leak check: LeakSanitizer cannot start its thread in that test")
            more = {"ASAN_OPTIONS": TESTS_ENV["ASAN_OPTIONS"] + ":detect_leaks=0"}
            outcome = processes.run(test["cmd"], env={**env, **more}, cwd=test["workdir"], log=log)
        self.report.experiments += len(re.findall(r"^ok ", outcome.output, re.M))
        failed = [line for line in outcome.lines
                  if line.startswith(("not ok", "Bail out!")) or SANITIZER.search(line)]
        self.report.check(outcome.status == 0 and not failed, f"{name}: {outcome.ending}: {'; '.join(failed[:3])}")

    def run_in_valgrind(self, test):
        """One C test, of which only what valgrind itself complains of counts, in any of its processes.

        Its own verdicts do not: valgrind acts the kernel's part for signals, and has a malloc() of its own.
        """
        pattern = self.log("valgrind", test)[:-len(".log")]
        for old in glob.glob(glob.escape(pattern) + ".*"):
            os.remove(old)
        # Under valgrind a child of a spawn is one of fork(): when it ends it has what the parent has, and no use for
        # it.
        spawns = test["name"].startswith(("spawn-", "process-"))
        more = ["--leak-check=no"] if spawns else []
        processes.run([*VALGRIND, *more, f"--log-file={pattern}.%p", *test["cmd"]], env=test["env"],
                      cwd=test["workdir"], log=pattern + ".log")
        logs = [path for path in glob.glob(glob.escape(pattern) + ".*") if not path.endswith(".log")]
        said = ""
        complaints = []
        for path in logs:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            said += text
            complaints += valgrind_records(text)
        if VALGRIND_BROKEN.search(said):
            self.report.skip(f"valgrind, {test['name']}: valgrind itself crashes when a system call is made to fail")
        else:
            self.report.check(logs and not complaints,
                              f"valgrind, {test['name']}: {(complaints or ['it did not run'])[0][:600]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="the C tests linked in one way, and not under valgrind")
    parser.add_argument("--output", required=True, help="the folder for what is built")
    parser.add_argument("--provider", required=True, help="Meson's build folder of the library as it is installed")
    args = parser.parse_args()
    args.output, args.provider = os.path.abspath(args.output), os.path.abspath(args.provider)
    memory = Memory(args)
    memory.sanitize(memory.sanitizers_missing())
    memory.valgrind()
    memory.report.finish()


if __name__ == "__main__":
    main()
