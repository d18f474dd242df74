#!/usr/bin/env python3
"""Checks links: in the guide's HTML each one leads to a file and a place in it; in Markdown each one to a file.

usage: check-links.py FOLDER [FILE.md]...

Links to other machines are checked only for their form, because a test must not depend on the network.
"""

import pathlib
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

MARKDOWN_LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)\)')


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ('href', 'src') and value:
                self.links.append(value)
            elif name in ('id', 'name') and value:
                self.places.add(value)


def external(link):
    """The problem of a link to another place, None if there is none, False if it is not such a link."""
    parts = urlsplit(link)
    if parts.scheme in ('data', 'mailto'):
        return None
    if not parts.scheme and not parts.netloc:
        return False
    right = parts.scheme == 'https' and re.fullmatch(r'[a-z0-9-]+(\.[a-z0-9-]+)+', parts.netloc)
    return None if right else 'no https address'


def check_html(folder):
    pages = {path.resolve(): Page(path) for path in folder.rglob('*.html')}
    for path, page in pages.items():
        for link in page.links:
            wrong = external(link)
            if wrong is False:
                parts = urlsplit(link)
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                place = unquote(parts.fragment)
                if not target.is_file():
                    wrong = 'no such file'
                elif place and target in pages and place not in pages[target].places:
                    wrong = 'no such place'
                else:
                    wrong = None
            yield path, link, wrong


def check_markdown(path):
    for link in MARKDOWN_LINK.findall(path.read_text(encoding='utf-8')):
        wrong = external(link)
        if wrong is False:
            target = urlsplit(link).path
            wrong = None if not target or (path.parent / unquote(target)).exists() else 'no such file'
        yield path, link, wrong


def main():
    found = list(check_html(pathlib.Path(sys.argv[1])))
    for name in sys.argv[2:]:
        found += check_markdown(pathlib.Path(name))
    wrong = [(path, link, why) for path, link, why in found if why]
    for path, link, why in wrong:
        print(f'{path}: {link}: {why}', file=sys.stderr)
    print(f'{len(found)} links, {len(wrong)} of them wrong')
    return 1 if wrong or not found else 0


sys.exit(main())
