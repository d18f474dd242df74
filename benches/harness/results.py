"""The results: every round, and the statistics of all.

SPDX-License-Identifier: MIT
"""
import collections
import csv
import dataclasses
import statistics

from . import figures

Key = collections.namedtuple("Key", "scenario setting mode peer")


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure of one round."""
    scenario: str
    setting: object
    mode: str
    peer: str
    process: int
    round: int
    ns: float
    ratio: float  # to the yardstick of the round; or None


class Results:
    def __init__(self):
        self.rows = []
        self.skips = []
        self.failed = False

    def skip(self, what, why):
        """Adds something that this machine lacks."""
        print(f"SKIPPED: {what}: {why}", flush=True)
        if (what, why) not in self.skips:
            self.skips.append((what, why))

    def fail(self, what, why):
        """Adds a failure. The rest goes on without it."""
        self.failed = True
        self.skip(what, why)

    def add(self, scenario, setting, mode, process, number, sums, yardstick):
        base = sums.get(yardstick)
        for peer, ns in sums.items():
            self.rows.append(Row(scenario, setting, mode, peer, process, number, ns, ns / base if base else None))

    def summary(self):
        """Medians with their spreads, for each scenario, setting, mode and peer."""
        groups = collections.defaultdict(list)
        for row in self.rows:
            groups[Key(row.scenario, row.setting, row.mode, row.peer)].append(row)
        lines = []
        for key, rows in groups.items():
            ratios = [row.ratio for row in rows if row.ratio is not None]
            lines.append({
                "scenario": key.scenario, **dataclasses.asdict(key.setting), "mode": key.mode, "peer": key.peer,
                "rounds": len(rows),
                "ns": dict(zip(("median", "p10", "p90"), figures.spread([row.ns for row in rows]))),
                "ratio": dict(zip(("median", "p10", "p90"), figures.spread(ratios))) if ratios else None,
            })
        return lines

    def median(self, **wanted):
        """The median of the rounds that have these values; None if there are none."""
        found = [row.ns for row in self.rows if all(getattr(row, name) == value for name, value in wanted.items())]
        return statistics.median(found) if found else None

    def write_csv(self, path):
        with open(path, "w", encoding="ascii", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["scenario", "mebibytes", "huge_pages", "descriptors", "bystanders", "bound", "mode",
                             "peer", "process", "round", "ns", "ratio"])
            for row in self.rows:
                writer.writerow([row.scenario, *dataclasses.astuple(row.setting), row.mode, row.peer, row.process,
                                 row.round, f"{row.ns:.1f}", "" if row.ratio is None else f"{row.ratio:.4f}"])
