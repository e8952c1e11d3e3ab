"""What the theme leaves undone for readers who use a screen reader or a phone.

A Sphinx extension: it mends the finished pages.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

MENDED = (
    # the book's name above the menu stands in no landmark
    (
        re.compile(r'<div class="sidebar-primary-items__start sidebar-primary__section">'),
        '<div class="sidebar-primary-items__start sidebar-primary__section" role="navigation" '
        'aria-label="Book">',
    ),
    # a list of references may not hold entries of a role that lists do not know
    (re.compile(r'(<div class="citation"[^>]*) role="doc-biblioentry"'), r"\1"),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
)


def mend(app: Sphinx, error: Exception | None) -> None:
    """Mend every page of a finished HTML build."""
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = old = path.read_text()
        for pattern, new in MENDED:
            text = pattern.sub(new, text)
        if text != old:
            path.write_text(text)


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
