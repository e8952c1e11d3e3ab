"""The rendered book, as a reader meets it: a real browser, no error, no request off the machine,
alt text, provenance.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import contents
import pytest
from conftest import ROOT

FIGURES = {  # in a chapter, at least; 1 where nothing is said
    "procedural_data": 4,
    "pretraining": 2,
    "selective_transfer": 5,
    "perturbation": 4,
    "localisation": 2,
    "by_hand": 3,
    "inside": 2,
    "composition": 2,
    "settings": 2,
}
CHAPTERS = [name for name in contents.notebooks() if "workshop" not in name]
PAGES = ["intro.html", *(f"{page}.html" for page in contents.pages())]


@pytest.mark.parametrize("page", PAGES)
def test_opens_without_errors_or_outside_requests(html, browser, page):
    browser.get((html / page).as_uri())
    browser.execute_async_script("const done = arguments[0]; setTimeout(done, 500)")
    assert [e for e in browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")] == []
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    urls = {
        m["params"]["request"]["url"]
        for m in messages
        if m["method"] == "Network.requestWillBeSent"
    }
    assert urls
    assert all(u.startswith(("file:", "data:", "about:", "blob:")) for u in urls), urls
    assert [m for m in messages if m["method"] == "Network.loadingFailed"] == []
    figures = browser.find_elements("css selector", "main figure img, main .cell_output img")
    assert all(
        len(f.get_attribute("alt") or "") > 40 and f.get_property("naturalWidth") > 300
        for f in figures
    )
    assert len(figures) >= FIGURES.get(Path(page).stem, page.startswith("generated/"))


def test_formula_is_drawn(html, browser):
    browser.get((html / "method.html").as_uri())
    browser.execute_async_script("const done = arguments[0]; MathJax.startup.promise.then(done)")
    assert browser.find_elements("css selector", "mjx-container")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_states_preset_commit_command_and_interval(html, chapter):
    text = re.sub(r"<[^>]+>", "", (html / "generated" / f"{chapter}.html").read_text())
    for words in (
        "Preset",
        "smoke",
        "commit ",
        f"papermill notebooks/{chapter}.ipynb",
        "95 % interval",
        "cores",
    ):
        assert words in text, words


def test_no_third_party_address_is_loaded(html):
    for path in html.rglob("*.html"):
        tags = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](https?://[^\"']+)", path.read_text()
        )
        assert not tags, (path.name, tags)


def test_prose_holds_no_typed_result():
    """Percentages in hand-written pages would be typed; only levels and settings may stand."""
    for page in (ROOT / "book").glob("*.md"):
        found = re.findall(r"\d+(?:\.\d+)? ?%", page.read_text())
        assert set(found) <= {"95 %", "90 %"}, (page.name, found)


def test_missing_npm_and_bad_preset_are_one_sentence(tmp_path):
    copy = tmp_path / "book"
    shutil.copytree(
        ROOT / "book",
        copy,
        ignore=shutil.ignore_patterns("_build", "generated", "results", "mathjax"),
    )
    nowhere = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(copy / "build.py"), "--preset", "smoke"],
        capture_output=True,
        text=True,
        env=nowhere,
    )
    assert done.returncode == 1
    assert "npm is not installed" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run(
        [sys.executable, str(copy / "build.py"), "--preset", "slow"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "PRESET must be one of smoke, quick" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_builds_of_one_notebook_are_equal(html):
    """What papermill leaves behind (times, random ids) is stripped, so a second execution writes
    the same file.
    """
    copy = html.parent.parent
    first = (copy / "generated" / "selective_transfer.ipynb").read_bytes()
    (store,) = re.findall(r'store = \\"([^"\\]+)\\"\\n', first.decode())
    command = [
        sys.executable,
        "-c",
        f"import build; build.execute('selective_transfer', 'smoke', {store!r})",
    ]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    assert (copy / "generated" / "selective_transfer.ipynb").read_bytes() == first


def test_built_book_has_every_page(html):
    assert all((html / Path(p)).exists() for p in [*PAGES, "index.html", "bibliography.html"])
