"""Make the whole book as one PDF, with Chromium; called by ``make pdf`` behind ``make book``.

The folds "How this was made" are left out of it: code and long tables stay in the pages.
"""

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import build

SINGLE = build.BOOK / "_build" / "singlehtml"
TARGET = build.BOOK / "_build" / "modular-structures.pdf"


def render_single() -> None:
    """Render all pages as one."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(build.BOOK)]
    command += ["--builder", "custom", "--custom-builder", "singlehtml"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not SINGLE.is_dir():
        build.fail(f"Jupyter Book could not make one page: {done.stderr[-2000:]}")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the page to Chromium without a word."""

    def log_message(self, *_arguments) -> None:
        """Say nothing."""


def print_page(page: str) -> None:
    """Print a page of the folder to the PDF; it is served on this machine alone."""
    handler = functools.partial(Quiet, directory=str(SINGLE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += ["--no-pdf-header-footer", "--generate-pdf-document-outline"]
        command += ["--virtual-time-budget=30000", f"--print-to-pdf={TARGET}"]
        command += [f"http://127.0.0.1:{server.server_port}/{page}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        server.shutdown()
    if done.returncode or not TARGET.exists():
        build.fail(f"Chromium could not print the book: {done.stderr[-500:]}")


def main() -> None:
    """Make it, from executed notebooks."""
    if not shutil.which("chromium"):
        build.fail("the PDF needs Chromium (Debian: apt-get install chromium).")
    missing = [n for n in build.chapters() if not (build.BOOK / f"generated/{n}.ipynb").exists()]
    if missing:
        build.fail(f"the chapter {missing[0]} is not made yet; run make book first.")
    render_single()
    print_page(next(SINGLE.glob("intro.html")).name if (SINGLE / "intro.html").exists() else "")
    size = TARGET.stat().st_size / 1e6
    print(f"The book as a PDF is at {TARGET.relative_to(build.ROOT)}: {size:.1f} MB.")


if __name__ == "__main__":
    main()
