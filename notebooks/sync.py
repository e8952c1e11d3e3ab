"""Write every notebook from its text, which is what people edit; called by ``make notebooks``.

The texts are notebooks/text/*.md, in MyST.
"""

from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).resolve().parent
TEXTS = sorted((HERE / "text").glob("**/*.md"))


def notebook_of(text: Path) -> nbformat.NotebookNode:
    """The notebook that a text stands for; its ids are the same at each writing."""
    notebook = jupytext.read(text)
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i:02d}"
    notebook.metadata.pop("jupytext", None)
    return notebook


def target_of(text: Path) -> Path:
    """Where the notebook of a text is kept."""
    return HERE / text.relative_to(HERE / "text").with_suffix(".ipynb")


def content_of(text: Path) -> str:
    """The notebook's file, as it is written."""
    return nbformat.writes(notebook_of(text), version=4) + "\n"


def main() -> None:
    """Write all notebooks."""
    for text in TEXTS:
        target_of(text).write_text(content_of(text))
    print(f"{len(TEXTS)} notebooks written from notebooks/text.")


if __name__ == "__main__":
    main()
