"""Runs commands, and finds files."""
import os
import shlex
import subprocess

from platforms.report import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGING = os.path.join(ROOT, "packaging")
EXPECTED_OUTPUT = os.path.join(ROOT, "examples", "languages", "expected-output.txt")


def run(*command, env=None, **more):
    """Runs a command that must succeed. Returns its output."""
    result = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace",
                            env=dict(os.environ, LC_ALL="C.UTF-8", **(env or {})), **more)
    if result.returncode != 0:
        raise Failure(f"{shlex.join(command[:3])}: status {result.returncode}\n{shlex.join(command)}\n"
                      f"{result.stdout[-6000:]}{result.stderr[-6000:]}")
    return result.stdout


def read(*path):
    """The text of a file."""
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def write(text, *path):
    """Writes a file, and makes its folder if necessary. Returns its path."""
    name = os.path.join(*path)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def version():
    """The library's version."""
    line = next(line for line in read(ROOT, "Cargo.toml").splitlines() if line.startswith("version = "))
    return line.split('"')[1]


def files_below(folder):
    """All files and links below a folder, as paths relative to it."""
    return [os.path.relpath(os.path.join(path, name), folder)
            for path, folders, names in os.walk(folder)
            for name in names + [name for name in folders if os.path.islink(os.path.join(path, name))]]


def expected(name, **values):
    """A list of packaging/lists: one path in each line; # begins a comment."""
    lines = read(PACKAGING, "lists", name).splitlines()
    return [line.format(**values) for line in lines if line and not line.startswith("#")]
