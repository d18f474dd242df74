"""The ways to start a program that are compared.

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
