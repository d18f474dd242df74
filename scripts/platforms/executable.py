#!/usr/bin/env python3
"""Runs a command where programs for another processor are executed as if they were the machine's own.

usage: executable.py EMULATOR PROGRAM COMMAND...

EMULATOR runs what PROGRAM is: that is told to the kernel (binfmt_misc) in a user and a mount namespace of the command's
own, so the machine stays as it is. Needs root, or rather to be allowed such namespaces, and Linux 6.7. Where that is
not so, says why, and runs the command all the same.

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
    """A function of libc that answers with 0 or sets errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function}: {os.strerror(error)}")


def enter_namespaces():
    """Goes into namespaces with the same users as outside. Somebody outside has to say so: a child."""
    ready, done = os.pipe(), os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(ready[1])
            if os.read(ready[0], 1):
                for kind in "uid_map", "gid_map":
                    with open(f"/proc/{parent}/{kind}", "w", encoding="ascii") as file:
                        file.write("0 0 4294967295")
                status = 0
        finally:
            os._exit(status)
    os.close(ready[0])
    try:
        call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
        os.write(ready[1], b"!")
    finally:
        os.close(ready[1])
        status = os.waitpid(child, 0)[1]
    if status != 0:
        raise OSError("the users of the namespace cannot be set")


def register(emulator, program):
    """Has the kernel run such programs by the emulator."""
    call("mount", b"binfmt_misc", BINFMT.encode(), b"binfmt_misc", 0, None)
    with open(program, "rb") as file:
        head = file.read(20)
    mask = ELF_MASK if head[5] == 1 else ELF_MASK_BIG_ENDIAN
    escaped = ["".join(f"\\x{byte:02x}" for byte in text).encode() for text in (head, mask)]
    # F: the emulator is opened now, so that it is found in every root folder. P: it is told argv[0].
    with open(f"{BINFMT}/register", "wb", buffering=0) as file:
        file.write(b":emulated:M::%b:%b:%b:FP" % (*escaped, emulator.encode()))


def main():
    emulator, program, *command = sys.argv[1:]
    try:
        enter_namespaces()
        register(emulator, program)
    except OSError as error:
        print(f"programs of this processor cannot be made executable: {error}", file=sys.stderr)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
