"""Platforms for which nothing can be linked on this machine: the compiler and clippy check the code."""
import os
import subprocess

from . import fetch
from .build import ROOT
from .report import Failure


def environment(rust, target, arguments):
    """The environment in which `cargo check` is clippy."""
    return rust.environment(target, RUSTC_WORKSPACE_WRAPPER=os.path.join(rust.root, "bin", "clippy-driver"),
                            CLIPPY_ARGS=arguments + "__CLIPPY_HACKERY__")


def clippy(report, rust, target, folder):
    """Both modes of the Error API, with the features that Meson uses. clippy compiles as far as cargo check does."""
    for mode, features in (("provider", "capi"), ("host", "capi,host-error")):
        env = environment(rust, target, "-Dwarnings")
        result = subprocess.run(["cargo", "check", "--quiet", "--locked", "--package", "qemu-fork-capi", "--lib",
                                 "--no-default-features", "--features", features, "--target", target,
                                 "--manifest-path", os.path.join(ROOT, "Cargo.toml"), "--target-dir", folder],
                                check=False, capture_output=True, text=True, env=env)
        report.check(f"{mode}: cargo check and clippy for {target} have no complaint", result.returncode == 0,
                     result.stdout + result.stderr)


def control(report, rust, target, folder):
    """Checks that clippy runs, and that a warning is an error, by a lint that the code does not follow."""
    env = environment(rust, target, "-Dclippy::missing_inline_in_public_items")
    result = subprocess.run(["cargo", "check", "--quiet", "--locked", "--package", "qemu-fork-capi", "--lib",
                             "--no-default-features", "--features", "capi", "--target", target,
                             "--manifest-path", os.path.join(ROOT, "Cargo.toml"), "--target-dir", folder],
                            check=False, capture_output=True, text=True, env=env)
    report.check("a lint that the code does not keep to is noticed",
                 result.returncode != 0 and "missing `#[inline]`" in result.stderr, result.stderr)


class Platform:
    """A row whose code is only checked."""

    packages = ()

    def __init__(self, target):
        self.target = target

    def __call__(self, report, folder):
        rust = fetch.Rust()
        os.makedirs(folder, exist_ok=True)
        clippy(report, rust, self.target, folder)
        if report.failures:
            raise Failure(f"{self.target} does not compile without complaints")
        control(report, rust, self.target, folder)
        report.built.append("checked")


ROWS = {
    "x86_64-macos": Platform("x86_64-apple-darwin"),
    "aarch64-macos": Platform("aarch64-apple-darwin"),
    "x86_64-freebsd": Platform("x86_64-unknown-freebsd"),
    "x86_64-netbsd": Platform("x86_64-unknown-netbsd"),
    "x86_64-openbsd": Platform("x86_64-unknown-openbsd"),
}
