"""A paragraph or a list says "95 % interval" once; its other brackets hold the bounds alone.

A Sphinx extension; notebooks, and cells of tables, keep the words.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

WORDS = "95 % interval "
BEFORE_BOUNDS = re.compile(rf"{WORDS}(?=[+-]?\d)")
LISTS = (nodes.bullet_list, nodes.enumerated_list)
LINKED = "95 % "
"""What the words begin with where "interval" is a link to the glossary, a node of its own."""


def shorten(app: Sphinx, page: nodes.document, name: str) -> None:
    """Keep the first such words of each paragraph or list, on a page whose texts are in place."""
    begun = set()
    for text in list(page.findall(nodes.Text)):
        found, passage = BEFORE_BOUNDS.search(text), _passage(text)
        if passage is None or not (found or text.endswith(LINKED)):
            continue
        kept = 0 if passage in begun or not found else found.end()
        begun.add(passage)
        rest = BEFORE_BOUNDS.sub("", text[kept:])
        text.parent.replace(text, nodes.Text(text[:kept] + rest))


def _passage(text: nodes.Text) -> int | None:
    """Which whole list, or else paragraph, a text stands in; None outside of both."""
    around = []
    while text.parent is not None:
        text = text.parent
        around.append(text)
    if any(isinstance(node, nodes.table) for node in around):
        return None
    lists = [node for node in around if isinstance(node, LISTS)]
    paragraphs = [node for node in around if isinstance(node, nodes.paragraph)]
    return next((id(node) for node in [*lists[-1:], *paragraphs]), None)


def setup(app: Sphinx) -> dict:
    """Register with Sphinx, before a number and its sign are bound together."""
    app.connect("doctree-resolved", shorten, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
