"""The options of a program in Python's words, as both bindings give them to C.

SPDX-License-Identifier: MIT
"""
import qemu_outcome as outcome


def members(constants, flags=0, cwd=None, env=None, fds=(), files=None, closed_fds=(), user=None, keep_groups=False,
            nice=None, clean_sched=False, foreground=False, cgroup=None,
            search_child_path=False):  # pylint: disable=too-many-arguments,too-many-locals
    """The members of QemuSpawnOptions. `constants` has those of the header.

    fds: pairs of our descriptor and the child's. closed_fds: those that the child does not have. files: for each of the
    child's descriptors a path, or a path, os.O_ flags and a mode; the child opens them, as its user and in its working
    directory. user: a user id, without our groups unless with keep_groups. nice: the value itself. cgroup: an open
    directory of a cgroup2. search_child_path: PATH is the one in env.
    """
    wanted = {
        constants.SPAWN_SET_UID: user is not None, constants.SPAWN_KEEP_GROUPS: keep_groups,
        constants.SPAWN_SET_NICE: nice is not None, constants.SPAWN_CLEAN_SCHED: clean_sched,
        constants.SPAWN_FOREGROUND: foreground, constants.SPAWN_INTO_CGROUP: cgroup is not None,
        constants.SPAWN_SEARCH_CHILD_PATH: search_child_path,
    }
    if search_child_path:
        flags &= ~constants.SPAWN_SEARCH_PATH
    return {
        "flags": flags | sum(flag for flag, chosen in wanted.items() if chosen),
        "cwd": None if cwd is None else outcome.encoded(cwd),
        "env": None if env is None else outcome.environment(env),
        "fds": [*fds, *((constants.SPAWN_FD_CLOSED, target) for target in closed_fds)],
        "files": [_file(target, file) for target, file in (files or {}).items()],
        "uid": user or 0, "nice": nice or 0, "cgroup_fd": _descriptor(cgroup),
    }


def _file(target, file):
    """The members of QemuSpawnFile."""
    path, flags, mode = file if isinstance(file, tuple) else (file, 0, 0)
    return target, outcome.encoded(path), flags, mode


def _descriptor(file):
    if file is None or isinstance(file, int):
        return file or 0
    return file.fileno()
