"""Links of the Markdown to files that are no pages of the guide. They work in the source tree, but the guide does not
know where that is on the web. So a link to a manual page leads to its page here, and of links to other files only the
name remains. Links to files that do not exist are kept, and Sphinx warns."""

import pathlib

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

DOCS = pathlib.Path(__file__).resolve().parent.parent


class SourceLinks(SphinxTransform):
    default_priority = 5

    def apply(self, **kwargs):
        folder = pathlib.Path(self.env.doc2path(self.env.docname)).parent
        links = list(self.document.findall(addnodes.download_reference))
        links += [node for node in self.document.findall(addnodes.pending_xref) if node.get('reftype') == 'myst']
        for node in links:
            target = node['reftarget']
            if node.get('refdomain') == 'doc':
                if target.startswith('/'):  # Markdown outside this folder
                    node.replace_self(node.children)
                continue
            path = (folder / target).resolve()
            if path.parent == DOCS / 'man' and path.exists():
                up = '../' * (len(pathlib.PurePosixPath(self.env.docname).parts) - 1)
                node.replace_self(nodes.reference('', '', *node.children, refuri=f'{up}guide/manual/{path.name}.html'))
            elif path.exists():
                node.replace_self(node.children)


def setup(app):
    app.add_transform(SourceLinks)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
