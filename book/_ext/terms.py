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


class Terms(SphinxTransform):
    """Link the first use of each word of the glossary on a page of the book's story."""

    default_priority = 910

    def apply(self) -> None:
        """Link them on chapters and on the method page."""
        page = self.env.docname
        if not (page.startswith("generated/") or page == "method"):
            return
        waiting = words(self.app)
        for paragraph in list(self.document.findall(_is_prose)):
            for text in list(paragraph.findall(nodes.Text)):
                if not _is_spared(text):
                    _link_first(text, waiting)


def words(app: Sphinx) -> dict[str, re.Pattern]:
    """The words of the glossary, each with the pattern of its uses."""
    text = (app.srcdir / "glossary.md").read_text()
    terms = WORD.findall(text.split("```{glossary}")[1])
    return {term: re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])") for term in terms}


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


def _link_first(text: nodes.Text, waiting: dict[str, re.Pattern]) -> None:
    """Replace a text by itself with links in it; what was linked waits no longer."""
    parts: list[nodes.Node] = [text]
    for term in sorted(waiting, key=len, reverse=True):
        for i, part in enumerate(parts):
            found = waiting[term].search(part) if isinstance(part, nodes.Text) else None
            if found:
                link = addnodes.pending_xref(
                    "", nodes.inline("", found.group()), refdomain="std", reftype="term"
                )
                link["reftarget"], link["refexplicit"] = term, True
                before, after = part[: found.start()], part[found.end() :]
                parts[i : i + 1] = [nodes.Text(before), link, nodes.Text(after)]
                del waiting[term]
                break
    if len(parts) > 1:
        text.parent.replace(text, [part for part in parts if part.astext()])


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_transform(Terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
