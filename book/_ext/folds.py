"""What a sceptic wants, folded at the end of each section; each figure's files below it.

A Sphinx extension. Of every notebook cell the code goes into one fold, "How this was made", at the
end of its section; so does the output of cells that are tagged ``detail``. A table that is longer
than a reader takes in at a glance, and not tagged ``open``, is folded where it stands. Nothing is
left out of the page.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

LONGEST_TABLE = 8  # rows that stand open
FILES = {"png": "PNG", "svg": "SVG", "csv": "data (CSV)"}


class Fold(nodes.General, nodes.Element):
    """A part of a section that opens on demand."""


class Folds(SphinxTransform):
    """Move code and details of a notebook's cells into the fold of their section."""

    default_priority = 900

    def apply(self) -> None:
        """Fold each section of the page."""
        for section in list(self.document.findall(nodes.section)):
            cells = [child for child in section.children if _is_cell(child)]
            moved = [part for cell in cells for part in _folded(cell)]
            for cell in cells:
                cell.attributes.pop("hide_mode", None)
                if not cell.children:
                    section.remove(cell)
            if moved:
                holds = {tag for part in moved for tag in part["classes"]}
                name = "Solution" if "tag_solution" in holds else "How this was made"
                section.insert(_end_of_own(section), Fold("", *moved, name=name))


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def _folded(cell: nodes.container) -> list[nodes.container]:
    """Take out of a cell what belongs into the fold, each part in a cell of its own."""
    tags = set(cell.get("cell_metadata", {}).get("tags", []))
    is_detail = bool(tags & {"detail", "hide-output"})
    may_be_long = "open" in tags
    parts = []
    for child in list(cell.children):
        is_code = child.get("nb_element") == "cell_code_source" and "exercise" not in tags
        is_table = _is_long(child) and not may_be_long and not is_detail
        if is_table:
            at, name = cell.index(child), f"Table of {_rows(child)} rows"
            cell.remove(child)
            cell.insert(at, Fold("", child, name=name))
        if is_code or is_detail:
            cell.remove(child)
            parts.append(child)
    if not parts:
        return []
    shell = nodes.container(nb_element="cell_code", classes=list(cell["classes"]))
    shell["cell_metadata"] = cell.get("cell_metadata", {})
    shell["cell_index"], shell["exec_count"] = cell["cell_index"], cell.get("exec_count")
    shell.extend(parts)
    return [shell]


def _is_long(output: nodes.Node) -> bool:
    bodies = list(output.findall(nodes.tbody))
    return any(len(body.children) > LONGEST_TABLE for body in bodies)


def _rows(output: nodes.Node) -> int:
    return sum(len(body.children) for body in output.findall(nodes.tbody))


def _end_of_own(section: nodes.section) -> int:
    """Where a section's own content ends: before its first subsection, or at its end."""
    inner = (i for i, child in enumerate(section.children) if isinstance(child, nodes.section))
    return next(inner, len(section.children))


def open_fold(self, node: Fold) -> None:
    """Begin the fold in HTML."""
    self.body.append(f'<details class="how"><summary>{node["name"]}</summary>\n')


def close_fold(self, node: Fold) -> None:
    """End the fold in HTML."""
    self.body.append("</details>\n")


def ignore(self, node: Fold) -> None:
    """In other forms of the book everything stands open."""


def add_files(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Offer each figure of a notebook as PNG, SVG and CSV below its caption."""
    folder = app.srcdir / "_assets" / "figures"
    up = "../" * docname.count("/")
    for figure in doctree.findall(nodes.figure):
        names = [n for n in figure.get("names", []) if (folder / f"{n}.png").exists()]
        captions = list(figure.findall(nodes.caption))
        if not names or not captions or app.builder.format != "html":
            continue
        links = []
        for suffix, text in FILES.items():
            if (folder / f"{names[0]}.{suffix}").exists():
                target = f"{up}_static/figures/{names[0]}.{suffix}"
                links.append(f'<a href="{target}" download>{text}</a>')
        html = f' <span class="figure-files">{" · ".join(links)}</span>'
        captions[0].append(nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_node(
        Fold,
        html=(open_fold, close_fold),
        epub=(open_fold, close_fold),
        text=(ignore, ignore),
        latex=(ignore, ignore),
    )
    app.add_transform(Folds)
    app.connect("doctree-resolved", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
