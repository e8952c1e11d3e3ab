"""Print a page to PDF with Chromium; called by ``book/pdf.py`` and ``book/handout.py``."""

import functools
import http.server
import shutil
import subprocess
import threading
from pathlib import Path


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves pages to Chromium without a word."""

    def log_message(self, *_arguments) -> None:
        """Say nothing."""


def need_chromium() -> None:
    """Raise RuntimeError where Chromium is missing."""
    if not shutil.which("chromium"):
        raise RuntimeError("the PDF needs Chromium (Debian: apt-get install chromium).")


def print_page(folder: Path, page: str, target: Path) -> None:
    """Print a page to a PDF; its folder is served on this machine alone.

    Args:
        folder: what is served.
        page: the page's path in it, with its query.
        target: the PDF.

    Raises:
        RuntimeError: Chromium is missing or could not print it.
    """
    need_chromium()
    target.unlink(missing_ok=True)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += ["--no-pdf-header-footer", "--generate-pdf-document-outline"]
        command += ["--virtual-time-budget=30000", f"--print-to-pdf={target}"]
        command += [f"http://127.0.0.1:{server.server_port}/{page}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        server.shutdown()
    if done.returncode or not target.exists():
        raise RuntimeError(f"Chromium could not print {page}: {done.stderr[-500:]}")
