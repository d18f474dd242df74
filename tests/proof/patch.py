"""Reads and applies the patches in mutants/, strictly: the text that they change must be there exactly once.

A patch is a unified diff under header lines `wrong: what is wrong` and `try: the part that should notice first`, in which
`c-tests` may be followed by the name of a test, and `needs: root` if only root can notice. Line numbers do not
matter, so that a patch survives changes elsewhere in the file; patch(1) is not needed.

SPDX-License-Identifier: MIT
"""
import os
import re


class PatchError(Exception):
    """It does not apply."""


class Patch:
    """One file of mutants/."""

    def __init__(self, path):
        self.name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as file:
            text = file.read()
        header, self.diff = text[:text.index("--- ")], text[text.index("--- "):]
        fields = dict(re.findall(r"^(\w+): (.*)$", header, re.M))
        self.needs_root = "needs" in fields
        if (set(fields) - {"needs"} != {"wrong", "try"} or fields.get("needs", "root") != "root"
                or not text.startswith("wrong: ")):
            raise PatchError(f"{path}: the header is not a line 'wrong: …', a line 'try: …' and perhaps 'needs: root'")
        self.wrong = fields["wrong"]
        self.hint, _, self.test = fields["try"].partition(" ")

    def files(self):
        """Each file of the diff, with its hunks as pairs of old and new text."""
        for part in re.split(r"^--- .*\n", self.diff, flags=re.M)[1:]:
            name, rest = part.split("\n", 1)
            hunks = []
            for hunk in re.split(r"^@@ .*\n", rest, flags=re.M)[1:]:
                lines = hunk.splitlines(keepends=True)
                hunks.append(("".join(line[1:] for line in lines if line[0] in " -"),
                              "".join(line[1:] for line in lines if line[0] in " +")))
            yield re.sub(r"^\+\+\+ b/", "", name), hunks

    def apply(self, tree):
        """Changes the tree. Returns the old contents by path, with which the change can be undone."""
        before = {}
        for name, hunks in self.files():
            path = os.path.join(tree, name)
            try:
                with open(path, encoding="utf-8") as file:
                    text = before[path] = file.read()
            except FileNotFoundError:
                raise PatchError(f"{self.name}: there is no {name} any more") from None
            for old, new in hunks:
                if text.count(old) != 1:
                    raise PatchError(f"{self.name}: in {name} this is there {text.count(old)} times, not once:\n{old}")
                text = text.replace(old, new)
            write(path, text)
        return before


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
