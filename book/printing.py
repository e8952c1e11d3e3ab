"""Print a page to PDF with Chromium; called by ``book/pdf.py`` and ``book/handout.py``."""

import base64
import contextlib
import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu")
LONGEST = 300  # seconds that a page may take to print


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves pages to Chromium without a word."""

    def log_message(self, *_arguments) -> None:
        """Say nothing."""


def need_chromium() -> None:
    """Raise RuntimeError where Chromium is missing."""
    if not shutil.which("chromium"):
        raise RuntimeError("the PDF needs Chromium (Debian: apt-get install chromium).")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder as a site on this machine alone; gives its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


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
    with served(folder) as address:
        command = ["chromium", *OPTIONS, "--no-pdf-header-footer"]
        command += ["--generate-pdf-document-outline", "--virtual-time-budget=30000"]
        command += [f"--print-to-pdf={target}", f"{address}/{page}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            message = f"Chromium did not print {page} within {LONGEST} s."
            raise RuntimeError(message) from None
    if done.returncode or not target.exists():
        raise RuntimeError(f"Chromium could not print {page}: {done.stderr[-500:]}")


def print_slides(folder: Path, target: Path) -> None:
    """Print the slides of a folder to a PDF, a page a slide, once reveal.js has laid them out.

    Raises:
        RuntimeError: Chromium or its driver is missing, or no slide appeared within 30 s.
    """
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import WebDriverWait

    need_chromium()
    driver = shutil.which("chromedriver")
    if not driver:
        raise RuntimeError("the slides need chromedriver (on Debian in chromium-driver).")
    options = webdriver.ChromeOptions()
    for word in OPTIONS:
        options.add_argument(word)
    try:
        with served(folder) as address, webdriver.Chrome(options, Service(driver)) as browser:
            browser.get(f"{address}/index.html?print-pdf")
            laid_out = "return document.querySelectorAll('.pdf-page').length > 0"
            WebDriverWait(browser, 30).until(lambda b: b.execute_script(laid_out))
            how = {"preferCSSPageSize": True, "printBackground": True}
            printed = browser.execute_cdp_cmd("Page.printToPDF", how)
    except WebDriverException as error:
        raise RuntimeError(f"Chromium could not print the slides: {error.msg}") from None
    target.write_bytes(base64.b64decode(printed["data"]))
