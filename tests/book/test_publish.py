"""What is there only on request: links to the sources, the PDF; and what ``make book`` says."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import build
import repository


def test_a_chapter_links_to_the_notebook_that_can_be_run():
    links = dict(repository.links_of("https://github.com/o/n", "generated/by_hand"))
    assert links["Notebook"] == "https://github.com/o/n/blob/main/notebooks/by_hand.ipynb"
    assert links["Edit this page"].endswith("/edit/main/notebooks/text/by_hand.md")
    assert links["Open in Binder"].endswith("/gh/o/n/main?labpath=notebooks/by_hand.ipynb")
    assert (ROOT / "notebooks" / "by_hand.ipynb").exists()
    assert (ROOT / "notebooks" / "text" / "by_hand.md").exists()


def test_elsewhere_than_on_github_nothing_is_offered_that_does_not_work():
    links = dict(repository.links_of("https://code.example/o/n", "generated/by_hand"))
    assert set(links) == {"Edit this page", "Notebook"}


def test_without_an_address_there_is_no_link(html):
    assert not [p.name for p in html.rglob("*.html") if "source-links" in p.read_text()]


def test_the_workflow_makes_the_book_and_deploys_what_was_made():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    steps = jobs["build"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make book"]
    assert steps[-1]["with"]["path"] == "book/_build/html"
    assert jobs["deploy"]["needs"] == "build"


@pytest.mark.parametrize("seconds, words", [(40, "under a minute"), (200, "about 3 minutes")])
def test_lengths_of_time_read_well(seconds, words):
    assert build.minutes(seconds) == words


def test_the_pdf_is_the_whole_book(html):
    """``make pdf``, behind the book that was made."""
    if not shutil.which("chromium"):
        pytest.skip("no Chromium here: the PDF was not printed")
    book = html.parent.parent
    done = subprocess.run([sys.executable, str(book / "pdf.py")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    content = (book / "_build" / "modular-structures.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(content) > 1_000_000
    assert b"/StructTreeRoot" in content  # tagged: readable aloud
    assert b"/Outlines" in content


def test_a_render_that_fails_leaves_the_book_that_is_there(tmp_path, monkeypatch):
    old = tmp_path / "_build" / "html" / "index.html"
    old.parent.mkdir(parents=True)
    old.write_text("the book")
    monkeypatch.setattr(build, "BOOK", tmp_path)
    monkeypatch.setattr(build, "NEXT", tmp_path / "_next")
    stopped = subprocess.CompletedProcess([], 1, "", "a warning")
    monkeypatch.setattr(build.subprocess, "run", lambda *a, **k: stopped)
    with pytest.raises(SystemExit, match="Jupyter Book stopped"):
        build.render()
    assert old.read_text() == "the book"


@pytest.mark.parametrize("chapter", [n for n in build.contents.notebooks() if n in build.GRIDS])
def test_the_announced_runs_are_those_that_the_chapter_trains(html, chapter):
    page = (html / "generated" / f"{chapter}.html").read_text()
    asked = re.search(r"Runs</strong>.*?\d[\d,]* of ([\d,]+)", page, re.S)
    assert len(build.live_runs(chapter, "smoke")) == int(asked[1].replace(",", ""))
