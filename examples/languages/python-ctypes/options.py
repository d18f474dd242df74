#!/usr/bin/env python3
"""What a program can be given, by Process and by run(). Prints TAP.

SPDX-License-Identifier: MIT
"""
import errno
import os
import tempfile

import qemu_fork
import qemu_run
import tap
from tap import raises

NOBODY = 65534


def said(*argv, **options):
    """What a child writes to its stdout."""
    flags = qemu_fork.SPAWN_PIPE_STDOUT | (0 if "search_child_path" in options else qemu_fork.SPAWN_SEARCH_PATH)
    with qemu_fork.Process(*argv, flags=flags, **options) as process:
        with process.take_stdout() as stdout:
            text = stdout.read()
        assert str(process.wait()) == "exited with status 0", text
        return text


def files_that_the_child_opens():
    with tempfile.TemporaryDirectory() as folder:
        created = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        for _ in range(2):
            with qemu_fork.Process("/bin/sh", "-c", "cat; echo oh >&2", cwd=folder, flags=qemu_fork.SPAWN_MERGE_STDERR,
                                   files={0: "/proc/self/comm", 1: ("log", created, 0o640)}) as process:
                process.wait()
        path = os.path.join(folder, "log")
        with open(path, encoding="utf-8") as log:
            assert len(log.readlines()) == 4
        assert os.stat(path).st_mode & 0o027 == 0
        error = raises(FileNotFoundError, qemu_fork.Process, "/bin/true", files={7: os.path.join(folder, "none")})
        assert error.step == "files" and "as the child's descriptor 7" in error.strerror, error
    raises(ValueError, qemu_fork.Process, "/bin/true", files={7: "a\0b"})


def descriptors_that_the_child_does_not_have():
    assert said("sh", "-c", "test -e /proc/self/fd/0 || echo closed", closed_fds=[0, 5]) == "closed\n"


def the_path_of_the_child():
    assert said("echo", "hello", env={"PATH": "/bin"}, search_child_path=True) == "hello\n"
    error = raises(FileNotFoundError, qemu_fork.Process, "echo", env={"PATH": "/none"}, search_child_path=True)
    assert error.step == "exec", error
    raises(FileNotFoundError, qemu_run.run, ["echo"], env={"PATH": "/none"}, search_child_path=True)


def niceness():
    assert said("nice", nice=19) == "19\n"
    assert qemu_run.run(["nice"], nice=19, capture_output=True, text=True).stdout == "19\n"
    assert raises(OSError, qemu_fork.Process, "/bin/true", nice=20).errno == errno.EINVAL


def ordinary_scheduling():
    path = "/proc/self/oom_score_adj"

    def write(text):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    with open(path, encoding="ascii") as file:
        before = file.read()
    write("200")
    try:
        assert (said("cat", path), said("cat", path, clean_sched=True)) == ("200\n", "0\n")
    finally:
        write(before)


def a_user():
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    assert said("id", "-u", user=user) == f"{user}\n"
    assert said("id", "-u", user=user, keep_groups=True) == f"{user}\n"
    error = raises(OSError, qemu_fork.Process, "/bin/true", keep_groups=True)
    assert error.strerror == "cannot spawn: KEEP_GROUPS needs SET_UID", error
    if os.geteuid() == 0:
        before = os.getgroups()
        os.setgroups([4711])
        try:
            groups = said("id", "-G", user=user), said("id", "-G", user=user, keep_groups=True)
        finally:
            os.setgroups(before)
        assert ("4711" in groups[0], "4711" in groups[1]) == (False, True), groups


def the_foreground_without_a_terminal():
    error = raises(OSError, qemu_fork.Process, "/bin/true", foreground=True)
    assert (error.errno, error.step) == (errno.ENXIO, "terminal"), error


def a_cgroup_that_is_none():
    with tempfile.TemporaryFile() as file:
        for cgroup in (file, file.fileno()):
            error = raises(OSError, qemu_fork.Process, "/bin/true", cgroup=cgroup)
            assert (error.errno, error.step) == (errno.EBADF, "cgroup"), error


def an_option_that_there_is_not():
    raises(TypeError, qemu_fork.Process, "/bin/true", colour="red")
    raises(TypeError, qemu_run.run, ["true"], colour="red")


if __name__ == "__main__":
    tap.main([files_that_the_child_opens, descriptors_that_the_child_does_not_have, the_path_of_the_child, niceness,
              ordinary_scheduling, a_user, the_foreground_without_a_terminal, a_cgroup_that_is_none,
              an_option_that_there_is_not])
