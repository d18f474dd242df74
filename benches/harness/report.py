"""The tables for people, in Markdown.

SPDX-License-Identifier: MIT
"""
import unicodedata

from .peers import PEERS, RUNNERS


# The kinds of runs with much output.
MUCH = ("out", "through")


def duration(ns):
    """Three digits, in a suitable unit."""
    for limit, unit, scale in ((1e6, "µs", 1e3), (1e9, "ms", 1e6)):
        if ns < limit:
            return f"{digits(ns / scale)} {unit}"
    return f"{digits(ns / 1e9)} s"


def digits(value):
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def spread(figure):
    return f"{digits(figure['median'])} ({digits(figure['p10'])} to {digits(figure['p90'])})"


def width(text):
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def table(head, rows, left=1):
    """Lines of Markdown; the first @left columns are text, the others are figures."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(width(row[i]) for row in [head, *rows]) for i in range(len(head))]
    pad = lambda row: "| " + " | ".join(
        cell + " " * (widths[i] - width(cell)) if i < left else " " * (widths[i] - width(cell)) + cell
        for i, cell in enumerate(row)) + " |"
    rule = "| " + " | ".join("-" * wide if i < left else "-" * (wide - 1) + ":" for i, wide in enumerate(widths)) + " |"
    return "\n".join([pad(head), rule, *map(pad, rows)])


def size(mebibytes):
    return f"{mebibytes} MiB" if mebibytes < 1024 else f"{digits(mebibytes / 1024).rstrip('0').rstrip('.')} GiB"


def label(name, labels=PEERS):
    return labels[name].label if name in labels else name


def throughput(mebibytes, ns):
    return f"{digits(mebibytes * 1e9 / ns)} MiB/s"


class Report:
    """The tables by name."""

    def __init__(self, data):
        self.data = data

    def lines(self, scenario, **wanted):
        return [line for line in self.data["measurements"] if line["scenario"] == scenario
                and all(line[name] == value for name, value in wanted.items())]

    def machine(self):
        return table(["", ""], self.data["machine"].items(), left=2)

    def goals(self):
        rows = []
        for goal in self.data["goals"]:
            whole = goal["limit"] > 100 or goal["exact"]
            show = (lambda value: f"{value:,.0f}") if whole else (lambda value: f"{value:.3f}")
            verdict = ("met" if goal["met"] else "short") + ("" if goal["decided"] else ", by a hair")
            limit = f"{goal['limit']:,}" if whole else f"{goal['limit']:.3f}"
            rows.append([goal["what"], ("≥ " if goal["least"] else "≤ ") + limit, show(goal["median"]),
                         "" if goal["exact"] else f"{show(goal['p10'])} to {show(goal['p90'])}",
                         f"{goal['rounds']:,}", show(goal["bare"]) if goal["bare"] else "", verdict])
        return table(["what", "goal", "median", "p10 to p90", "rounds", "bare", ""], rows)

    def promises(self):
        return table(["", "mask empty", "dispositions reset", "descriptors closed", "failed exec is reported"],
                     [[label(name), promise["mask"], promise["dispositions"], promise["descriptors"], promise["error"]]
                      for name, promise in self.data["promises"].items()], left=5)

    def across(self, columns, lines, figure, more=(), labels=PEERS):
        """A table of peers. Columns are pairs of a head and of the values in that column."""
        cells = {}
        for head, wanted in columns:
            for line in lines:
                if all(line[name] == value for name, value in wanted.items()):
                    cells[line["peer"], head] = figure(line)
        heads = [head for head, _ in columns if any(column == head for _, column in cells)]
        names = [name for name in ("idle", *labels) if any(peer == name for peer, _ in cells)]
        rows = [[label(name, labels), *(cells.get((name, head), "–") for head in heads),
                 *(cell(name) for _, cell in more)]
                for name in names]
        return table(["", *heads, *(head for head, _ in more)], rows)

    def until(self):
        done = {line["peer"]: line["ratio"] for line in self.lines("base", mode="done")}
        columns = [(head, {"mode": mode}) for head, mode in (
            ("returns", "return"), ("runs", "first"), ("reaped", "done"), ("output captured", "captured"))]
        return self.across(columns, self.lines("base"), lambda line: duration(line["ns"]["median"]),
                           [("reaped, to posix_spawn", lambda name: spread(done[name]) if name in done else "–")])

    def by_memory(self, scenario):
        lines = [line for line in self.lines(scenario) if line["peer"] != "small"]
        columns = [(size(mebibytes), {"mebibytes": mebibytes})
                   for mebibytes in sorted({line["mebibytes"] for line in lines})]
        return self.across(columns, lines, lambda line: duration(line["ns"]["median"]))

    def memory(self):
        return self.by_memory("memory")

    def huge_pages(self):
        return self.by_memory("huge pages")

    def descriptors(self):
        lines = self.lines("descriptors")
        columns = [(f"{number:,}", {"descriptors": number})
                   for number in sorted({line["descriptors"] for line in lines})]
        return self.across(columns, lines, lambda line: duration(line["ns"]["median"]))

    def threads(self):
        numbers = sorted({int(line["mode"].split("-")[1]) for line in self.lines("threads")})
        return self.across([(f"{number}", {"mode": f"crowd-{number}"}) for number in numbers], self.lines("threads"),
                           lambda line: f"{1e9 / line['ns']['median']:,.0f}")

    def bystanders(self):
        lines = self.lines("bystanders")
        columns = [(f"{number}", {"bystanders": number}) for number in sorted({line["bystanders"] for line in lines})]
        return self.across(columns, lines, lambda line: duration(line["ns"]["median"]))

    def stall(self):
        return self.across([("page faults", {"mode": "faults"}), ("writes", {"mode": "writes"})], self.lines("stall"),
                           lambda line: duration(line["ns"]["median"]))

    def columns_of_runs(self):
        """Head and values of the columns that the runs have, in the order of the measurement."""
        heads = {"line": "a line", "many": "{} at once, each", "out": "{} out", "through": "{} in and out",
                 "held": "a pipe that is held for {} ms"}
        columns = []
        for line in self.lines("runs"):
            kind, _, number = line["mode"].partition("-")
            head = heads[kind].format(size(int(number)) if kind in ("out", "through") else number)
            if line["mebibytes"] > 2:
                head += f", from {size(line['mebibytes'])}"
            column = head, {"mode": line["mode"], "mebibytes": line["mebibytes"]}
            if column not in columns:
                columns.append(column)
        return columns

    def runs(self):
        """Runs with little output."""
        columns = [column for column in self.columns_of_runs() if column[1]["mode"].split("-")[0] not in MUCH]
        return self.across(columns, self.lines("runs"), lambda line: duration(line["ns"]["median"]), labels=RUNNERS)

    def much(self):
        """Runs with much output."""
        columns = [column for column in self.columns_of_runs() if column[1]["mode"].split("-")[0] in MUCH]
        return self.across(columns, self.lines("runs"), lambda line: throughput(
            int(line["mode"].split("-")[1]), line["ns"]["median"]), labels=RUNNERS)

    def counts(self):
        kinds = ("system_calls", "page_faults", "instructions")
        heads = [head for kind in kinds for head in (kind.replace("_", " ") + ", parent", "child")]
        return table(["", *heads],
                     [[label(name), *(f"{count[f'{who}_{kind}']:,}" for kind in kinds for who in ("parent", "child"))]
                      for name, count in self.data["counts"].items()])

    def skips(self):
        if not self.data["skips"]:
            return "Nothing was skipped."
        return table(["skipped", "why"], self.data["skips"], left=2)

    def tables(self):
        """Name, caption and text of each table that is not empty."""
        all_of_them = [
            ("machine", "The machine", "machine"),
            ("goals", "The goals", "goals"),
            ("promises", "What a child gets", "promises"),
            ("until", "From a process of 2 MiB: until the call returns, the program runs, it is reaped", "base"),
            ("memory", "Until reaped, by the parent's memory in pages of 4 KiB", "memory"),
            ("huge_pages", "Until reaped, by the parent's memory in huge pages", "huge pages"),
            ("descriptors", "Until reaped, by the parent's descriptors", "descriptors"),
            ("threads", "Starts in a second, by the number of threads that start", "threads"),
            ("bystanders", "Until reaped, by the number of other threads", "bystanders"),
            ("stall", "The longest stall of another thread", "stall"),
            ("runs", "A run to the end of a program", "runs"),
            ("much", "Runs with much output: throughput", "runs"),
            ("counts", "System calls, page faults and instructions of one start", "counts"),
            ("skips", "Skipped", "skips"),
        ]
        scenarios = {line["scenario"] for line in self.data["measurements"]}
        for name, caption, needs in all_of_them:
            if needs in scenarios or self.data.get(needs) is not None:
                yield name, caption, getattr(self, name)()
