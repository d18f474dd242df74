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
from .peers import BARE, BARE_LOOP, BY_HAND, OTHERS, OURS, RUN, RUN_LIMITED, RUN_SINK, YARDSTICK, either
from .rounds import Party, play
from .scenarios import CROWD, LOOSE, SMALL, large, most_descriptors
from .workers import Failed, Setting, Worker

MOST_BYTES = 80 * 1024
LINGER_MS, LATE_MS = 100, 20


@dataclasses.dataclass(frozen=True)
class Entry:
    """A contestant: its name in the figures, and what a worker is told, so many times in a batch."""
    name: str
    setting: Setting
    command: str
    times: int = 0
    kind: str = "core"


@dataclasses.dataclass
class Contest:
    name: str
    rounds: int
    entries: list
    heavy: bool = False  # it takes seconds to make ready
    groups: list = dataclasses.field(default_factory=list)
    seconds: float = 0

    def more(self, programs):
        """Some more rounds, in new processes: one for each kind and setting. What the machine lacks is left out."""
        begin = time.monotonic()
        with contextlib.ExitStack() as stack:
            entries = [entry for entry in self.entries if entry.kind in programs.workers]
            workers = {place: stack.enter_context(Worker(programs, *place))
                       for place in dict.fromkeys((entry.kind, entry.setting) for entry in entries)}
            parties = [Party(entry.name, workers[entry.kind, entry.setting], entry.command, entry.times)
                       for entry in entries]
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
                "low": low, "high": high, "rounds": len(values), "exact": False,
                "met": self.met(), "decided": self.decided(),
                "bare": self.bare and figures.spread([self.bare(sums) for group in self.contest.groups
                                                      for sums in group])[0]}


def ratio(above, below):
    return lambda sums: sums[above] / sums[below]


def best(ours, theirs):
    """To the fastest of the others in that round."""
    return lambda sums: sums[ours] / min(sums[name] for name in theirs if name in sums)


def probes(*names, times=20):
    return [Entry(name, SMALL, f"probe {name}", times) for name in names]


def spawns(setting, *names, prefix="", mode="done", times=0):
    return [Entry(prefix + name, setting, f"time {mode} {name}", times) for name in names]


def runs(kind, *names, setting=LOOSE, times=1, prefix=""):
    return [Entry(prefix + name, setting, f"run {kind} {name}", times, either(name).kind) for name in names]


def contests_and_goals(results, quick, much):
    """All goals but those of the file itself."""
    forks = Contest("fork", 5, probes("qemu_fork_return", "qemu_fork_done", "bare_fork_return", "bare_fork_done",
                                      "qemu_c_done"))
    spawn = Contest("spawn", 8, spawns(SMALL, OURS, YARDSTICK, BARE))
    thousand = Contest("1,000 descriptors", 6, spawns(Setting(descriptors=1000), OURS, BARE))
    number = most_descriptors()
    many = Contest(f"{number:,} descriptors", 4, spawns(Setting(descriptors=number), OURS, BARE)
                   + spawns(SMALL, OURS, prefix="small "))
    # All of the parent's descriptors have FD_CLOEXEC, so that posix_spawn's child has none of them either.
    pipes = Contest(f"a pipe, {number:,} descriptors", 4,
                    spawns(Setting(descriptors=number), OURS, YARDSTICK, mode="captured"))
    zombies = Contest("zombies", 6, probes("zombie_bare", "zombie_wait"))
    ends = Contest("ends", 8, probes("end_waitpid", "end_bare", "end_wait"))
    lines = Contest("a line", 6, runs("line", BY_HAND, RUN, RUN_LIMITED, setting=SMALL, times=20))
    peers = Contest("a line by others", 4, runs("line", RUN, *OTHERS, setting=SMALL, times=0))
    out = Contest(f"{much} MiB out", 3, runs(f"out-{much}", BARE_LOOP, RUN_SINK), heavy=True)
    through = Contest(f"{much} MiB in and out", 3, runs(f"through-{much}", BARE_LOOP, RUN_SINK), heavy=True)
    hundred = Contest(f"{CROWD} runs", 2, runs(f"turn-{CROWD}", RUN, times=2, prefix="turn ")
                      + runs(f"many-{CROWD}", RUN, times=2))
    held = Contest("a held pipe", 2, runs("held-5000", RUN, setting=SMALL))
    crowd = Contest("crowd", 3, spawns(LOOSE, OURS, YARDSTICK, mode="crowd-32", times=8))
    goals = [
        Goal("qemu_fork to its calls, bare: return", forks, ratio("qemu_fork_return", "bare_fork_return"), 1.005),
        Goal("the same, until reaped", forks, ratio("qemu_fork_done", "bare_fork_done"), 1.01),
        Goal("qemu_fork to QEMU's way in C, until reaped", forks, ratio("qemu_fork_done", "qemu_c_done"), 0.95,
             ratio("bare_fork_done", "qemu_c_done")),
        Goal("qemu_spawn to posix_spawn, 10 descriptors", spawn, ratio(OURS, YARDSTICK), 0.93, ratio(BARE, YARDSTICK)),
        Goal("qemu_spawn to its calls, bare, 10 descriptors", spawn, ratio(OURS, BARE), 1.01),
        Goal("the same, 1,000 descriptors", thousand, ratio(OURS, BARE), 1.02),
        Goal(f"the same, {number:,} descriptors", many, ratio(OURS, BARE), 1.02),
        Goal(f"with a pipe, {number:,} descriptors, to posix_spawn", pipes, ratio(OURS, YARDSTICK), 1.00),
        Goal(f"qemu_spawn, {number:,} descriptors to 10", many, ratio(OURS, f"small {OURS}"), 1.05),
        Goal("32 threads spawning: posix_spawn to qemu_spawn", crowd, ratio(YARDSTICK, OURS), 1.40, least=True),
        Goal("qemu_process_wait of a zombie to its call, bare", zombies, ratio("zombie_wait", "zombie_bare"), 1.02),
        Goal("from the end to the return, to waitpid", ends, ratio("end_wait", "end_waitpid"), 1.05,
             ratio("end_bare", "end_waitpid")),
    ]
    goals += [
        Goal("qemu_run, a line, to spawn, read and wait", lines, ratio(RUN, BY_HAND), 1.10),
        Goal("the same with a limit of time", lines, ratio(RUN_LIMITED, BY_HAND), 1.25),
        Goal("qemu_run, a line, to the best of the others", peers, best(RUN, OTHERS), 0.95),
        Goal(f"qemu_run, {much} MiB out: throughput to a bare loop", out, ratio(BARE_LOOP, RUN_SINK), 0.95, least=True),
        Goal("the same, in and out through cat", through, ratio(BARE_LOOP, RUN_SINK), 0.95, least=True),
        Goal(f"{CROWD} runs at once to one after the other", hundred, ratio(RUN, f"turn {RUN}"), 0.60),
        Goal("a held pipe: milliseconds until the result", held, lambda sums: sums[RUN] / 1e6, LINGER_MS + LATE_MS),
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


def measure(programs, results, quick, seconds, much):
    """The outcomes of all goals, after the given number of seconds or a little more. @much: mebibytes of output."""
    deadline = time.monotonic() + seconds
    goals = contests_and_goals(results, quick, much)
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
            "high": value, "rounds": 1, "exact": True, "met": value <= limit, "decided": True, "bare": None}


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
