"""The ways to start a program, and the ways to run one to its end, that are compared.

SPDX-License-Identifier: MIT
"""
import collections

# kind: the worker that knows it. group: peers of one group share a process. copies: whether it copies the parent; such
# a peer has a process of its own, because it changes the state of the memory for the next one.
Peer = collections.namedtuple("Peer", "name label kind group copies", defaults=(False,))

OURS = "qemu_spawn"
YARDSTICK = "posix_spawn_clean"
BARE = "bare"

PEERS = {peer.name: peer for peer in [
    Peer("qemu_spawn", "qemu_spawn", "core", "light"),
    Peer("qemu_run", "qemu_run", "core", "light"),
    Peer("bare", "qemu_spawn's calls, bare", "core", "light"),
    Peer("vfork", "vfork + exec (the floor)", "core", "light"),
    Peer("posix_spawn", "posix_spawn", "core", "light"),
    Peer("posix_spawn_clean", "posix_spawn, signals reset", "core", "light"),
    Peer("rust", "Rust Command", "rust", "rust"),
    Peer("fork", "fork + exec", "core", "fork", True),
    Peer("qemu_fork", "qemu_fork + exec", "core", "qemu_fork", True),
    Peer("qemu_c", "QEMU's own, in C + exec", "core", "qemu_c", True),
    Peer("g_spawn_open", "g_spawn_async, fds left open", "glib", "glib-light"),
    Peer("g_spawn_async", "g_spawn_async", "glib", "glib", True),
    Peer("uv_spawn", "uv_spawn", "uv", "uv", True),
    Peer("system", "system", "core", "shell"),
    Peer("popen", "popen", "core", "shell"),
    Peer("python", "Python subprocess", "python", "python"),
]}

# Peers are left out where they are the same as another: qemu_fork with captured output is fork with captured output.
CAPTURE = ("qemu_spawn", "qemu_run", "posix_spawn_clean", "rust", "fork", "g_spawn_async", "uv_spawn", "popen", "python")
THREADS = ("qemu_spawn", "posix_spawn_clean", "rust", "fork", "g_spawn_async", "uv_spawn", "python")
STALL = ("qemu_spawn", "posix_spawn_clean", "vfork", "rust", "fork", "qemu_fork", "g_spawn_async", "uv_spawn")
HUGE = ("qemu_spawn", "posix_spawn_clean", "fork")

# @kinds: the kinds of runs that it knows, without their numbers: worker/runs.c lists them.
Runner = collections.namedtuple("Runner", "name label kind group copies kinds")

BY_HAND, BARE_LOOP = "by_hand", "bare_loop"
RUN, RUN_LIMITED, RUN_SINK = "qemu_run", "qemu_run_limited", "qemu_run_sink"
ALL_KINDS = ("line", "out", "through", "many", "held")

RUNNERS = {runner.name: runner for runner in [
    Runner(RUN, "qemu_run", "core", "light", False, ALL_KINDS),
    Runner(RUN_LIMITED, "qemu_run with a limit of time", "core", "light", False, ("line",)),
    Runner(RUN_SINK, "qemu_run, to a function", "core", "light", False, ("line", "out", "through", "held")),
    Runner(BY_HAND, "qemu_spawn, read() and wait", "core", "light", False, ("line",)),
    Runner(BARE_LOOP, "qemu_spawn and a loop of poll()", "core", "light", False, ALL_KINDS),
    Runner("rust", "Rust Command", "rust", "rust", False, ALL_KINDS),
    Runner("g_spawn_sync", "g_spawn_sync", "glib", "glib", True, ("line", "out", "held")),
    Runner("g_subprocess", "GSubprocess", "gio", "gio", True, ALL_KINDS),
    Runner("popen", "popen", "core", "shell", False, ("line", "out", "many", "held")),
    Runner("python", "Python subprocess", "python", "python", False, ALL_KINDS),
    Runner("node", "Node child_process", "node", "node", True, ALL_KINDS),
]}
# What a run is compared with: what others have made.
OTHERS = tuple(name for name in RUNNERS if name not in (RUN, RUN_LIMITED, RUN_SINK, BY_HAND, BARE_LOOP))


def runners(kind):
    """The names of those that know a kind of runs, such as line or out-256."""
    return tuple(name for name, runner in RUNNERS.items() if kind.split("-")[0] in runner.kinds)


def either(name):
    """A peer or a runner. Those of the same name are the same library."""
    return PEERS.get(name) or RUNNERS[name]
