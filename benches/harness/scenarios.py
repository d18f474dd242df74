"""The scenarios: the process from which programs are started, and the moment up to which the time is taken.

SPDX-License-Identifier: MIT
"""
import contextlib
import dataclasses
import resource

from . import machine, progress
from .peers import BARE_LOOP, BY_HAND, CAPTURE, HUGE, PEERS, STALL, THREADS, YARDSTICK, either, runners
from .rounds import Party, play
from .workers import Failed, Setting, Worker

ALL = tuple(PEERS)
SMALL, LOOSE = Setting(), Setting(bound=False)
MUCH = 1024
CROWD = 100


@dataclasses.dataclass
class Scenario:
    """@modes: up to which moment, and the peers that can do that. @times: in a batch; 0: as many as a few
        milliseconds take. @verb: the worker's command."""
    name: str
    setting: Setting
    modes: dict
    rounds: int
    processes: int
    yardstick: str = YARDSTICK
    times: int = 0
    verb: str = "time"


def large(mebibytes):
    """The wanted memory, or less if there is less; None: the same as in the scenario before."""
    room = machine.meminfo("MemAvailable") * 6 // 10
    if room >= mebibytes:
        return mebibytes
    return room // 256 * 256 if room // 256 * 256 >= mebibytes // 3 else None


def most_descriptors(wanted=20000):
    """The wanted number, or fewer if no more are allowed."""
    room = 64  # for what a start needs
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < wanted + room:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + room, wanted + room))
        except (ValueError, OSError):
            return hard - room
    return wanted


def memory(size, names, rounds, processes, huge_pages=False):
    """All are compared with posix_spawn() from a process of 2 MiB, in the same rounds."""
    return Scenario("huge pages" if huge_pages else "memory", Setting(mebibytes=size, huge_pages=huge_pages),
                    {"done": names}, rounds, processes, yardstick="small")


def run_scenario(setting, kind, rounds, processes, yardstick=BARE_LOOP, times=0):
    return Scenario("runs", setting, {kind: runners(kind)}, rounds, processes, yardstick, times, "run")


def run_scenarios(results, much):
    """Runs to the end of a program. @much: mebibytes of much output."""
    sizes = [size for size in (2, large(2048)) if size]
    if len(sizes) == 1:
        results.skip("runs from a parent of 2048 MiB", "too little memory is free")
    for size in sizes:
        small = size == sizes[0]
        yield run_scenario(Setting(mebibytes=size), "line", *((8, 6) if small else (4, 2)), yardstick=BY_HAND)
        yield run_scenario(Setting(mebibytes=size, bound=False), f"many-{CROWD}", *((4, 2) if small else (1, 1)),
                           times=1)
    # The input, the output, and what a language needs to put the output together: for each worker.
    most = machine.meminfo("MemAvailable") // 16
    if most < much:
        results.skip(f"{much} MiB of output", f"too little memory is free: {most} MiB instead")
        much = most
    for kind in (f"out-{much}", f"through-{much}"):
        yield run_scenario(LOOSE, kind, 2, 2, times=1)
    yield run_scenario(LOOSE, "held-1000", 1, 2, times=1)


def full(results, much=MUCH):
    """All scenarios. Together with the goals they take twenty minutes."""
    yield Scenario("base", SMALL, {"done": ALL, "return": ALL, "first": ALL, "captured": CAPTURE}, 8, 6)
    sizes = []
    for size in (2, 32, 256, 2048, 12288):
        fitting = large(size)
        if fitting != size:
            results.skip(f"a parent of {size} MiB", f"{machine.meminfo('MemAvailable')} MiB are free"
                         + (f"; {fitting} MiB instead" if fitting else ""))
        if fitting:
            sizes.append(fitting)
    for size in sizes:
        yield memory(size, ALL, *((6, 2) if size < 2048 else (4, 1)))
    for size in sizes[2:]:
        yield memory(size, HUGE, 4, 1, huge_pages=True)
    most = most_descriptors()
    if most < 20000:
        results.skip("20,000 descriptors", f"{most:,} are allowed: {most:,} instead")
    for number in (10, 100, 1000, most):
        yield Scenario("descriptors", Setting(descriptors=number), {"done": ALL}, 6, 2)
    for number in (1, 2, 8, 32):
        yield Scenario("threads", Setting(bound=False), {f"crowd-{number}": THREADS}, 6, 3, times=max(4, 32 // number))
    for number in (1, 32):
        yield Scenario("bystanders", Setting(bystanders=number), {"done": THREADS}, 8, 2)
    size = large(2048)
    if size:
        names = ("idle",) + STALL
        yield Scenario("stall", Setting(mebibytes=size), {"faults": names, "writes": names}, 5, 1, "idle", times=3)
    yield from run_scenarios(results, much)


def smoke(_results, _much):
    """Each kind of scenario once, to check that it works."""
    yield Scenario("base", SMALL, {"done": ALL, "return": ALL, "first": ALL, "captured": CAPTURE}, 1, 1, times=1)
    yield dataclasses.replace(memory(16, ALL, 1, 1), times=1)
    yield Scenario("descriptors", Setting(descriptors=200), {"done": ALL}, 1, 1, times=1)
    yield Scenario("threads", Setting(bound=False), {"crowd-2": THREADS}, 1, 1, times=1)
    yield Scenario("bystanders", Setting(bystanders=2), {"done": THREADS}, 1, 1, times=1)
    yield Scenario("stall", Setting(mebibytes=16), {"faults": ("idle",) + STALL}, 1, 1, "idle", times=1)
    for kind in ("line", "many-3", "out-1", "through-1", "held-300"):
        yield run_scenario(LOOSE, kind, 1, 1, times=1)


def batches(programs, setting, names):
    """Groups of peers that fit into memory at the same time: lists of (kind, names)."""
    at_once = max(1, machine.meminfo("MemAvailable") * 6 // 10 // (setting.mebibytes + 32))
    groups = {}
    for name in names:
        kind, group, copies = ("core", "light", False) if name == "idle" else either(name)[2:5]
        if at_once == 1:
            # Filling a process takes long then, so there are few. But a peer that forks never shares one
            # with a peer that does not.
            group = copies and kind == "core"
        if kind in programs.workers:
            groups.setdefault((kind, group), []).append(name)
    together = [(kind, members) for (kind, _), members in groups.items()]
    return [together[i:i + at_once] for i in range(0, len(together), at_once)]


def run_batch(programs, results, scenario, batch, process):
    with contextlib.ExitStack() as stack:
        workers = {}
        for kind, members in batch:
            try:
                worker = stack.enter_context(Worker(programs, kind, scenario.setting))
            except Failed as why:
                results.fail(f"{', '.join(members)} in {scenario.name}, {scenario.setting}", str(why))
                continue
            if scenario.setting.huge_pages and worker.huge_mebibytes < scenario.setting.mebibytes * 9 // 10:
                results.skip(f"{', '.join(members)} in {scenario.name}, {scenario.setting}",
                             f"{worker.huge_mebibytes} MiB are in huge pages")
                continue
            workers.update(dict.fromkeys(members, worker))
        anchor = []
        if scenario.yardstick == "small":
            small = stack.enter_context(Worker(programs, "core", SMALL))
            anchor = [Party("small", small, f"time done {YARDSTICK}", scenario.times)]
        for mode, names in scenario.modes.items():
            parties = anchor + [Party(name, workers[name], f"{scenario.verb} {mode} {name}", scenario.times)
                                for name in names if name in workers]
            while parties:
                try:
                    for number, sums in enumerate(play(parties, scenario.rounds, process)):
                        results.add(scenario.name, scenario.setting, mode, process, number, sums, scenario.yardstick)
                    break
                except Failed as failed:
                    gone = [party.name for party in parties if party.worker is failed.worker]
                    results.fail(f"{', '.join(gone)} in {scenario.name}, {scenario.setting}, {mode}", str(failed))
                    parties = [party for party in parties if party.worker is not failed.worker]
                    workers = {name: worker for name, worker in workers.items() if worker is not failed.worker}


def run(programs, results, scenario):
    kinds = f": {', '.join(scenario.modes)}" if scenario.verb == "run" else ""
    progress.tell(f"{scenario.name}{kinds}, {scenario.setting}")
    names = tuple(dict.fromkeys(name for names in scenario.modes.values() for name in names))
    for process in range(scenario.processes):
        for batch in batches(programs, scenario.setting, names):
            run_batch(programs, results, scenario, batch, process)
