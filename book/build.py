"""Make the book: run every notebook through papermill, then render all pages with Jupyter Book.

Called by ``make book``. Each problem that a reader may meet ends in one sentence.
"""

import argparse
import ast
import base64
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import NoReturn

import contents
import explore
import outcomes
import parts
import rooms
import slides

from procmod_lib import cli
from procmod_lib.experiments import grids
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.plan import seconds_for
from procmod_lib.runs.run import Run, each_once
from procmod_lib.runs.store import PUBLISHED, Store, folder_of
from procmod_lib.runs.sweep import lacking

BOOK = Path(__file__).resolve().parent
NEXT = BOOK / "_next"
"""Where a book is rendered until it is whole."""
ROOT = BOOK.parent
MATHJAX = "mathjax@3.2.2"
FORMS = {"image/png": "png", "image/svg+xml": "svg", "text/csv": "csv"}
DATE = re.compile(r"<dc:date>.*?</dc:date>")
GRIDS = {"procedural_data": grids.answer_masks, **cli.GRIDS}
"""The runs behind each chapter's live part, by the chapter's name."""


def live_runs(name: str, preset: str) -> list[Run]:
    """The runs of a chapter's live part, with its notebook's own parameters."""
    import papermill

    asked = inspect.signature(GRIDS[name]).parameters.keys() - {"preset"}
    given = papermill.inspect_notebook(str(ROOT / "notebooks" / f"{name}.ipynb"))
    values = {each: ast.literal_eval(given[each]["default"]) for each in asked & given.keys()}
    return GRIDS[name](preset, **{each: v for each, v in values.items() if v is not None})


def training_estimate(preset: str, store: str) -> str:
    """Say what the live parts would train, from a few steps that are timed on this machine."""
    chapters = [name for name in contents.notebooks() if name in GRIDS]
    there = Store(folder_of(store))
    live = [
        lacking(live_runs(name, preset), there, grids.kept_by(GRIDS[name])) for name in chapters
    ]
    missing = each_once([run for chapter in live for run in chapter])
    seconds = seconds_for(missing, Machine()) if missing else 0.0
    return (
        f"{len(missing)} runs are trained live: {minutes(seconds)}, by a timing of a few steps on "
        "this machine. Published runs are only read."
    )


def minutes(seconds: float) -> str:
    """A length of time as a reader takes it in."""
    return "under a minute" if seconds < 50 else f"about {max(1, round(seconds / 60))} minutes"


def write_edition() -> None:
    """Write the line on the first page that says which edition this is."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    runs = Store(PUBLISHED, None).view()["key"].nunique()
    line = f"*Edition 2 ({version}), {runs:,} published runs.*\n"
    (BOOK / "generated" / "edition.md").write_text(line)


def fail(sentence: str) -> NoReturn:
    """End with one sentence."""
    sys.exit(f"make book: {sentence}")


def fetch_mathjax() -> None:
    """Put MathJax, which draws the formulas, below book/_assets.

    The rendered book then asks no other machine for it.
    """
    target = BOOK / "_assets" / "mathjax"
    if (target / "tex-mml-chtml.js").exists():
        return
    if not shutil.which("npm"):
        fail(
            "npm is not installed; it is needed once to fetch MathJax. On Debian: apt-get install "
            "npm."
        )
    print(f"Fetching {MATHJAX} with npm (once).", flush=True)
    scratch = BOOK / "generated" / "npm"
    scratch.mkdir(parents=True, exist_ok=True)
    command = [
        "npm",
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--prefix",
        str(scratch),
        MATHJAX,
    ]
    if subprocess.run(command, capture_output=True).returncode:
        fail("npm could not fetch MathJax; is the network reachable?")
    source = scratch / "node_modules" / "mathjax" / "es5"
    (target / "output" / "chtml").mkdir(parents=True, exist_ok=True)
    shutil.copytree(
        source / "output" / "chtml" / "fonts",
        target / "output" / "chtml" / "fonts",
        dirs_exist_ok=True,
    )
    shutil.copy(source / "tex-mml-chtml.js", target)
    shutil.rmtree(scratch)


def execute(name: str, preset: str, store: str) -> None:
    """Run one notebook to book/generated; it appears there only when it has ended well."""
    import papermill

    target = BOOK / "generated" / f"{name}.ipynb"
    partial = target.with_suffix(".partial.ipynb")
    target.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    if name.startswith("workshop/"):
        preset = "quick"  # its runs are published, so nothing is trained
    print(f"{name}: running at preset {preset}.", flush=True)
    os.environ["PAPERMILL_RUN"] = "1"
    try:
        papermill.execute_notebook(
            str(ROOT / "notebooks" / f"{name}.ipynb"),
            str(partial),
            {"preset": preset, "store": store},
            progress_bar=False,
            stderr_file=sys.stderr,
            cwd=str(ROOT),
            kernel_name="python3",
            extra_arguments=[
                "--log-level=ERROR"
            ],  # of the kernel: without its warning about loopback sockets
        )
    except papermill.PapermillExecutionError as error:
        fail(
            f"notebook {name} failed: {error.ename}: {error.evalue} (see "
            f"{partial.relative_to(ROOT)})."
        )
    save_figures(partial)
    strip(partial)
    os.replace(partial, target)
    print(f"{name}: done in {time.monotonic() - begun:.0f} s.", flush=True)


def save_figures(path: Path) -> None:
    """Put each named figure of an executed notebook below book/_assets, as PNG, SVG and CSV."""
    folder = BOOK / "_assets" / "figures"
    folder.mkdir(exist_ok=True)
    for cell in json.loads(path.read_text())["cells"]:
        name = cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []) if name else []:
            for kind, suffix in FORMS.items():
                content = output.get("data", {}).get(kind)
                if content is None:
                    continue
                text = content if isinstance(content, str) else "".join(content)
                is_png = suffix == "png"
                data = base64.b64decode(text) if is_png else DATE.sub("", text).encode()
                (folder / f"{name}.{suffix}").write_bytes(data)


def strip(path: Path) -> None:
    """Remove what differs between two equal runs: times, durations, machine names."""
    notebook = json.loads(path.read_text())
    notebook["metadata"].pop("papermill", None)
    for i, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{i:02d}"
        for key in ("papermill", "execution"):
            cell["metadata"].pop(key, None)
        for output in cell.get("outputs", []):  # kept as files of their own
            for kind in ("image/svg+xml", "text/csv"):
                output.get("data", {}).pop(kind, None)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def render() -> None:
    """Render all pages; any warning (a missing number, reference or citation) is an error.

    The book that is there stays until the next one is whole.
    """
    shutil.rmtree(NEXT, ignore_errors=True)
    command = [
        str(Path(sys.executable).with_name("jupyter-book")),
        "build",
        str(BOOK),
        "--path-output",
        str(NEXT),
        "-n",
        "-W",
        "--keep-going",
        "--all",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not (NEXT / "_build" / "html" / "index.html").exists():
        print(done.stdout[-6000:], done.stderr[-6000:], sep="\n", file=sys.stderr)
        fail("Jupyter Book stopped; its messages stand above.")
    shutil.rmtree(BOOK / "_build", ignore_errors=True)
    (NEXT / "_build").rename(BOOK / "_build")
    NEXT.rmdir()


def main() -> None:
    """Run every chapter, then render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="smoke")
    parser.add_argument("--store", default="store")
    arguments = parser.parse_args()
    if arguments.preset not in PRESETS:
        fail(f"PRESET must be one of {', '.join(PRESETS)}, got {arguments.preset!r}.")
    if shutil.disk_usage(ROOT).free < 5e8:
        fail("less than 500 MB of disk are free; free some and run it again.")
    print(f"Making the book at preset {arguments.preset}; finished runs are kept.", flush=True)
    fetch_mathjax()
    print(training_estimate(arguments.preset, arguments.store), flush=True)
    names, begun = contents.notebooks(), time.monotonic()
    for done, name in enumerate(names, start=1):
        execute(name, arguments.preset, arguments.store)
        if done == 1:
            each = time.monotonic() - begun
            rest = minutes(each * (len(names) - done))
            print(f"At this pace reading and drawing the rest takes {rest}.", flush=True)
    print("Rendering.", flush=True)
    write_edition()
    rooms.write_reference()
    rooms.draw_rooms()
    parts.main()
    explore.main()
    outcomes.main()
    render()
    try:
        slides.make_slides(BOOK / "_build" / "html" / "slides")
    except RuntimeError as error:
        fail(str(error))
    print(
        f"The book is at {(BOOK / '_build' / 'html' / 'index.html').relative_to(ROOT)}: open it in "
        "a browser."
    )


if __name__ == "__main__":
    main()
