#!/usr/bin/env python3
"""Executes a program that can start threads, but no process: there fork() fails with an error.

usage: deny_fork.py EAGAIN PROGRAM [ARGUMENT...]

SPDX-License-Identifier: MIT
"""
import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD, IF_EQUAL, IF_SET, RETURN = 0x20, 0x15, 0x45, 0x06
NUMBER, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data
CLONE, FORK, VFORK, CLONE3 = 56, 57, 58, 435  # of x86-64
CLONE_THREAD = 0x10000

DENIED = None  # stands for the error

FILTER = [
    (LOAD, 0, 0, NUMBER),
    (IF_EQUAL, 5, 0, CLONE3),  # glibc then calls clone()
    (IF_EQUAL, 3, 0, FORK),
    (IF_EQUAL, 2, 0, VFORK),
    (IF_EQUAL, 4, 0, CLONE),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, DENIED),
    (RETURN, 0, 0, ERRNO | errno.ENOSYS),
    (RETURN, 0, 0, ALLOW),
    (LOAD, 0, 0, FIRST_ARGUMENT),
    (IF_SET, 0, 1, CLONE_THREAD),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, DENIED),
]


class Program(ctypes.Structure):
    """struct sock_fprog"""
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    denied = ERRNO | getattr(errno, sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    code = b"".join(struct.pack("=HBBI", *(denied if value is DENIED else value for value in line)) for line in FILTER)
    program = Program(len(FILTER), code)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        sys.exit(f"deny_fork: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
