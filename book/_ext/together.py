"""A number and its sign stay on one line: no page breaks "11.4 %" or "n = 10" in two.

A Sphinx extension; code, formulas and headings are left as they are.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

TOGETHER = re.compile(r"[+-]?\d[\d.,]* %|n = \d[\d,]*")
SPARED = (nodes.title, nodes.literal, nodes.literal_block, nodes.raw, nodes.math, nodes.math_block)


def bind(app: Sphinx, page: nodes.document, name: str) -> None:
    """Wrap each number with its sign, on a page whose glued texts are in place."""
    if app.builder.format != "html":
        return
    for text in list(page.findall(nodes.Text)):
        if TOGETHER.search(text) and not isinstance(text.parent, SPARED):
            text.parent.replace(text, _wrapped(text))


def _wrapped(text: str) -> list[nodes.Node]:
    """The pieces of a text, those that stay together as inline nodes of a class of their own."""
    pieces, done = [], 0
    for found in TOGETHER.finditer(text):
        pieces.append(nodes.Text(text[done : found.start()]))
        pieces.append(nodes.inline("", found.group(), classes=["together"]))
        done = found.end()
    return [piece for piece in [*pieces, nodes.Text(text[done:])] if piece.astext()]


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("doctree-resolved", bind)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
