"""Turns the output of init into checks."""
import re
import textwrap

from platforms.report import aligned, notes


def facts(report, text):
    """The description of the kernel: its name, the way in which it makes children, what it has and lacks."""
    found = {"has": [], "lacks": []}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word in found:
            found[word].append(rest)
        elif word == "kernel":
            release, _, version = rest.partition(" ")
            debian = re.search(r"\bDebian (\S+)", version)
            report.kernel = debian.group(1) if debian else release
        elif word == "way":
            report.way = rest
    report.lacks = found["lacks"]
    report.check("the kernel told what it has", bool(found["has"]) and report.way != "none", text)
    # Later tests need them, and a machine without them would only skip those.
    for name in ("cgroup2", "CAP_SYS_RESOURCE"):
        report.check(f"{name} is there", name in found["has"])


def _result(status, text):
    """How a test ended, in Meson's words."""
    plan = re.search(r"^1\.\.(\d+)", text, flags=re.M)
    checks = len(re.findall(r"^(?:not )?ok\b", text, flags=re.M))
    if status in ("124", "137", "143"):
        return f"TIMEOUT (status {status})"
    if not plan:
        return f"ERROR: it did not come to its end (status {status})"
    if int(plan.group(1)) != checks:
        return f"ERROR: {checks} checks of {plan.group(1)}"
    return "OK" if status == "0" else f"ERROR: status {status}"


def judge(report, programs, text):
    """Counts all results in the output of init."""
    head, _, rest = text.partition("\n::: facts ")
    facts(report, head)
    told = {}
    for match in re.finditer(r"^::: begin (\S+)\n(.*?)^::: end \1 (\d+) (\S+) (\S+)$", rest, flags=re.M | re.S):
        name, output, status, start, end = match.groups()
        told[name] = float(end) - float(start)
        report.tap(name, output, _result(status, output))
    report.same("each test was run", told, [program.name for program in programs])
    slowest = sorted(told, key=told.get, reverse=True)[:5]
    report.slowest = ", ".join(f"{name} {told[name]:.0f} s" for name in slowest)


def table(rows, preparation):
    """One row for each kernel; then what each lacks, and the reason of every failure and skip."""
    head = ("kernel", "version", "way in", "passed", "failed", "skipped", "seconds")
    skipped = len(preparation.skips)  # on all of them alike
    cells = [(r.name, r.kernel, r.way, str(r.passed), str(len(r.failures)), str(len(r.skips) + skipped),
              f"{r.seconds:.0f}") for r in rows]
    lines = aligned(head, cells, left=3) + [""]
    for row in rows:
        if row.kernel != "none":
            lines += textwrap.wrap(f"{row.name} lacks {', '.join(row.lacks) or 'nothing that was asked for'}",
                                   width=120, subsequent_indent="    ", break_on_hyphens=False)
            lines.append(f"{row.name}: the slowest tests took {row.slowest}")
    return "\n".join(lines + notes([preparation, *rows])).rstrip("\n") + "\n"
