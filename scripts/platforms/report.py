"""The checks of one row of the table: passed, failed or skipped, with the reason."""
import re
import time
import traceback


class Skip(Exception):
    """Something is not available on this machine. The text says what, and why."""


class Failure(Exception):
    """Something that must work does not. The text says what."""


class Report:
    """One row. Checks are printed at once, or, if rows run in parallel, together with the row's others."""

    def __init__(self, name, at_once=True):
        self.name = name
        self._lines = None if at_once else []
        self.built = []
        self.passed = 0
        self.failures = []
        self.skips = []
        self.seconds = 0.0
        self._start = time.monotonic()
        self._say(f"{name}:")

    def _say(self, text):
        if self._lines is None:
            print(text, flush=True)
        else:
            self._lines.append(text)

    def _detail(self, text):
        self._say("        " + text.rstrip("\n").replace("\n", "\n        "))

    def check(self, what, holds, detail=""):
        """Counts one check; `detail` is printed if it fails."""
        if holds:
            self.passed += 1
            self._say(f"  ok    {what}")
        else:
            self.failures.append(what)
            self._say(f"  FAIL  {what}")
            if detail:
                self._detail(detail)
        return holds

    def same(self, what, found, wanted):
        """Checks that two collections have the same members; prints the difference."""
        found, wanted = set(found), set(wanted)
        difference = [f"+ {x}" for x in sorted(found - wanted)] + [f"- {x}" for x in sorted(wanted - found)]
        return self.check(what, not difference, "\n".join(difference))

    def skip(self, what, why):
        """Counts a check that cannot run here."""
        self.skips.append((what, why))
        self._say(f"  SKIP  {what}: {why}")

    def run(self, row, *arguments):
        """Runs the checks of `row`. Whatever goes wrong in it, the other rows go on."""
        try:
            row(*arguments)
        except Skip as skip:
            self.skip("the rest of this row" if self.passed else "this row", str(skip))
        except Failure as failure:
            text = str(failure)
            self.check(text.partition("\n")[0], False, text)
        except Exception:  # pylint: disable=broad-exception-caught
            self.check("the check itself", False, traceback.format_exc())
        self.finish()
        return self

    def finish(self):
        """Ends the row."""
        self.seconds = time.monotonic() - self._start
        if self._lines:
            print("\n".join(self._lines), flush=True)

    def tap(self, program, text, result):
        """Counts the results of a test program that prints TAP, and how the program itself ended."""
        passed, failed = 0, []
        for line in text.splitlines():
            match = re.match(r"(not )?ok\b\s*\d*\s*-?\s*([^#]*)(?:#\s*(SKIP|TODO)\b:?\s*(.*))?", line, flags=re.I)
            plan = re.match(r"1\.\.0\s*#\s*SKIP\b:?\s*(.*)", line, flags=re.I)
            if plan:
                self.skip(program, plan.group(1).strip())
            elif match and match.group(3):
                self.skip(f"{program}: {match.group(2).strip()}", match.group(4).strip())
            elif match and match.group(1):
                failed.append(match.group(2).strip())
            elif match:
                passed += 1
        self.passed += passed
        self.failures += [f"{program}: {what}" for what in failed]
        if result not in ("OK", "SKIP", "EXPECTEDFAIL") and not failed:
            failed.append(result)
            self.failures.append(f"{program}: {result}")
        if failed:
            self._say(f"  FAIL  {program}: {'; '.join(failed)}")
            self._detail(text)
        elif passed:
            self._say(f"  ok    {program}: {passed} checks")


def aligned(head, rows, left=2):
    """Rows of text below a head, in columns; so many of the first are words, the others numbers."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(row):
        cells = [text.ljust(width) if i < left else text.rjust(width)
                 for i, (text, width) in enumerate(zip(row, widths))]
        return "  ".join(cells).rstrip()

    return [line(head), line(["-" * width for width in widths]), *map(line, rows)]


def notes(reports):
    """The reason of every failure and skip, a line each."""
    lines = []
    for report in reports:
        lines += [f"{report.name}: FAILED: {what}" for what in report.failures]
        reasons = {}
        for what, why in report.skips:
            reasons.setdefault(why, []).append(what)
        for why, whats in reasons.items():
            more = f" and {len(whats) - 1} more" if len(whats) > 1 else ""
            lines.append(f"{report.name}: skipped: {whats[0]}{more}: {why}")
    return lines


def table(reports):
    """The reports as text: one row for each, and below it the reason of every failure and skip."""
    head = ("row", "built", "passed", "failed", "skipped", "seconds")
    rows = [(r.name, ", ".join(r.built) or "no", str(r.passed), str(len(r.failures)), str(len(r.skips)),
             f"{r.seconds:.0f}") for r in reports]
    below = notes(reports)
    return "\n".join(aligned(head, rows) + ([""] + below if below else [])) + "\n"
