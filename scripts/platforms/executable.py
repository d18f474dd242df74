#!/usr/bin/env python3
"""Runs a command in an environment where programs for another processor can be executed.

usage: executable.py EMULATOR PROGRAM COMMAND...

EMULATOR executes programs of PROGRAM's kind. The kernel is configured for that (binfmt_misc) in a user and a mount
namespace of the command's own, so the machine itself is not changed. Needs root, permission for namespaces, and Linux
6.7. If these are missing, says so, and runs the command nevertheless.

SPDX-License-Identifier: MIT
"""
import ctypes
import os
import sys

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
BINFMT = "/proc/sys/fs/binfmt_misc"
# The first 20 bytes of an ELF file: class and byte order count, then whether it is a program, and the processor.
ELF_MASK = bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff")
ELF_MASK_BIG_ENDIAN = bytes.fromhex("ffffffffffffff00fffffffffffffffffffeffff")


def call(function, *arguments):
    """A function of libc that returns 0 or sets errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function}: {os.strerror(error)}")


def register(emulator, program):
    """Configures the kernel to run such programs by the emulator."""
    call("mount", b"binfmt_misc", BINFMT.encode(), b"binfmt_misc", 0, None)
    with open(program, "rb") as file:
        head = file.read(20)
    mask = ELF_MASK if head[5] == 1 else ELF_MASK_BIG_ENDIAN
    escaped = ["".join(f"\\x{byte:02x}" for byte in text).encode() for text in (head, mask)]
    # F: the emulator is opened now, so that it is found in every root folder. P: it gets argv[0].
    with open(f"{BINFMT}/register", "wb", buffering=0) as file:
        file.write(b":emulated:M::%b:%b:%b:FP" % (*escaped, emulator.encode()))


def map_users(pid):
    """Gives a process in a new user namespace the users and groups of this one, to the last."""
    for kind in "uid_map", "gid_map":
        with open(f"/proc/self/{kind}", encoding="ascii") as file:
            ours = [line.split() for line in file]
        with open(f"/proc/{pid}/{kind}", "w", encoding="ascii") as file:
            file.write("".join(f"{first} {first} {count}\n" for first, _, count in ours))


def run_inside(emulator, program, command, say, hear):
    """In a child: the command, in namespaces. The parent, which is outside, has to map the users."""
    try:
        call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
        os.write(say, b"u")
        if os.read(hear, 1):
            register(emulator, program)
            os.write(say, b"r")
            os.execvp(command[0], command)
    except OSError as error:
        print(f"programs of this processor cannot be made executable: {error}", file=sys.stderr)
    finally:
        os._exit(127)


def main():
    emulator, program, *command = sys.argv[1:]
    hear, say = os.pipe()
    child_hear, child_say = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(child_say)
        run_inside(emulator, program, command, say, child_hear)
    os.close(say)
    ready = False
    try:
        if os.read(hear, 1):
            map_users(child)
            os.write(child_say, b"m")
            ready = os.read(hear, 1) == b"r"
    except OSError as error:
        print(f"the users of a namespace cannot be set: {error}", file=sys.stderr)
    os.close(child_say)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not ready:
        os.execvp(command[0], command)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
