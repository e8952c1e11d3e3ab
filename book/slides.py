"""Make the slides of the workshop from the book's own figures, with Sphinx and reveal.js.

Called by ``book/build.py``, which puts them beside the pages.
"""

import shutil
import subprocess
import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parent
SOURCE = BOOK / "slides"
FIGURES = ("haystack.png", "parts.svg")  # of the book's assets, beside those of the workshop


def make_slides(target: Path) -> None:
    """Render the slides, offline, to a folder; index.html opens them.

    Raises:
        RuntimeError: a figure is not made yet, or Sphinx found something to warn of.
    """
    work = BOOK / "_build" / "slides"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(SOURCE, work)
    assets = BOOK / "_assets"
    wanted = [assets / name for name in FIGURES]
    for name in ("rules", "surgery", "loud", "maps"):
        wanted.append(assets / "figures" / f"fig-workshop-{name}.png")
    for path in wanted:
        if not path.exists():
            raise RuntimeError(f"the figure {path.name} is not made yet; run make book first.")
        shutil.copy(path, work)
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-b", "revealjs", "-q", "-W", str(work)]
    done = subprocess.run([*command, str(target)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Sphinx could not make the slides: {done.stderr[-2000:]}")
    remove_unused(target)


def remove_unused(target: Path) -> None:
    """Remove what no slide loads: plugins, other themes, old formats of fonts."""
    reveal = target / "_static" / "revealjs"
    unused = [target / name for name in (".doctrees", ".buildinfo", "objects.inv", "_sources")]
    unused += [path for path in (reveal / "plugin").glob("*") if path.name != "notes"]
    unused += [p for p in (reveal / "dist" / "theme").glob("*.css") if p.name != "white.css"]
    for pattern in ("*.esm.js*", "*.ttf", "*.eot", "*.map"):
        unused += list(reveal.rglob(pattern))
    for path in unused:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
