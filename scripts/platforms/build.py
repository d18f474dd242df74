"""Meson, from setup to installation, for one platform."""
import json
import os
import re
import shlex
import shutil
import subprocess

from .report import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tail(output):
    """The interesting lines of a failed build: without the steps that succeeded."""
    lines = [line for line in output.splitlines() if not re.match(r"\[\d+/\d+\] ", line)]
    return "\n".join(lines)[-6000:]


def run(command, env=None, **more):
    """Runs a command that must succeed. Returns its output."""
    result = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", env=env, **more)
    if result.returncode != 0:
        output = (result.stdout + result.stderr).strip()
        raise Failure(f"{shlex.join(map(str, command))}\nended with {result.returncode}:\n{tail(output)}")
    return result.stdout


def read(path):
    """The text of a file; empty if there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Build:
    """A build folder. `jobs`: how many processes a row may run at a time."""

    jobs = 1

    def __init__(self, folder, env):
        self.folder = folder
        self.env = dict(env)

    def path(self, *parts):
        """A path in the build folder."""
        return os.path.join(self.folder, *parts)

    def setup(self, *options):
        """Sets the folder up, unless it has been set up in the same way."""
        if "--cross-file" in options:
            self.env.pop("PKG_CONFIG", None)  # it knows this machine's libraries
        stamp = self.path(".options")
        wanted = "\n".join(options)
        if read(stamp) == wanted and os.path.exists(self.path("build.ninja")):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        run(["meson", "setup", self.folder, ROOT, "--prefix", "/usr", "--libdir", "lib", "-Ddebug=false",
             *options], env=self.env)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)

    def compile(self):
        """Builds everything."""
        run(["meson", "compile", "-C", self.folder, "-j", str(self.jobs), "--ninja-args=-k0"],
            env=dict(self.env, CARGO_BUILD_JOBS=str(self.jobs)))

    def test(self, report, label="", *options, through=()):
        """Runs the test programs, counts the results, and returns the names. `through`: a command that runs another."""
        log = self.path("meson-logs", "testlog.json")
        if os.path.exists(log):
            os.remove(log)
        subprocess.run([*through, "meson", "test", "-C", self.folder, "--no-rebuild", "--timeout-multiplier", "3",
                        "--num-processes", str(self.jobs), *options], check=False, capture_output=True, env=self.env)
        tests = [json.loads(line) for line in read(log).splitlines()]
        report.check(f"{label}there are test programs", bool(tests))
        for test in tests:
            text = test.get("stdout", "") + ("\n" + test["stderr"] if test.get("stderr") else "")
            report.tap(label + test["name"], text, test["result"])
        return [test["name"] for test in tests]

    def install(self, destination):
        """Installs below a folder that takes the place of the root."""
        run(["meson", "install", "-C", self.folder, "--no-rebuild", "--destdir", destination], env=self.env)
