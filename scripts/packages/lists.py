"""The contents of the source archive, of the crate, and of what `meson install` makes."""
import glob
import os
import shutil

from . import run
from .run import ROOT


def source(report, build):
    """`meson dist`: the files that git has, at the expected places. Returns the path of the archive."""
    for old in glob.glob(os.path.join(build.provider, "meson-dist", "*")):
        os.remove(old)
    run.run("meson", "dist", "--no-tests", "--allow-dirty", "-C", build.provider)
    archive, = glob.glob(os.path.join(build.provider, "meson-dist", "*.tar.xz"))
    report.built.append(os.path.basename(archive))
    names = [name for name in run.run("tar", "-tf", archive).splitlines() if not name.endswith("/")]
    top = f"qemu-fork-{run.version()}/"
    report.check("the source archive has one folder", all(name.startswith(top) for name in names))
    names = [name[len(top):] for name in names]
    tracked = run.run("git", "-C", ROOT, "ls-tree", "-r", "--name-only", "-z", "HEAD").split("\0")
    report.same("the source archive has what git has", names, filter(None, tracked))
    report.same("at its top: packaging/lists/source.txt", {name.split("/")[0] for name in names},
                run.expected("source.txt"))
    return archive


def crate(report, build):
    """`cargo package`: the files, and that it builds. The C library is another package, capi."""
    package = ["cargo", "package", "--package", "qemu-fork", "--allow-dirty", "--locked"]
    names = run.run(*package, "--list", cwd=ROOT).splitlines()
    sources = run.run("git", "-C", ROOT, "ls-files", "src").splitlines()
    papers = [name for name in names if not name.startswith("src/")]
    report.same("the crate has src as git has it", set(names) - set(papers), sources)
    report.same("and besides it: packaging/lists/crate.txt", set(papers) - {".cargo_vcs_info.json"},
                run.expected("crate.txt"))
    run.run(*package, "--quiet", "--target-dir", os.path.join(build.folder, "crate"), cwd=ROOT)
    report.built.append(f"qemu-fork-{run.version()}.crate")
    report.check("the crate builds by itself", True)


def installed(report, build):
    """`meson install`, in both modes. Returns where the provider library is installed."""
    for mode in ("host", "provider"):
        root = os.path.join(build.folder, "installed", mode)
        shutil.rmtree(root, ignore_errors=True)
        run.run("meson", "install", "--no-rebuild", "-C", getattr(build, mode), "--destdir", root)
        # lib, lib64 or Debian's: Meson chooses.
        libdir = os.path.relpath(glob.glob(os.path.join(root, "usr", "**", "libqemu_fork*.a"),
                                           recursive=True)[0], root).rsplit("/", 1)[0]
        report.built.append(mode)
        report.same(f"installed in {mode} mode: packaging/lists/installed-{mode}.txt", run.files_below(root),
                    [os.path.join("usr", name) for name in run.expected(f"installed-{mode}.txt", version=run.version(),
                                                                        libdir=os.path.relpath(libdir, "usr"))])
    return root, os.path.join(root, libdir)
