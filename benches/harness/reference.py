"""Puts the tables and plots of a run into the documentation.

SPDX-License-Identifier: MIT
"""
import os
import re
import shutil

from .build import ROOT

PAGE = os.path.join(ROOT, "docs", "performance.md")
LANGUAGES = os.path.join(ROOT, "docs", "guide", "languages.md")
FOLDER = os.path.join(ROOT, "docs", "performance")


def put(page, name, text):
    """Replaces the text between the markers of a table."""
    with open(page, encoding="utf-8") as file:
        old = file.read()
    marked = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marked.search(old):
        raise SystemExit(f"{page} has no place for the table {name}")
    with open(page, "w", encoding="utf-8") as file:
        file.write(marked.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", old))


def write(report, plots, languages):
    """Puts the tables into docs/performance.md, and the plots beside it. @languages: the file with the bindings' table,
    if there is one."""
    for name, _, text in report.tables():
        put(PAGE, name, text)
    os.makedirs(FOLDER, exist_ok=True)
    for plot in plots:
        shutil.copy(plot, FOLDER)
    if os.path.exists(languages):
        with open(languages, encoding="utf-8") as file:
            put(LANGUAGES, "languages", file.read().strip())
