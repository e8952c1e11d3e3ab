"""Make the folder that students get, and its zip; called by ``make workshop``.

Notebooks without solutions, the library, an install check, the book's pages, the hand-out as a PDF,
and the published results that the sessions read. What a session trains is not among them.
"""

import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat
import PIL.Image
import printing
import slides

from procmod_lib.experiments.grids import localisation
from procmod_lib.runs.store import PUBLISHED, Store
from procmod_lib.workshop.outcomes import RUNS

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "book" / "_build" / "workshop"
OLD_FORMATS = ("*.map", "*.ttf", "*.eot")  # no browser of today asks for them
HTML = ROOT / "book" / "_build" / "html"
FILES = ("pyproject.toml", "requirements.txt", "environment.yml", "LICENSE", "CITATION.cff")

START = """# The workshop

1. Python 3.11 or newer: `python -m venv .venv`, then
   `.venv/bin/pip install -r requirements.txt notebook` (2 GB, some minutes) and
   `.venv/bin/pip install --no-deps --no-build-isolation -e .`;
   with conda: `conda env create -f environment.yml`.
2. `.venv/bin/python check_install.py` says whether everything is there and how fast it will be.
3. `.venv/bin/jupyter notebook notebooks`: rules.ipynb, surgery.ipynb, loud_head.ipynb.

`handout.pdf` is the workshop on one page. `pages/index.html` is the whole book, to read without a
network; its pages "Session A, B, C" hold the solutions, folded.

Nothing needs a network after step 1. What was trained is kept in `store` and not trained twice.
"""

CHECK = '''"""Is everything there? Versions, disk, a training step, the speed to expect."""

import shutil
import sys
import time


def main() -> None:
    """Say what is there and what is missing, a line each."""
    begun = time.perf_counter()
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
    try:
        import numpy
        import torch

        from procmod_lib.experiments.make_runs import fine_tuning_run
        from procmod_lib.runs.machine import Machine
        from procmod_lib.runs.plan import seconds_per_run
    except ImportError as error:
        sys.exit(f"A package is missing ({error.name}): do step 1 of README.md again.")
    print(f"Python {sys.version.split()[0]}, numpy {numpy.__version__}, torch {torch.__version__}")
    free = shutil.disk_usage(".").free / 1e9
    print(f"{free:.1f} GB of disk are free{'' if free > 0.5 else ': too little'}.")
    run = fine_tuning_run("haystack", "scratch", "quick", 0, steps=1500)
    seconds = seconds_per_run(run, Machine(), 2)
    print(f"A run of the workshop takes about {seconds:.0f} s here, two at a time.")
    print(f"Everything is there ({time.perf_counter() - begun:.0f} s).")


if __name__ == "__main__":
    main()
'''


def student_version(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook without its solutions and without outputs."""
    student = nbformat.from_dict(dict(notebook))
    student.cells = [c for c in student.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in student.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return student


def copy_notebooks(folder: Path) -> None:
    """Every session, without its solutions."""
    (folder / "notebooks").mkdir(parents=True)
    for path in sorted((ROOT / "notebooks" / "workshop").glob("*.ipynb")):
        student = student_version(nbformat.read(path, 4))
        (folder / "notebooks" / path.name).write_text(
            json.dumps(student, indent=1, ensure_ascii=False) + "\n"
        )


def copy_library(folder: Path) -> None:
    """The library and what its installation reads."""
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "procmod_lib", folder / "procmod_lib", ignore=left_out)


def copy_results(folder: Path) -> None:
    """The published runs that a session reads; it trains its own."""
    results, published = Store(folder / "book" / "results", None), Store(PUBLISHED, None)
    for run in localisation("small", pieces=RUNS["B"]["pieces"], seeds=16):
        table = published.find(run)
        if table is not None:
            results.write_run(run, table)
    results.pack()
    shutil.rmtree(results.folder / "locks", ignore_errors=True)
    shutil.copytree(PUBLISHED / "provenance", results.folder / "provenance", dirs_exist_ok=True)


def copy_pages(html: Path, folder: Path) -> None:
    """The book, for reading without a network."""
    left_out = shutil.ignore_patterns("_sources", ".buildinfo", "objects.inv", *OLD_FORMATS)
    shutil.copytree(html, folder / "pages", ignore=left_out)
    for path in (folder / "pages").rglob("*.png"):  # 256 colours are a third of the size
        image = PIL.Image.open(path).convert("RGBA")
        image.quantize(256, method=PIL.Image.Quantize.FASTOCTREE).save(path, optimize=True)


def print_handout(html: Path, folder: Path) -> None:
    """The hand-out and the slides, as PDFs beside the folder; the hand-out is also in it."""
    with tempfile.TemporaryDirectory() as place:
        for path in (slides.SOURCE / "handout.html", html / "_static" / "parts.svg"):
            shutil.copy(path, place)
        printing.print_page(Path(place), "handout.html", folder / "handout.pdf")
    shutil.copy(folder / "handout.pdf", folder.parent)
    printing.print_slides(html / "slides", folder.parent / "slides.pdf")


def write_zip(folder: Path) -> Path:
    """The folder as one file."""
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, Path("workshop") / path.relative_to(folder))
    return target


def make(html: Path, folder: Path) -> None:
    """Make the folder, its zip and the PDFs.

    Args:
        html: the pages of the book.
        folder: what is made; the zip and the PDFs stand beside it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    copy_notebooks(folder)
    copy_library(folder)
    copy_results(folder)
    copy_pages(html, folder)
    (folder / "README.md").write_text(START)
    (folder / "check_install.py").write_text(CHECK)
    try:
        print_handout(html, folder)
    except RuntimeError as error:
        print(f"The hand-out and the slides are not printed: {error}", file=sys.stderr)
    target = write_zip(folder)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, for students.")
    if (folder.parent / "slides.pdf").exists():
        print("Beside it slides.pdf, for you; in the book the slides are slides/index.html.")


def main() -> None:
    """Make it from the book as it was last made."""
    if not (HTML / "slides" / "index.html").exists():
        sys.exit("make workshop: the book is not made yet; run make book first.")
    make(HTML, FOLDER)


if __name__ == "__main__":
    main()
