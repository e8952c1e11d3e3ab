"""Links to the sources, where ``REPOSITORY`` says at what address they are.

A Sphinx extension. Chapters link to the notebook in ``notebooks/``, which is the one that can be
run, and to Binder; other pages to their own source. Without ``REPOSITORY`` there is no link that
leads nowhere.
"""

import os
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)/?$")


class Links(SphinxTransform):
    """Add the links below a page's title."""

    default_priority = 920

    def apply(self) -> None:
        """Add them where the address is known."""
        address, page = self.config.procmod_repository, self.env.docname
        title = next(self.document.findall(nodes.title), None)
        if not address or title is None or page in ("explore", "library/reference"):
            return
        line = nodes.paragraph("", "", classes=["source-links"])
        for i, (text, target) in enumerate(links_of(address, page)):
            line += nodes.Text(" · ") if i else nodes.Text("")
            line += nodes.reference("", text, refuri=target)
        title.parent.insert(title.parent.index(title) + 1, line)


def links_of(address: str, page: str) -> list[tuple[str, str]]:
    """(text, address) of every link of a page."""
    if not page.startswith("generated/"):
        return [("Edit this page", f"{address}/edit/main/book/{page}.md")]
    name = page.removeprefix("generated/")
    found = [("Edit this page", f"{address}/edit/main/notebooks/text/{name}.md")]
    found.append(("Notebook", f"{address}/blob/main/notebooks/{name}.ipynb"))
    on_github = GITHUB.match(address)
    if on_github:
        binder = f"https://mybinder.org/v2/gh/{on_github[1]}/main?labpath=notebooks/{name}.ipynb"
        found.append(("Open in Binder", binder))
    return found


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    address = os.environ.get("REPOSITORY", "").rstrip("/")
    app.add_config_value("procmod_repository", address, "env")
    app.add_transform(Links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
