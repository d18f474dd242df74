#!/usr/bin/env python3
"""A worker whose peer is Python's subprocess, as its users see it: what worker/main.c is for the others.

SPDX-License-Identifier: MIT
"""
import argparse
import ctypes
import mmap
import os
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time

MARK_START, MARK_RETURNED, MARK_REAPED = 0x70760000, 0x70760001, 0x70760002
TOO_MANY = 20
SAID = b"what the parent captures\n"
MIB = 1 << 20


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("tiny", "say", "stamp", "end", "look", "hold", "between-marks"):
        parser.add_argument(f"--{name}")
    for name, default in (("mebibytes", 0), ("descriptors", 0), ("bystanders", 0), ("processor", -1),
                          ("other-processor", -1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--huge-pages", action="store_true")
    return parser.parse_args()


def take_memory(mebibytes, huge_pages):
    """Touched memory; it lives as long as what is returned."""
    if not mebibytes:
        return None
    memory = mmap.mmap(-1, mebibytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE if huge_pages else mmap.MADV_NOHUGEPAGE)
    ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(memory)), 1, mebibytes << 20)
    return memory


def take_descriptors(number):
    if number > 900:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for _ in range(3, number):
        os.open("/dev/null", os.O_RDONLY)


def huge_mebibytes():
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        return next((int(line.split()[1]) // 1024 for line in file if line.startswith("AnonHugePages:")), 0)


class Worker:
    def __init__(self, args):
        self.args = args
        self.box = os.memfd_create("mailbox")
        self.path = f"/proc/{os.getpid()}/fd/{self.box}"
        self.input = b""

    def one(self, argv):
        begin = time.monotonic_ns()
        child = subprocess.Popen(argv)
        returned = time.monotonic_ns()
        if child.wait() != 0:
            raise RuntimeError("the child failed")
        return begin, returned, time.monotonic_ns()

    def several(self, argv, times):
        """The first one of a batch is not counted."""
        if times > 1:
            self.one(argv)
        return [self.one(argv) for _ in range(times)]

    def done(self, times):
        return [end - begin for begin, _, end in self.several([self.args.tiny], times)]

    def returned(self, times):
        return [returned - begin for begin, returned, _ in self.several([self.args.tiny], times)]

    def first(self, times):
        times_taken = []
        for _ in range(times + 1):
            begin, _, _ = self.one([self.args.stamp, self.path])
            times_taken.append(int.from_bytes(os.pread(self.box, 8, 0), sys.byteorder) - begin)
        return times_taken[1:]

    def captured(self, times):
        times_taken = []
        for _ in range(times + 1):
            begin = time.monotonic_ns()
            if subprocess.run([self.args.say], stdout=subprocess.PIPE, check=True).stdout != SAID:
                raise RuntimeError("it said something else")
            times_taken.append(time.monotonic_ns() - begin)
        return times_taken[1:]

    def job(self, kind, number):
        """Runs something of a kind, which runs.c lists. Returns whether it wrote what is expected."""
        if kind == "many":
            children = [subprocess.Popen([self.args.say], stdout=subprocess.PIPE) for _ in range(number)]
            return all(child.communicate()[0] == SAID for child in children)
        if kind == "through":
            done = subprocess.run(["/bin/cat"], input=self.much(number * MIB), stdout=subprocess.PIPE, check=True)
            return len(done.stdout) == number * MIB
        argv = [self.args.hold if kind == "held" else self.args.say, *([str(number)] if number else [])]
        out = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
        return len(out) == number * MIB if kind == "out" else out == SAID

    def much(self, size):
        """It is there before the clock starts."""
        if len(self.input) != size:
            self.input = b"x" * size
        return self.input

    def runs(self, what, times):
        kind, _, number = what.partition("-")
        number = int(number or 0)
        if kind == "through":
            self.much(number * MIB)
        times_taken = []
        for _ in range(times if times == 1 else times + 1):
            begin = time.monotonic_ns()
            if not self.job(kind, number):
                raise RuntimeError("not the output that was expected")
            times_taken.append((time.monotonic_ns() - begin) / (number if kind == "many" else 1))
        return times_taken[-times:]

    def crowd(self, times, number):
        barrier = threading.Barrier(number + 1)

        def member():
            barrier.wait()
            for _ in range(times):
                self.one([self.args.tiny])
        threads = [threading.Thread(target=member) for _ in range(number)]
        for thread in threads:
            thread.start()
        barrier.wait()
        begin = time.monotonic_ns()
        for thread in threads:
            thread.join()
        return [(time.monotonic_ns() - begin) / number / times]

    def promises(self):
        some = {signal.SIGUSR1, signal.SIGRTMIN}
        old = signal.pthread_sigmask(signal.SIG_BLOCK, some)
        ignored = {which: signal.signal(which, signal.SIG_IGN)
                   for which in (signal.SIGPIPE, signal.SIGUSR2, signal.SIGRTMAX)}
        fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(TOO_MANY)]
        for fd in fds:
            os.set_inheritable(fd, True)
        os.ftruncate(self.box, 0)
        subprocess.run([self.args.look, self.path], check=True)
        seen = os.pread(self.box, 128, 0).decode().strip()
        try:
            subprocess.run(["/nowhere/there-is-no-such-program"], check=True)
            told = "untold"
        except FileNotFoundError:
            told = "told"
        for fd in fds:
            os.close(fd)
        for which, handler in ignored.items():
            signal.signal(which, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, old)
        return f"{seen} {told}"

    def page_faults(self):
        faults = lambda who: resource.getrusage(who).ru_minflt
        self.done(3)
        runs = []
        for _ in range(21):
            before = faults(resource.RUSAGE_SELF), faults(resource.RUSAGE_CHILDREN)
            self.one([self.args.tiny])
            runs.append((faults(resource.RUSAGE_SELF) - before[0], faults(resource.RUSAGE_CHILDREN) - before[1]))
        return " ".join(f"{statistics.median(figures):.0f}" for figures in zip(*runs))

    def between_marks(self):
        mark = ctypes.CDLL(None).syscall
        self.done(3)
        mark(MARK_START)
        child = subprocess.Popen([self.args.tiny])
        mark(MARK_RETURNED)
        child.wait()
        mark(MARK_REAPED)

    def obey(self, line):
        words = line.split()
        if words[0] == "promises":
            return self.promises()
        if words[0] == "page-faults":
            return self.page_faults()
        _, mode, _, times = words
        times = int(times)
        if words[0] == "run":
            taken = self.runs(mode, times)
        elif mode.startswith("crowd-"):
            taken = self.crowd(times, int(mode[len("crowd-"):]))
        else:
            taken = {"done": self.done, "return": self.returned, "first": self.first,
                     "captured": self.captured}[mode](times)
        return f"{statistics.median(taken):.1f}"


def main():
    args = arguments()
    memory = take_memory(args.mebibytes, args.huge_pages)
    take_descriptors(args.descriptors)
    for _ in range(args.bystanders):
        threading.Thread(target=lambda: [time.sleep(0.001) for _ in iter(int, 1)], daemon=True).start()
    if args.processor >= 0:
        os.sched_setaffinity(0, {args.processor})
    worker = Worker(args)
    print("ready", huge_mebibytes(), flush=True)
    if args.between_marks:
        worker.between_marks()
        return
    for line in sys.stdin:
        print(worker.obey(line), flush=True)
    del memory


if __name__ == "__main__":
    main()
