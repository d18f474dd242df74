"""How a part of the proof reports what it found, to a person and to run.py.

On stdout: a line `VIOLATION: …` for each promise that was broken, `SKIP: …` for what this machine cannot do, and last
`RESULT experiments=N violations=M`. Exit status 0: nothing broken; 1: something is; 77: nothing could be tried.

SPDX-License-Identifier: MIT
"""
import sys


class Report:
    """Counts experiments and violations, and prints them as they come."""

    def __init__(self):
        self.experiments = 0
        self.violations = 0
        self.skips = 0

    def check(self, holds, what):
        """Counts one experiment; `what` is the complaint if it fails."""
        self.experiments += 1
        if not holds:
            self.violation(what)
        return holds

    def violation(self, what):
        """A broken promise. One line, whatever it quotes."""
        self.violations += 1
        print("VIOLATION: " + " | ".join(str(what).splitlines()), flush=True)

    def skip(self, why):
        """Something that this machine lacks. Never a part that merely failed."""
        self.skips += 1
        print(f"SKIP: {why}", flush=True)

    @staticmethod
    def note(text):
        """Prints a line for a reader of the log."""
        print(f"# {text}", flush=True)

    def finish(self):
        """The last line, and the end of the program."""
        print(f"RESULT experiments={self.experiments} violations={self.violations}", flush=True)
        if self.violations:
            sys.exit(1)
        sys.exit(77 if self.skips and not self.experiments else 0)
