"""Make the whole book as one PDF, with Chromium; called by ``make pdf`` behind ``make book``.

Folds are left out of it: code and long tables stay in the pages.
"""

import subprocess
import sys
from pathlib import Path

import build
import contents
import printing

SINGLE = build.BOOK / "_build" / "singlehtml"
TARGET = build.BOOK / "_build" / "modular-structures.pdf"


def render_single() -> None:
    """Render all pages as one."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(build.BOOK)]
    command += ["--builder", "custom", "--custom-builder", "singlehtml"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not SINGLE.is_dir():
        build.fail(f"Jupyter Book could not make one page: {done.stderr[-2000:]}")


def main() -> None:
    """Make it, from executed notebooks."""
    try:
        printing.need_chromium()
    except RuntimeError as error:
        build.fail(str(error))
    missing = [
        n for n in contents.notebooks() if not (build.BOOK / f"generated/{n}.ipynb").exists()
    ]
    if missing:
        build.fail(f"the chapter {missing[0]} is not made yet; run make book first.")
    render_single()
    try:
        page = "intro.html" if (SINGLE / "intro.html").exists() else ""
        printing.print_page(SINGLE, page, TARGET)
    except RuntimeError as error:
        build.fail(str(error))
    size = TARGET.stat().st_size / 1e6
    print(f"The book as a PDF is at {TARGET.relative_to(build.ROOT)}: {size:.1f} MB.")


if __name__ == "__main__":
    main()
