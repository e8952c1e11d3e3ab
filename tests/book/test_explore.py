"""The page "Explore" in a real browser: choices change what it shows, and it shows the store."""

import json
import random
import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from procmod_lib.experiments.settings import NAMES
from procmod_lib.runs.store import PUBLISHED, Store

CHOICES = ("diagnostic", "scale", "pretraining", "source", "part", "change")
MOST = 3_000_000  # bytes of the page and all that it loads of its own


@pytest.fixture
def page(html, browser):
    browser.get((html / "explore.html").as_uri())
    WebDriverWait(browser, 30).until(lambda b: b.execute_script(READY))
    return browser


READY = "return document.body.dataset.explorer === 'ready'"


def choose(page, choice, value):
    Select(page.find_element(By.ID, f"x-{choice}")).select_by_visible_text(value)


def options(page, choice):
    return [o.text for o in Select(page.find_element(By.ID, f"x-{choice}")).options]


def table(page):
    rows = page.find_elements(By.CSS_SELECTOR, "#x-table tbody tr")
    cells = [[cell.text for cell in row.find_elements(By.XPATH, "./*")] for row in rows]
    return {line[0]: line[1:] for line in cells}


def content(html):
    """What the page loads."""
    data = (html / "_static" / "explore" / "data.js").read_text()
    return json.loads(re.fullmatch(r"window\.EXPLORE = (.*);\n", data, re.S).group(1))


def test_every_way_to_pretrain_can_be_chosen(page, html):
    choose(page, "diagnostic", "Haystack")
    choose(page, "scale", "full protocol")
    assert {*NAMES.values(), "none"} == {*options(page, "pretraining")}
    said = []
    for name in NAMES.values():
        choose(page, "pretraining", name)
        choose(page, "source", "Identity")
        choose(page, "part", "attention")
        choose(page, "change", "copied unchanged")
        said.append(page.find_element(By.ID, "x-said").text)
        assert table(page)["no pretraining"][0] != "0"
    assert all(text.startswith("10 runs chosen") for text in said)


def test_a_choice_changes_the_charts_and_the_table(page):
    before, drawn = table(page), page.find_element(By.ID, "x-curves").get_attribute("innerHTML")
    choose(page, "part", "everything")
    assert table(page) != before
    assert page.find_element(By.ID, "x-curves").get_attribute("innerHTML") != drawn
    assert "runs chosen" in page.find_element(By.ID, "x-said").text


def test_the_first_token_looks_at_itself_alone(html):
    starts = content(html)["attention"]
    maps = [head for start in starts for heads in start["maps"].values() for head in heads]
    assert maps
    assert {head[0] for head in maps} == {100}


def test_twenty_random_choices_show_the_numbers_of_the_store(page, html):
    found = content(html)
    runs = [run | found["starts"][run["start"]] for run in found["runs"]]
    ends = Store(PUBLISHED).view().sort_values("step").groupby("key").token_accuracy.last()
    rng = random.Random(0)
    for _ in range(20):
        wanted = rng.choice([run for run in runs if run["part"] != "nothing"])
        for choice in CHOICES:
            choose(page, choice, wanted[choice])
        keys = [run["key"] for run in runs if all(run[c] == wanted[c] for c in CHOICES)]
        scores = 100 * ends[keys]
        n, mean, good = table(page)[wanted["change"]]
        assert int(n) == len(keys)
        assert abs(float(mean) - scores.mean()) < 0.11
        assert good == f"{(scores >= 90).sum()} of {len(keys)}"


def test_choices_and_slider_work_by_keyboard(page):
    first = options(page, "diagnostic")[0]
    box = page.find_element(By.ID, "x-diagnostic")
    box.send_keys(Keys.HOME)
    assert Select(box).first_selected_option.text == first
    slider, said = (page.find_element(By.ID, name) for name in ("x-step", "x-step-said"))
    before = said.text
    slider.send_keys(Keys.ARROW_RIGHT)
    assert said.text != before
    assert slider.get_attribute("aria-valuetext") == said.text.replace(",", "")


def test_the_page_is_light(html):
    parts = [html / "explore.html", *(html / "_static" / "explore").iterdir()]
    assert sum(part.stat().st_size for part in parts) < MOST


def test_all_eight_maps_are_in_sight(page):
    chart = page.find_element(By.CSS_SELECTOR, "#x-maps svg")
    assert chart.size["width"] > 500
    assert chart.size["height"] > 250
