"""Programs outside this tree that find the library as C programs do: packaging/consumer, by CMake and by a Meson wrap."""
import os
import shutil

from platforms import fetch

from . import run
from .run import EXPECTED_OUTPUT, PACKAGING, ROOT

CONSUMER = os.path.join(PACKAGING, "consumer")


def _prints(report, what, program, **more):
    found, wanted = run.run(program, **more), run.read(EXPECTED_OUTPUT)
    report.check(what, found == wanted, f"{found}instead of\n{wanted}")


def cmake(report, build, root, libdir):
    """FindPkgConfig's imported target."""
    if not shutil.which("cmake"):
        fetch.packages("cmake")
    folder = os.path.join(build.folder, "cmake")
    shutil.rmtree(folder, ignore_errors=True)
    env = {"PKG_CONFIG_LIBDIR": os.path.join(libdir, "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": root,
           "PKG_CONFIG": build.pkg_config}
    run.run("cmake", "-S", CONSUMER, "-B", folder, env=env)
    run.run("cmake", "--build", folder, env=env)
    recipe = run.read(CONSUMER, "CMakeLists.txt").partition("\n\n")[2]
    report.check("docs/guide/packages.md has the recipe", recipe in run.read(ROOT, "docs", "guide", "packages.md"))
    _prints(report, "a CMake project finds it by FindPkgConfig", os.path.join(folder, "spawn"),
            env={"LD_LIBRARY_PATH": libdir})


def wrap(report, build, archive):
    """A Meson project that builds the library itself, from the source archive, as packaging/qemu-fork.wrap says."""
    folder = os.path.join(build.folder, "wrap")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CONSUMER, folder)
    os.makedirs(os.path.join(folder, "subprojects", "packagefiles"))
    shutil.copy(os.path.join(PACKAGING, "qemu-fork.wrap"), os.path.join(folder, "subprojects"))
    shutil.copy(archive, os.path.join(folder, "subprojects", "packagefiles"))
    run.run("meson", "setup", "--wrap-mode=forcefallback", "build", cwd=folder)
    run.run("meson", "compile", "-C", "build", cwd=folder)
    report.built.append("subproject")
    _prints(report, "a Meson project builds it by the wrap file", os.path.join(folder, "build", "spawn"))
