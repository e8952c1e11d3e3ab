"""Make the folder that students get: notebooks without solutions, the library, an install check.

Called by ``make workshop``. Published results are in it as far as the sessions read them.
"""

import json
import shutil
import zipfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "book" / "_build" / "workshop"
FILES = ("pyproject.toml", "requirements.txt", "environment.yml", "LICENSE", "CITATION.cff")

START = """# The workshop

1. Python 3.11 or newer: `python -m venv .venv`, then
   `.venv/bin/pip install -r requirements.txt notebook` (2 GB, some minutes) and
   `.venv/bin/pip install --no-deps --no-build-isolation -e .`;
   with conda: `conda env create -f environment.yml`.
2. `.venv/bin/python check_install.py` says whether everything is there and how fast it will be.
3. `.venv/bin/jupyter notebook notebooks`: rules.ipynb, surgery.ipynb, loud_head.ipynb.

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


def main() -> None:
    """Make the folder and its zip."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "notebooks").mkdir(parents=True)
    for path in sorted((ROOT / "notebooks" / "workshop").glob("*.ipynb")):
        student = student_version(nbformat.read(path, 4))
        (FOLDER / "notebooks" / path.name).write_text(
            json.dumps(student, indent=1, ensure_ascii=False) + "\n"
        )
    for name in FILES:
        shutil.copy(ROOT / name, FOLDER)
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "procmod_lib", FOLDER / "procmod_lib", ignore=left_out)
    for kind in ("runs", "provenance"):
        shutil.copytree(ROOT / "book" / "results" / kind, FOLDER / "book" / "results" / kind)
    (FOLDER / "README.md").write_text(START)
    (FOLDER / "check_install.py").write_text(CHECK)
    target = FOLDER.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in FOLDER.rglob("*") if p.is_file()):
            archive.write(path, Path("workshop") / path.relative_to(FOLDER))
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
