"""How Sphinx makes the guide of this folder: `make docs`."""

import pathlib
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'docs' / 'sphinx'))

project = 'qemu-fork'
version = release = tomllib.loads((ROOT / 'Cargo.toml').read_text(encoding='utf-8'))['package']['version']
project_copyright = 'the authors of qemu-fork; MIT licence'

extensions = ['myst_parser', 'manual', 'source_links']
source_suffix = {'.md': 'markdown'}
exclude_patterns = ['sphinx']
nitpicky = True

myst_heading_anchors = 3
smartquotes = False  # they would change options such as --start-group
highlight_language = 'c'

html_theme = 'furo'
html_static_path = ['sphinx/static']
html_css_files = ['guide.css']
html_title = f'qemu-fork {version}'
html_theme_options = {'top_of_page_buttons': []}
html_copy_source = False
html_show_sphinx = False
