"""The first use of each glossary word in a chapter leads to the glossary.

A Sphinx extension; the words are those of ``glossary.md``. Headings, code, links and folds are left
as they are.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

WORD = re.compile(r"^(?=\S)(?!#|```|The words)(.+)$", re.MULTILINE)
SPARED = (nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.raw)
SPARED += (addnodes.pending_xref, nodes.citation_reference, nodes.table)


OTHER_SENSES = ("output head", "k-Dyck shuffle", "named streams")
"""Phrases that hold a word of the glossary and do not mean it."""


class Terms(SphinxTransform):
    """Link the first use of each word of the glossary on a page of the book's story."""

    default_priority = 910

    def apply(self) -> None:
        """Link them on chapters and on the method page."""
        page = self.env.docname
        if not (page.startswith("generated/") or page == "method"):
            return
        waiting = words(self.app)
        uses = uses_of(waiting)
        for paragraph in list(self.document.findall(_is_prose)):
            for text in list(paragraph.findall(nodes.Text)):
                if not _is_spared(text):
                    _link_first(text, uses, waiting)


def words(app: Sphinx) -> set[str]:
    """The words of the glossary."""
    text = (app.srcdir / "glossary.md").read_text()
    return set(WORD.findall(text.split("```{glossary}")[1]))


def uses_of(terms: set[str]) -> re.Pattern:
    """Where a text uses one of the words; of two at one place the longer, and a phrase with another
    sense before both.
    """
    longest_first = sorted((*terms, *OTHER_SENSES), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})s?(?![\w-])")


def _is_prose(node: nodes.Node) -> bool:
    return isinstance(node, nodes.paragraph | nodes.caption)


def _is_spared(node: nodes.Node) -> bool:
    while node is not None:
        if isinstance(node, SPARED) or "figure-files" in getattr(node, "attributes", {}).get(
            "classes", []
        ):
            return True
        node = node.parent
    return False


def _link_first(text: nodes.Text, uses: re.Pattern, waiting: set[str]) -> None:
    """Replace a text by itself with links in it; what was linked waits no longer."""
    parts: list[nodes.Node] = []
    end = 0
    for found in uses.finditer(text):
        term = found.group(1)
        if term not in waiting:
            continue
        waiting.remove(term)
        word = nodes.inline("", found.group())
        link = addnodes.pending_xref("", word, refdomain="std", reftype="term")
        link["reftarget"], link["refexplicit"] = term, True
        parts += [nodes.Text(text[end : found.start()]), link]
        end = found.end()
    if parts:
        parts.append(nodes.Text(text[end:]))
        text.parent.replace(text, [part for part in parts if part.astext()])


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_transform(Terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
