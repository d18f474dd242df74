"""A small Debian of any release in a folder, by debootstrap."""
import os
import shutil

from . import fetch
from .build import run
from .report import Failure, Skip

MIRROR = "http://deb.debian.org/debian"


def make(suite, folder, packages):
    """Makes one, with these packages and what they need. What the archive does not give is a Skip."""
    if os.geteuid() != 0:
        raise Skip(f"not root: debootstrap cannot make a Debian {suite}")
    if not shutil.which("debootstrap"):
        fetch.packages("debootstrap")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        # Its mounts are removed with the namespace, however it ends.
        run(["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, folder,
             MIRROR])
    except Failure as failure:
        lines = [line for line in str(failure).splitlines() if line.startswith(("E:", "W:"))]
        shutil.rmtree(folder, ignore_errors=True)
        raise Skip(f"debootstrap cannot make a Debian {suite} from {MIRROR}: "
                   + " ".join(lines[-2:] or str(failure).splitlines()[-2:])) from None
