#!/usr/bin/env python3
"""Draws the plots of a run. Run by the Python that has matplotlib: see benches/requirements.txt.

usage: plots.py RESULTS.json FOLDER

SPDX-License-Identifier: MIT
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import matplotlib  # noqa: E402

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import matplotlib.ticker  # noqa: E402

from harness.peers import OURS, PEERS, RUN, RUN_LIMITED, RUN_SINK, RUNNERS  # noqa: E402
from harness.promises import clean  # noqa: E402
from harness.report import duration, size  # noqa: E402

INK, FAINT, OURS_COLOUR, CLEAN, UNCLEAN = "#1f2933", "#d5dbe1", "#0b5fc0", "#6b7c8d", "#c2ccd6"
# Colours that colour-blind people can distinguish; the markers help.
STYLE = {
    "qemu_spawn": (OURS_COLOUR, "o"), "qemu_run": ("#4f8fd6", "H"), "vfork": ("#8a97a5", "v"),
    "posix_spawn_clean": ("#009e73", "s"),
    "posix_spawn": ("#6fc4a9", "P"), "rust": ("#b7410e", "D"), "fork": ("#d55e00", "^"), "qemu_fork": ("#56a3d9", "o"),
    "bare": ("#7f7f7f", "|"), "qemu_c": ("#a58b00", "X"), "g_spawn_async": ("#cc3f8f", "p"),
    "g_spawn_open": ("#e09bc4", "h"), "uv_spawn": ("#7a4fb5", "d"), "system": ("#4d4d4d", "<"), "popen": ("#999999", ">"),
    "python": ("#2f4b7c", "*"), "idle": ("#444444", "o"),
}
# One of each kind is enough in a plot; the tables have all.
IN_LINES = ("qemu_spawn", "posix_spawn_clean", "rust", "fork", "qemu_fork", "g_spawn_async", "uv_spawn", "system",
            "python")


SHELLS = ("system", "popen")
OUR_RUNS = (RUN, RUN_LIMITED, RUN_SINK)


def set_style():
    plt.rcParams.update({
        "svg.hashsalt": "qemu-fork", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 10,
        "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": "#9aa5b1",
        "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white", "axes.facecolor": "white",
        "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 14,
        "path.simplify": True,
    })


def save(figure, folder, name):
    # No date, and the salt above: the same figures give the same file.
    figure.savefig(os.path.join(folder, name + ".svg"), metadata={"Date": None, "Creator": None}, facecolor="white",
                   bbox_inches="tight", pad_inches=0.15)
    plt.close(figure)
    print(os.path.join(folder, name + ".svg"))


def name_of(peer):
    return PEERS[peer].label if peer in PEERS else {"idle": "nothing is started"}[peer]


def apart(wanted, least):
    """Positions in the wanted order, each at least a given distance from the next, and all as near as possible."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    groups = []  # each: [sum of wanted minus offsets, members]
    for i in order:
        groups.append([[i], wanted[i]])
        while len(groups) > 1 and groups[-2][1] + least * len(groups[-2][0]) > groups[-1][1]:
            below, above = groups.pop(-2), groups.pop()
            members = below[0] + above[0]
            start = sum(wanted[j] - least * k for k, j in enumerate(members)) / len(members)
            groups.append([members, start])
    places = [0.0] * len(wanted)
    for members, start in groups:
        for k, j in enumerate(members):
            places[j] = start + least * k
    highest = 1.0
    for j in reversed(order):
        places[j] = min(places[j], highest)
        highest = places[j] - least
    return places


def round_duration(value, _):
    return duration(value).replace(".00", "").replace(".0 ", " ")


def axis_of_time(axis):
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    axis.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    axis.yaxis.set_major_formatter(round_duration)
    axis.grid(axis="y", which="major", color=FAINT, linewidth=0.8)
    axis.set_axisbelow(True)


def lines_against(lines, quantity, tick, title, xlabel, folder, name):
    """The cost by some quantity, on logarithmic axes, with each line's name at its end."""
    figure, axis = plt.subplots(figsize=(8.2, 4.7))
    ends = []
    for peer in reversed(IN_LINES):
        points = sorted((line[quantity], line["ns"]) for line in lines if line["peer"] == peer)
        if not points:
            continue
        x, spread = zip(*points)
        y = [point["median"] for point in spread]
        colour, marker = STYLE[peer]
        ours = peer == OURS
        if ours:
            axis.fill_between(x, [point["p10"] for point in spread], [point["p90"] for point in spread], color=colour,
                              alpha=0.15, linewidth=0)
        axis.plot(x, y, color=colour, marker=marker, linewidth=3.2 if ours else 1.5, markersize=7 if ours else 5,
                  zorder=5 if ours else 3, markeredgecolor="white", markeredgewidth=0.6)
        ends.append((peer, x[-1], y[-1]))
    axis.set_xscale("log")
    axis_of_time(axis)
    values = sorted({line[quantity] for line in lines})
    axis.set_xticks(values, [tick(value) for value in values])
    axis.minorticks_off()
    axis.set_xlabel(xlabel)
    axis.set_ylabel("until the program has been reaped")
    axis.set_title(title)
    figure.canvas.draw()
    to_points = lambda value: axis.transAxes.inverted().transform(axis.transData.transform((values[-1], value)))[1]
    places = apart([to_points(y) for _, _, y in ends], 0.052)
    for (peer, x, y), place in zip(ends, places):
        colour = STYLE[peer][0]
        axis.annotate(name_of(peer), xy=(x, y), xycoords="data", xytext=(1.07, place), textcoords="axes fraction",
                      color=colour, va="center", fontweight="bold" if peer == OURS else "normal", annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 4,
                                  "relpos": (0, 0.5)})
    save(figure, folder, name)


def overview(data, lines, folder):
    """The time of each, and whether the child's signals are clean."""
    lines = sorted(lines, key=lambda line: -line["ns"]["median"])
    figure, axis = plt.subplots(figsize=(8.2, 0.36 * len(lines) + 1.1))
    colours = [OURS_COLOUR if line["peer"] == OURS else CLEAN if clean(data["promises"][line["peer"]]) else UNCLEAN
               for line in lines]
    values = [line["ns"]["median"] / 1e3 for line in lines]
    # A shell takes so long that the others would look the same.
    shown = [value for value, line in zip(values, lines) if line["peer"] not in SHELLS] or values
    most = 1.3 * max(shown)
    axis.barh(range(len(lines)), [min(value, most) for value in values], color=colours, height=0.68)
    axis.set_xlim(0, most)
    for i, line in enumerate(lines):
        p10, p90 = line["ns"]["p10"] / 1e3, line["ns"]["p90"] / 1e3
        text = duration(line["ns"]["median"])
        if values[i] > most:
            axis.text(most * 0.985, i, f"{text}, far beyond this edge →", va="center", ha="right")
            continue
        axis.plot([p10, p90], [i, i], color=INK, linewidth=1, alpha=0.55)
        axis.text(min(max(values[i], p90), most) + most * 0.012, i, text, va="center",
                  fontweight="bold" if line["peer"] == OURS else "normal")
    axis.set_yticks(range(len(lines)), [name_of(line["peer"]) for line in lines])
    for text, line in zip(axis.get_yticklabels(), lines):
        if line["peer"] == OURS:
            text.set_color(OURS_COLOUR)
            text.set_fontweight("bold")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color=FAINT, linewidth=0.8)
    axis.set_axisbelow(True)
    axis.set_xlabel("µs until the program has run and been reaped; the thin lines reach from p10 to p90")
    axis.set_title("A small program started from a small process")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in (OURS_COLOUR, CLEAN, UNCLEAN)]
    axis.legend(handles, ["clean signals, no unwanted descriptor", "clean signals", "signals blocked or ignored"],
                loc="upper right", bbox_to_anchor=(1.0, 0.8), frameon=False, title="what the program begins with",
                alignment="left")
    save(figure, folder, "overview")


def stall(lines, mebibytes, folder):
    """The worst stall of another thread."""
    by_peer = {}
    for line in lines:
        by_peer.setdefault(line["peer"], {})[line["mode"]] = line["ns"]
    order = sorted(by_peer, key=lambda peer: -by_peer[peer]["faults"]["median"])
    figure, axis = plt.subplots(figsize=(8.2, 0.42 * len(order) + 1.2))
    for i, peer in enumerate(order):
        colour = OURS_COLOUR if peer == OURS else "#4b5b6b"
        for mode, marker, shift in (("faults", "o", 0.12), ("writes", "D", -0.12)):
            ns = by_peer[peer].get(mode)
            if ns:
                axis.plot([ns["p10"], ns["p90"]], [i + shift] * 2, color=colour, linewidth=1.4, alpha=0.5)
                axis.plot(ns["median"], i + shift, marker=marker, color=colour, markersize=7, linestyle="",
                          markerfacecolor=colour if mode == "faults" else "white", markeredgewidth=1.4)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(round_duration)
    axis.grid(axis="x", which="major", color=FAINT, linewidth=0.8)
    axis.minorticks_off()
    axis.set_axisbelow(True)
    axis.set_yticks(range(len(order)), [name_of(peer) for peer in order])
    for text, peer in zip(axis.get_yticklabels(), order):
        if peer == OURS:
            text.set_color(OURS_COLOUR)
            text.set_fontweight("bold")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_ylim(-0.6, len(order) - 0.4)
    axis.set_xlabel("the longest that one page fault or one write of that thread took")
    axis.set_title(f"Another thread is stalled while a process of {size(mebibytes)} starts a program")
    handles = [plt.Line2D([], [], marker="o", linestyle="", color="#4b5b6b"),
               plt.Line2D([], [], marker="D", linestyle="", color="#4b5b6b", markerfacecolor="white")]
    axis.legend(handles, ["page faults", "writes to memory it has"], loc="upper right", frameon=False)
    save(figure, folder, "stall")


def small_and_large(axis, lines, order):
    """What a line costs, from the smallest and from the largest parent."""
    sizes = sorted({line["mebibytes"] for line in lines})
    for mebibytes, shift, filled in list(zip(sizes, (0.14, -0.14), (True, False))):
        for line in lines:
            if line["mebibytes"] == mebibytes:
                place, colour = order.index(line["peer"]) + shift, OURS_COLOUR if line["peer"] in OUR_RUNS else CLEAN
                axis.plot([line["ns"]["p10"], line["ns"]["p90"]], [place] * 2, color=colour, linewidth=1.4, alpha=0.5)
                axis.plot(line["ns"]["median"], place, marker="o", color=colour, markersize=7, linestyle="",
                          markerfacecolor=colour if filled else "white", markeredgewidth=1.4)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(round_duration)
    axis.minorticks_off()
    axis.set_title("A program that writes a line")
    axis.set_xlabel("until the line is there and the program reaped")
    handles = [plt.Line2D([], [], marker="o", linestyle="", color=CLEAN, markerfacecolor=CLEAN if filled else "white")
               for filled in (True, False)]
    axis.legend(handles[:len(sizes)], [f"from {size(mebibytes)}" for mebibytes in sizes], loc="upper right",
                frameon=False)


def throughputs(axis, lines, order):
    """What much output costs, and input that comes back."""
    labels = {}
    for line in lines:
        kind, number = line["mode"].split("-")
        ours = line["peer"] in OUR_RUNS
        colour = {"out": OURS_COLOUR if ours else CLEAN, "through": "#8fb8e6" if ours else UNCLEAN}[kind]
        axis.barh(order.index(line["peer"]) + (0.2 if kind == "out" else -0.2),
                  int(number) / 1024 * 1e9 / line["ns"]["median"], color=colour, height=0.38)
        labels[f"{size(int(number))} {'out' if kind == 'out' else 'in, and out through cat'}"] = \
            CLEAN if kind == "out" else UNCLEAN
    axis.set_title("Much output")
    axis.set_xlabel("GiB in a second")
    axis.legend([plt.Rectangle((0, 0), 1, 1, color=colour) for colour in labels.values()], labels, loc="lower right",
                frameon=True, facecolor="white", edgecolor="none")


def runs(lines, folder):
    """The costs of a run to the end of a program."""
    of = lambda *kinds: [line for line in lines if line["mode"].split("-")[0] in kinds]
    short = {line["peer"]: line["ns"]["median"] for line in reversed(of("line"))}  # the smallest parent is the last
    order = sorted({line["peer"] for line in of("line", "out", "through")}, key=lambda peer: -short.get(peer, 0))
    figure, axes = plt.subplots(1, 2, figsize=(10.2, 0.42 * len(order) + 1.4), sharey=True)
    small_and_large(axes[0], of("line"), order)
    throughputs(axes[1], of("out", "through"), order)
    axes[0].set_yticks(range(len(order)), [RUNNERS[peer].label for peer in order])
    for text, peer in zip(axes[0].get_yticklabels(), order):
        if peer in OUR_RUNS:
            text.set_color(OURS_COLOUR)
            text.set_fontweight("bold")
    for axis in axes:
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.grid(axis="x", which="major", color=FAINT, linewidth=0.8)
        axis.set_axisbelow(True)
    axes[0].set_ylim(-0.6, len(order) - 0.4)
    figure.tight_layout()
    save(figure, folder, "runs")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        data = json.load(file)
    folder = sys.argv[2]
    of = lambda scenario, **wanted: [line for line in data["measurements"] if line["scenario"] == scenario and
                                     line["peer"] != "small" and all(line[k] == v for k, v in wanted.items())]
    set_style()
    if of("memory"):
        lines_against(of("memory"), "mebibytes", size, "What starting a program costs, by the parent's memory",
                      "memory that the parent has touched, in pages of 4 KiB", folder, "memory")
    if of("descriptors"):
        lines_against(of("descriptors"), "descriptors", lambda number: f"{number:,}",
                      "What starting a program costs, by the parent's descriptors", "open descriptors", folder,
                      "descriptors")
    if of("base", mode="done"):
        overview(data, of("base", mode="done"), folder)
    if of("runs"):
        runs(of("runs"), folder)
    if of("stall"):
        stall(of("stall"), of("stall")[0]["mebibytes"], folder)


if __name__ == "__main__":
    main()
