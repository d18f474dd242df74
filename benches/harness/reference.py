"""Puts the tables and plots of a run into the documentation.

SPDX-License-Identifier: MIT
"""
import os
import re
import shutil

from .build import ROOT

PAGE = os.path.join(ROOT, "docs", "performance.md")
FOLDER = os.path.join(ROOT, "docs", "performance")


def write(report, plots):
    """Replaces the text between the markers of each table in docs/performance.md, and the plots."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    for name, _, text in report.tables():
        marked = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marked.search(page):
            raise SystemExit(f"{PAGE} has no place for the table {name}")
        page = marked.sub(lambda match, text=text: f"{match[1]}\n{text}\n\n{match[2]}", page)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
    os.makedirs(FOLDER, exist_ok=True)
    for plot in plots:
        shutil.copy(plot, FOLDER)
