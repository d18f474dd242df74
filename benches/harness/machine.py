"""A short description of the machine, and how much memory is available.

SPDX-License-Identifier: MIT
"""
import os
import platform
import subprocess

from . import build, workers


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout else None


def meminfo(name):
    """A figure of /proc/meminfo, in mebibytes."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith(name + ":"))


def processor():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")),
                     platform.machine())
        hypervisor = os.path.exists("/sys/hypervisor/type")
        file.seek(0)
        hypervisor |= any(line.startswith("flags") and " hypervisor" in line for line in file)
    return f"{model}{', virtual' if hypervisor else ''}"


def module(name):
    """The version of a library, by pkg-config."""
    try:
        return build.pkg_config("--modversion", name)[0]
    except build.Missing:
        return None


def describe():
    """Names and values that matter for speed, without names of hosts or dates."""
    versions = {
        "processors": f"{len(workers.HERE)} × {processor()}",
        "memory": f"{round(meminfo('MemTotal') / 1024)} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "compiler": first_line(build.compiler(), "--version"),
        "GLib": module("glib-2.0"),
        "libuv": module("libuv"),
        "Rust": first_line(os.environ.get("RUSTC", "rustc"), "--version"),
        "Python": platform.python_version(),
        "Node.js": (first_line(os.environ.get("NODE", "node"), "--version") or "").lstrip("v"),
    }
    return {name: value for name, value in versions.items() if value}
