"""Make the folder that students get, and its zip; called by ``make workshop``.

Notebooks without solutions, the library, an install check, the book's pages, the hand-out as a PDF,
and the published results that the sessions read. What a session trains is not among them.
"""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import build
import nbformat
import printing
import slides

from procmod_lib.experiments.grids import localisation
from procmod_lib.runs.store import PUBLISHED, Store
from procmod_lib.workshop.outcomes import RUNS

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "book" / "_build" / "workshop"
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


def copy_notebooks() -> None:
    """Every session, without its solutions."""
    (FOLDER / "notebooks").mkdir(parents=True)
    for path in sorted((ROOT / "notebooks" / "workshop").glob("*.ipynb")):
        student = student_version(nbformat.read(path, 4))
        (FOLDER / "notebooks" / path.name).write_text(
            json.dumps(student, indent=1, ensure_ascii=False) + "\n"
        )


def copy_library() -> None:
    """The library and what its installation reads."""
    for name in FILES:
        shutil.copy(ROOT / name, FOLDER)
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "procmod_lib", FOLDER / "procmod_lib", ignore=left_out)


def copy_results() -> None:
    """The published runs that a session reads; it trains its own."""
    results, published = Store(FOLDER / "book" / "results", None), Store(PUBLISHED, None)
    for run in localisation("small", pieces=RUNS["B"]["pieces"], seeds=16):
        table = published.find(run)
        if table is not None:
            results.write_run(run, table)
    results.pack()
    shutil.rmtree(FOLDER / "book" / "results" / "locks", ignore_errors=True)
    shutil.copytree(PUBLISHED / "provenance", FOLDER / "book" / "results" / "provenance")


def copy_pages() -> None:
    """The book, for reading without a network."""
    if not (HTML / "index.html").exists():
        build.fail("the pages are not made yet; run make book first.")
    left_out = shutil.ignore_patterns("_sources", ".buildinfo", "objects.inv", "*.map")
    shutil.copytree(HTML, FOLDER / "pages", ignore=left_out)


def print_handout() -> None:
    """The hand-out and the slides, as PDFs beside the zip; the hand-out is also in it."""
    work = ROOT / "book" / "_build" / "handout"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for path in (slides.SOURCE / "handout.html", ROOT / "book" / "_assets" / "parts.svg"):
        shutil.copy(path, work)
    printing.print_page(work, "handout.html", FOLDER / "handout.pdf")
    printing.print_page(HTML / "slides", "index.html?print-pdf", FOLDER.parent / "slides.pdf")


def write_zip() -> Path:
    """The folder as one file."""
    target = FOLDER.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(p for p in FOLDER.rglob("*") if p.is_file()):
            archive.write(path, Path("workshop") / path.relative_to(FOLDER))
    return target


def main() -> None:
    """Make the folder, its zip and the PDFs."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    copy_notebooks()
    copy_library()
    copy_results()
    copy_pages()
    (FOLDER / "README.md").write_text(START)
    (FOLDER / "check_install.py").write_text(CHECK)
    try:
        print_handout()
    except RuntimeError as error:
        print(f"The hand-out and the slides are not printed: {error}", file=sys.stderr)
    target = write_zip()
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.1f} MB, for students.")
    if (FOLDER.parent / "slides.pdf").exists():
        print("book/_build/slides.pdf: the slides; in the book they are slides/index.html.")


if __name__ == "__main__":
    main()
