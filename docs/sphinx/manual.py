"""The directive {manual}: a page of the manual, as mandoc has it, among those of the guide."""

import pathlib
import re
import subprocess

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'man'
LINK = re.compile(r'<a class="Xr" href="([^"]*)\.html">(.*?)</a>')


def link(match):
    """Manual pages that are here are linked; which others a reader has is unknown."""
    page, text = match.groups()
    return f'<a class="Xr" href="{page}.html">{text}</a>' if (FOLDER / page).exists() else text


class Manual(SphinxDirective):
    required_arguments = 1

    def run(self):
        page = FOLDER / self.arguments[0]
        self.env.note_dependency(str(page))
        html = subprocess.run(
            ['mandoc', '-T', 'html', '-O', 'fragment,man=%N.%S.html', page],
            stdout=subprocess.PIPE, check=True, encoding='utf-8',
        ).stdout
        return [nodes.raw('', LINK.sub(link, html), format='html')]


def setup(app):
    app.add_directive('manual', Manual)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
