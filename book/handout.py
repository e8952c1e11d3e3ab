"""Make the folder that students get, and its zip; called by ``make workshop``.

Notebooks without solutions, the library, an install check, the hand-out as a PDF, and the published
results that the sessions read. What a session trains is not among them. The book's pages, which
hold the solutions, are a zip of their own, for after the class.
"""

import json
import re
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
CHAPTER = re.compile(r"\(\.\./(\w+)\.ipynb\)")
OLD_FORMATS = ("*.map", "*.ttf", "*.eot")  # no browser of today asks for them
HTML = ROOT / "book" / "_build" / "html"
FILES = ("pyproject.toml", "requirements.txt", "environment.yml", "LICENSE", "CITATION.cff")

START = """# The workshop

At home, before the class: steps 1 and 2; then, in rules.ipynb, the first exercise or, if your class
has forty-five minutes, all exercises up to "What does a score mean?".

1. With 64-bit Linux, Windows or a Mac with Apple's own chip (macOS 14 or newer), Python 3.11 or
   newer, in this folder. The packages are about 2 GB; on Linux PyTorch brings NVIDIA's libraries,
   nearly 3 GB more to download, unless you first install its CPU build as its own page says.

   ```
   python3 -m venv .venv        # Windows: py -m venv .venv
   source .venv/bin/activate    # Windows: .venv\\Scripts\\activate
   pip install -r requirements.txt notebook
   pip install --no-deps --no-build-isolation -e .
   ```

   or with conda:

   ```
   conda env create -f environment.yml
   conda activate procmod
   pip install notebook
   ```

2. `python check_install.py` says whether everything is there and how fast it will be.
3. `jupyter notebook notebooks`: rules.ipynb, surgery.ipynb, loud_head.ipynb, in this order. In a
   new terminal, activate the environment first.

`handout.pdf` is the workshop on one page. After the class you get the whole book, to read without a
network: unpack it over this folder and open `pages/index.html`. It holds the solutions.

Nothing needs a network after step 1. What was trained is kept in `store` and not trained twice.
"""

CHECK = '''"""Is everything there? Versions, disk, a training step, the speed to expect."""

import shutil
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


def main() -> None:
    """Say what is there and what is missing, a line each."""
    begun = time.perf_counter()
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
    try:
        import ipykernel  # noqa: F401
        import matplotlib  # noqa: F401
        import numpy
        import torch

        version("procmod_lib")
        from procmod_lib.runs.machine import Machine
        from procmod_lib.runs.plan import seconds_for
        from procmod_lib.runs.run import donors_of
        from procmod_lib.workshop.outcomes import workshop_runs
    except (ImportError, PackageNotFoundError) as error:
        sys.exit(
            f"A package is missing ({error.name}) for {sys.executable}. If that is not the Python "
            "of the environment, activate it first; else do step 1 of README.md again."
        )
    print(f"Python {sys.version.split()[0]}, numpy {numpy.__version__}, torch {torch.__version__}")
    if not (find_spec("notebook") or find_spec("jupyterlab")):
        print("Jupyter is missing: pip install notebook (some editors do without it).")
    free = shutil.disk_usage(".").free / 1e9
    print(f"{free:.1f} GB of disk are free.")
    if free < 0.5:
        sys.exit("That is too little: free half a gigabyte.")
    longest = workshop_runs("B", 3)
    minutes = seconds_for(longest + donors_of(longest), Machine()) / 60
    print(f"Session B, the longest, trains about {minutes:.0f} minutes here.")
    if minutes > 3:
        print("That is long: set seeds = 1 at the head of each notebook.")
    print(f"All that the sessions need is there ({time.perf_counter() - begun:.0f} s).")


if __name__ == "__main__":
    main()
'''


def student_version(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook without its solutions and outputs; links to chapters lead to the offline pages."""
    student = nbformat.from_dict(dict(notebook))
    student.cells = [c for c in student.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in student.cells:
        cell.source = CHAPTER.sub(r"(../pages/generated/\1.html)", cell.source)
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
    shutil.copy(ROOT / "notebooks" / "by_hand.ipynb", folder / "notebooks")  # for the challenge


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


def write_zips(folder: Path) -> None:
    """The folder as one file, and the pages for after the class as another."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pages = [path for path in files if folder / "pages" in path.parents]
    book = folder.with_name(f"{folder.name}_book.zip")
    for target, parts in ((book, pages), (folder.with_suffix(".zip"), sorted({*files} - {*pages}))):
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in parts:
                archive.write(path, Path("workshop") / path.relative_to(folder))
        print(f"{target}: {target.stat().st_size / 1e6:.1f} MB.")


def make(html: Path, folder: Path) -> None:
    """Make the folder, its two zips and the PDFs.

    Args:
        html: the pages of the book.
        folder: what is made; the zips and the PDFs stand beside it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("slides.pdf", "handout.pdf"):
        (folder.parent / name).unlink(missing_ok=True)
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
    write_zips(folder)
    if (folder.parent / "slides.pdf").exists():
        print("Beside it slides.pdf, for you; in the book the slides are slides/index.html.")


def main() -> None:
    """Make it from the book as it was last made."""
    if not (HTML / "slides" / "index.html").exists():
        sys.exit("make workshop: the book is not made yet; run make book first.")
    make(HTML, FOLDER)


if __name__ == "__main__":
    main()
