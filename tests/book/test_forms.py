"""Every chapter is told the same way, every page is kind to its reader."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from reading import read
from test_pages import CHAPTERS, PAGES

FIRST_WORDS, LONGEST_PARAGRAPH = 600, 120
AXE = "axe-core@4.10.3"
WIDE, PHONE = (1280, 900), (320, 700)
ASKED_ALREADY = {"library/reference.html", "genindex.html"}  # made from docstrings


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_asks_answers_and_shows_before_it_explains(html, chapter):
    page = read(html / "generated" / f"{chapter}.html")
    words, seen = 0, {}
    for kind, text in page.parts:
        marks = {
            "question": kind == "p" and "?" in text,
            "answer": text.startswith("The answer.") and bool(re.search(r"\d", text)),
            "figure": kind == "figure",
            "sure": text.startswith("How sure."),
            "mind": text.startswith("What would change our mind"),
        }
        for name, is_there in marks.items():
            if is_there:
                seen.setdefault(name, words)
        words += len(text.split())
    order = ["question", "answer", "figure", "sure", "mind"]
    assert list(seen) == order, seen
    assert max(seen.values()) < FIRST_WORDS


@pytest.mark.parametrize("page", [p for p in PAGES if p not in ASKED_ALREADY])
def test_no_paragraph_is_long(html, page):
    long = [t for kind, t in read(html / page).parts if len(t.split()) > LONGEST_PARAGRAPH]
    assert long == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_number_stays_on_the_line_of_its_sign(html, chapter):
    source = (html / "generated" / f"{chapter}.html").read_text()
    prose = " ".join(re.findall(r"<p>.*?</p>", source, re.S))
    kept = re.findall(r'<span class="together">(.*?)</span>', prose)
    assert kept
    apart = re.sub(r"<code.*?</code>", "", re.sub(r'<span class="together">.*?</span>', "", prose))
    assert re.findall(r".{20}\d %|.{20}n = \d", apart) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_paragraph_or_list_says_once_what_its_brackets_hold(html, page):
    article = BeautifulSoup((html / page).read_text(), "html.parser").find("article")
    for passage in article.find_all(["p", "ul", "ol"]):
        if passage.find_parent(["ul", "ol", "table"]):
            continue
        text = " ".join(passage.get_text().split())
        said = re.findall(r"95 % interval [+-]?\d", text)
        bounds = re.search(r"\([+-]?\d[\d.]* to [+-]?\d[\d.]*, n = ", text)
        assert len(said) <= 1, text
        assert not bounds or "95 % interval " in text[: bounds.start()], text


def terms():
    text = (ROOT / "book" / "glossary.md").read_text().split("```{glossary}")[1]
    return re.findall(r"^(?=[a-zA-Z])(.+)$", text, re.M)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_first_use_of_a_word_leads_to_the_glossary(html, chapter):
    page = read(html / "generated" / f"{chapter}.html")
    prose = re.sub("output head|k-Dyck shuffle|named streams", "", " ".join(page.prose))
    longest_first = "|".join(map(re.escape, sorted(terms(), key=len, reverse=True)))
    used = set(re.findall(rf"(?<![\w-])({longest_first})s?(?![\w-])", prose))
    linked = {link.split("#term-")[1] for link in page.links if "#term-" in link}
    assert len(used) >= 2
    missing = [t for t in used if re.sub(r"[^\w]+", "-", t).strip("-") not in linked]
    assert missing == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_is_offered_as_png_svg_and_csv(html, chapter):
    source = (html / "generated" / f"{chapter}.html").read_text()
    figures = re.findall(r"<figure[^>]*>.*?</figure>", source, re.S)
    assert figures
    for figure in figures:
        files = re.findall(r'href="([^"]+)" download', figure)
        assert [Path(name).suffix for name in files] == [".png", ".svg", ".csv"], figure[:200]
        for name in files:
            path = (html / "generated" / name).resolve()
            assert path.stat().st_size > 40, name
        assert (html / "generated" / files[2]).read_text().count("\n") > 1


def test_a_fold_opens_by_keyboard(html, browser):
    from selenium.webdriver.common.keys import Keys

    browser.get((html / "generated" / "by_hand.html").as_uri())
    fold = browser.find_element("css selector", "details.how")
    assert not fold.get_attribute("open")
    fold.find_element("css selector", "summary").send_keys(Keys.ENTER)
    assert fold.get_attribute("open")
    assert "page.open(" in fold.text


def test_a_long_table_is_folded_where_it_stands(html, browser):
    browser.get((html / "generated" / "localisation.html").as_uri())
    folds = {
        fold: re.match(r"Table of (\d+) rows", fold.text)
        for fold in browser.find_elements("css selector", "details.how")
    }
    named = {fold: int(said[1]) for fold, said in folds.items() if said}
    assert named
    for fold, rows in named.items():
        assert len(fold.find_elements("css selector", "tbody tr")) == rows
        fold.find_element("css selector", "summary").click()
        assert fold.find_element("css selector", "tbody tr").is_displayed()


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The accessibility checker's script, fetched as the book fetches MathJax."""
    if not shutil.which("npm"):
        if os.environ.get("CI"):
            pytest.fail("npm is needed in CI: it fetches the accessibility checker")
        pytest.skip("no npm here: accessibility was not checked")
    folder = tmp_path_factory.mktemp("axe")
    command = [
        "npm",
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(folder),
        AXE,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def set_size(browser, size):
    width, height = size
    values = dict(width=width, height=height, deviceScaleFactor=1, mobile=False)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", values)


MODE = """const still = document.createElement('style');
still.textContent = '* { transition: none !important; }';  // colours do not fade
document.head.append(still);
document.documentElement.dataset.theme = arguments[0];
document.documentElement.dataset.mode = arguments[0];"""
RUN = """const done = arguments[0];
axe.run({preload: false, resultTypes: ['violations']}).then(found => done(found.violations.map(v =>
  v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(' | '))));"""


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_accessible(html, browser, axe, page, mode):
    set_size(browser, WIDE)
    browser.get((html / page).as_uri())
    browser.execute_script(MODE, mode)
    browser.execute_script(axe)
    browser.set_script_timeout(180)
    assert browser.execute_async_script(RUN) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_need_not_scroll_sideways(html, browser, page):
    set_size(browser, PHONE)
    browser.get((html / page).as_uri())
    width = browser.execute_script("return document.documentElement.scrollWidth")
    set_size(browser, WIDE)
    assert width <= PHONE[0]


def rows_of_points():
    """The page and the name of every figure that the code draws as rows of points."""
    for chapter in CHAPTERS:
        text = (ROOT / "notebooks" / "text" / f"{chapter}.md").read_text()
        for cell in text.split("```{code-cell}"):
            if re.search(r"^_ = .*\bdraw_(rows|groups)\(", cell, re.M):
                yield f"generated/{chapter}.html", re.search(r"name: (fig-\S+)", cell).group(1)


@pytest.mark.parametrize("page, name", [("intro.html", "fig-hero"), *rows_of_points()])
def test_rows_of_points_fit_a_phone(html, browser, page, name):
    set_size(browser, PHONE)
    browser.get((html / page).as_uri())
    width = browser.find_element("css selector", f"#{name} img").size["width"]
    set_size(browser, WIDE)
    assert 0 < width <= PHONE[0]


def test_the_first_page_is_short_and_shows_its_figure_at_once(html, browser):
    page = read(html / "intro.html")
    assert sum(len(text.split()) for kind, text in page.parts if kind != "figure") < 350
    set_size(browser, (1280, 800))
    browser.get((html / "intro.html").as_uri())
    image = browser.find_element("css selector", "article figure img")
    assert image.location["y"] + image.size["height"] <= 800
    set_size(browser, WIDE)
