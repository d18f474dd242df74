"""Runs commands in the root folder of another system, in namespaces of their own.

Other processes do not see its mounts. When the command ends, for any reason, the kernel removes its mounts and
processes.
"""
import os
import subprocess

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The shell is process 1 of its namespace, so it reaps orphans.
MOUNT_AND_RUN = r"""
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
while [ "$1" != -- ]; do
    mount --bind "$1" "$root$2"
    [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
    shift 3
done
shift
set +e
"$@"
exit $?
"""


def _mount_point(root, source, target):
    """Makes the folder or the file on which something is mounted."""
    path = root + target
    if os.path.isdir(source):
        os.makedirs(path, exist_ok=True)
    elif not os.path.lexists(path) or os.path.islink(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(path):
            os.remove(path)  # a symbolic link may lead out of the root
        with open(path, "w", encoding="ascii"):
            pass


class Inside:
    """A root folder, the files of this machine that are visible in it, and the user and environment of commands."""

    def __init__(self, root, environment, user="0:0"):
        self.root = root
        self.environment = {"PATH": PATH, "LANG": "C.UTF-8", **environment}
        self.user = user
        self._binds = []
        for path in ("/etc/resolv.conf", "/etc/hosts"):
            if os.path.exists(path):
                self.bind(os.path.realpath(path), path)

    def bind(self, source, target, mode="ro"):
        """Makes a file or a folder of this machine visible inside: read-only, or with `rw` writable."""
        self._binds.append((source, target, mode))

    def command(self, script):
        """The command that runs a shell script inside."""
        binds = []
        for source, target, mode in self._binds:
            _mount_point(self.root, source, target)
            binds += [source, target, mode]
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                MOUNT_AND_RUN, "sh", self.root, *binds, "--", "chroot", f"--userspec={self.user}", self.root, "env",
                "-i", *variables, "sh", "-c", script]

    def run(self, script, log=None):
        """Runs a shell script. Returns its status and its output, which also goes into the file `log` if there is one."""
        command = self.command(script)
        if log is None:
            result = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, errors="replace")
            return result.returncode, result.stdout
        with open(log, "wb") as file:
            status = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=file,
                                    stderr=subprocess.STDOUT).returncode
        with open(log, encoding="utf-8", errors="replace") as file:
            return status, file.read()
