"""The goals, and the contests that show whether they are met.

A contest is a few operations that take part in the same rounds. While a limit lies within what a median is known to,
there are more rounds, each few of them with new processes, until the time is up.

SPDX-License-Identifier: MIT
"""
import contextlib
import dataclasses
import os
import subprocess
import time

from . import figures, progress
from .peers import BARE, OURS, YARDSTICK
from .rounds import Party, play
from .scenarios import large, most_descriptors
from .workers import Failed, Setting, Worker

MOST_BYTES = 80 * 1024
SMALL, LOOSE = Setting(), Setting(bound=False)


@dataclasses.dataclass
class Contest:
    """@entries: name, setting, command and times in a batch, for each contestant."""
    name: str
    rounds: int
    entries: list
    heavy: bool = False  # it takes seconds to make ready
    groups: list = dataclasses.field(default_factory=list)
    seconds: float = 0

    def more(self, programs):
        """Runs some more rounds, in new processes: one for each setting."""
        begin = time.monotonic()
        with contextlib.ExitStack() as stack:
            workers = {setting: stack.enter_context(Worker(programs, "core", setting))
                       for setting in dict.fromkeys(entry[1] for entry in self.entries)}
            parties = [Party(name, workers[setting], command, times) for name, setting, command, times in self.entries]
            self.groups.append(list(play(parties, self.rounds, len(self.groups))))
        self.seconds += time.monotonic() - begin


@dataclasses.dataclass
class Goal:
    """@figure: of a round. @limit: at most that; @least: at least that. @bare: the same figure of the bare system
    calls, which is what can be expected on this machine."""
    what: str
    contest: Contest
    figure: object
    limit: float
    bare: object = None
    least: bool = False

    def groups(self):
        return [[self.figure(sums) for sums in group] for group in self.contest.groups]

    def met(self):
        median = figures.spread([value for group in self.groups() for value in group])[0]
        return median >= self.limit if self.least else median <= self.limit

    def decided(self):
        low, high = figures.interval(self.groups())
        return not low <= self.limit <= high

    def outcome(self):
        values = [value for group in self.groups() for value in group]
        median, p10, p90 = figures.spread(values)
        low, high = figures.interval(self.groups())
        return {"what": self.what, "limit": self.limit, "least": self.least, "median": median, "p10": p10, "p90": p90,
                "low": low, "high": high, "rounds": len(values), "met": self.met(), "decided": self.decided(),
                "bare": self.bare and figures.spread([self.bare(sums) for group in self.contest.groups
                                                      for sums in group])[0]}


def ratio(above, below):
    return lambda sums: sums[above] / sums[below]


def added(above, below, base):
    """The cost that one adds to a base, in units of the cost that the other adds."""
    return lambda sums: (sums[above] - sums[base]) / (sums[below] - sums[base])


def in_sigactions(above):
    """The cost that one adds to fork(), in raw rt_sigactions."""
    return lambda sums: (sums[above] - sums["fork_done"]) / sums["raw_sigaction"]


def probes(*names, times=20):
    return [(name, SMALL, f"probe {name}", times) for name in names]


def spawns(setting, *names, prefix="", mode="done", times=0):
    return [(prefix + name, setting, f"time {mode} {name}", times) for name in names]


def contests_and_goals(results, quick):
    """All goals but those of the file itself."""
    forks = Contest("fork", 5, probes("fork_return", "fork_done", "qemu_fork_return", "qemu_fork_done",
                                      "bare_fork_return", "bare_fork_done", "qemu_c_done", "raw_sigaction"))
    spawn = Contest("spawn", 8, spawns(SMALL, OURS, YARDSTICK, BARE, "vfork"))
    thousand = Contest("1,000 descriptors", 6, spawns(Setting(descriptors=1000), OURS, YARDSTICK, BARE))
    number = most_descriptors()
    many = Contest(f"{number:,} descriptors", 4, spawns(Setting(descriptors=number), OURS, YARDSTICK, BARE)
                   + spawns(SMALL, OURS, prefix="small "))
    # All of the parent's descriptors have FD_CLOEXEC, so that posix_spawn's child has none of them either.
    pipes = Contest(f"a pipe, {number:,} descriptors", 4,
                    spawns(Setting(descriptors=number), OURS, YARDSTICK, mode="captured"))
    zombies = Contest("zombies", 6, probes("zombie_waitpid", "zombie_bare", "zombie_wait", "zombie_wait_free"))
    ends = Contest("ends", 8, probes("end_waitpid", "end_bare", "end_wait"))
    lines = Contest("runs", 6, probes("line_by_hand", "line_run", "line_run_limited"))
    much = Contest("much output", 1 if quick else 3, [(name, LOOSE, f"probe {name}", 1) for name in (
        "much_out_bare", "much_out_run", "in_and_out_bare", "in_and_out_run")], heavy=True)
    hundred = Contest("100 runs", 2, [(name, LOOSE, f"probe {name}", 2) for name in ("runs_in_turn", "runs_at_once")])
    held = Contest("a held pipe", 2, probes("held_run", times=1))
    crowd = Contest("crowd", 3, spawns(LOOSE, OURS, YARDSTICK, mode="crowd-32", times=8))
    goals = [
        Goal("qemu_fork to fork(): return", forks, ratio("qemu_fork_return", "fork_return"), 1.02,
             ratio("bare_fork_return", "fork_return")),
        Goal("qemu_fork to fork(): until reaped", forks, ratio("qemu_fork_done", "fork_done"), 1.11,
             ratio("bare_fork_done", "fork_done")),
        Goal("qemu_fork to QEMU's way in C, until reaped", forks, ratio("qemu_fork_done", "qemu_c_done"), 0.95,
             ratio("bare_fork_done", "qemu_c_done")),
        Goal("what qemu_fork adds, to what the C adds", forks,
             added("qemu_fork_done", "qemu_c_done", "fork_done"), 0.65,
             added("bare_fork_done", "qemu_c_done", "fork_done")),
        Goal("what qemu_fork adds, in raw rt_sigactions", forks, in_sigactions("qemu_fork_done"), 72,
             in_sigactions("bare_fork_done")),
        Goal("qemu_spawn to posix_spawn, 10 descriptors", spawn, ratio(OURS, YARDSTICK), 0.95, ratio(BARE, YARDSTICK)),
        Goal("the same, 1,000 descriptors", thousand, ratio(OURS, YARDSTICK), 0.52, ratio(BARE, YARDSTICK)),
        Goal(f"the same, {number:,} descriptors", many, ratio(OURS, YARDSTICK), 0.05,
             ratio(BARE, YARDSTICK)),
        Goal(f"with a pipe, {number:,} descriptors", pipes, ratio(OURS, YARDSTICK), 1.00),
        Goal(f"qemu_spawn, {number:,} descriptors to 10", many, ratio(OURS, f"small {OURS}"), 1.10),
        Goal("qemu_spawn to vfork and exec", spawn, ratio(OURS, "vfork"), 1.20, ratio(BARE, "vfork")),
        Goal("32 threads spawning: posix_spawn to qemu_spawn", crowd, ratio(YARDSTICK, OURS), 1.30, least=True),
        Goal("qemu_process_wait of a zombie to waitpid", zombies, ratio("zombie_wait", "zombie_waitpid"), 1.08,
             ratio("zombie_bare", "zombie_waitpid")),
        Goal("the same, wait and free", zombies, ratio("zombie_wait_free", "zombie_waitpid"), 1.90),
        Goal("from the end to the return, to waitpid", ends, ratio("end_wait", "end_waitpid"), 1.05,
             ratio("end_bare", "end_waitpid")),
    ]
    goals += [
        Goal("qemu_run, a line, to spawn, read and wait", lines, ratio("line_run", "line_by_hand"), 1.10),
        Goal("the same with a limit of time", lines, ratio("line_run_limited", "line_by_hand"), 1.25),
        Goal("qemu_run, 256 MiB out: throughput to a bare loop", much, ratio("much_out_bare", "much_out_run"), 0.95,
             least=True),
        Goal("the same, in and out through cat", much, ratio("in_and_out_bare", "in_and_out_run"), 0.95, least=True),
        Goal("100 runs at once to one after the other", hundred, ratio("runs_at_once", "runs_in_turn"), 0.60),
        Goal("a held pipe: milliseconds until the result", held, lambda sums: sums["held_run"] / 1e6, 120),
    ]
    size = large(12288)
    if size:
        big = Contest("memory", 12 if quick else 20,
                      spawns(Setting(mebibytes=size), OURS) + spawns(SMALL, OURS, prefix="small "), heavy=True)
        goals.append(Goal(f"qemu_spawn, {size} MiB to 2 MiB", big, ratio(OURS, f"small {OURS}"), 1.03))
    else:
        results.skip("the goal of a large parent", "too little memory is free")
    size = large(2048)
    if size:
        stall = Contest("stall", 20, spawns(Setting(mebibytes=size), "idle", OURS, mode="faults", times=9)
                        + spawns(Setting(mebibytes=size), "fork", mode="faults", times=1), heavy=True)
        goals.append(Goal(f"worst stall beside a spawn from {size} MiB, to idle", stall, ratio(OURS, "idle"), 1.25))
    else:
        results.skip("the goal of a stall", "too little memory is free")
    return goals


def measure(programs, results, quick, seconds):
    """The outcomes of all goals, after the given number of seconds or a little more."""
    deadline = time.monotonic() + seconds
    goals = contests_and_goals(results, quick)
    contests = list({id(goal.contest): goal.contest for goal in goals}.values())

    def more(contest):
        progress.tell(f"the goals: {contest.name}")
        try:
            contest.more(programs)
        except Failed as why:
            results.fail(f"some rounds of the goals: {contest.name}", str(why))
    for contest in contests:
        for _ in range((1 if quick else 2) if contest.heavy else (4 if quick else 10)):
            if not contest.groups or time.monotonic() < deadline:
                more(contest)
    goals = [goal for goal in goals if goal.contest.groups]
    while time.monotonic() < deadline:
        open_ones = {id(goal.contest): goal.contest for goal in goals if not goal.decided()}.values()
        open_ones = [contest for contest in open_ones if not contest.heavy or len(contest.groups) < 3]
        if not open_ones:
            break
        more(min(open_ones, key=lambda contest: contest.seconds))
    return [goal.outcome() for goal in goals] + file_goals(programs)


def exactly(what, limit, value):
    return {"what": what, "limit": limit, "least": False, "median": value, "p10": value, "p90": value, "low": value,
            "high": value, "rounds": 1, "met": value <= limit, "decided": True, "bare": None}


def file_goals(programs):
    """The goals of the library's file."""
    stripped = programs.counts + ".stripped.so"
    subprocess.run(["strip", "-o", stripped, programs.library], check=True)
    size = os.path.getsize(stripped)
    os.remove(stripped)
    dynamic = subprocess.run(["readelf", "-d", programs.library], capture_output=True, text=True, check=True).stdout
    needed = [line for line in dynamic.splitlines() if "(NEEDED)" in line and "[libc.so" not in line]
    return [exactly("bytes of the stripped library", MOST_BYTES, size),
            exactly("libraries that it needs beside libc", 0, len(needed))]
