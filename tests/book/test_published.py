"""What is published: every run and every number on a page has a run, n, an interval and provenance;
the test says which has not.
"""

import hashlib
import io
import json
import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT

from procmod_lib.experiments import ladder
from procmod_lib.experiments.settings import RUNGS
from procmod_lib.findings import climbed
from procmod_lib.report.section import Section
from procmod_lib.runs import files, packs
from procmod_lib.runs.run import SCHEMA
from procmod_lib.runs.store import COLUMNS

PLACE = ROOT / "book" / "results"
TABLE = pd.concat(packs.rows(PLACE, {}, set())[0], ignore_index=True)


def test_every_file_is_whole():
    found = [
        p
        for kind in ("runs", "weights", "snapshots", "provenance")
        for p in (PLACE / kind).iterdir()
    ]
    assert found
    assert [p.name for p in found if files.digest(p) != p.name.split(".")[-2]] == []
    assert sum(p.stat().st_size for p in found) < 60e6


def test_every_run_has_its_spec_and_provenance():
    problems = []
    for key, run in TABLE.groupby("key"):
        spec = run.spec.iloc[0]
        if (
            hashlib.sha256(json.dumps(json.loads(spec), sort_keys=True).encode()).hexdigest()[:16]
            != key
        ):
            problems.append(f"{key}: the key is not the hash of its spec")
        if json.loads(spec)["schema"] != SCHEMA:
            problems.append(f"{key}: older schema")
        for provenance in run.provenance.unique():
            content = files.read(PLACE / "provenance", provenance, "json")
            facts = json.loads(content or "{}")
            if not {"commit", "dirty", "versions", "device", "cores"} <= set(facts):
                problems.append(f"{key}: provenance {provenance} is missing or incomplete")
            elif facts["dirty"] is not False or not re.fullmatch("[0-9a-f]{40}", facts["commit"]):
                problems.append(f"{key}: it was made by code that no commit holds")
        last, budget = run.step.max(), json.loads(spec)["budget"]
        is_early = set(run.status) in ({"ceiling"}, {"no better"}, {"non-finite"})
        numbers = run.drop(columns="loss") if set(run.status) == {"non-finite"} else run
        if (
            not (last == budget["steps"] or is_early)
            or run.step.duplicated().any()
            or numbers.isna().any().any()
        ):
            problems.append(f"{key}: it is not whole")
        if set(run.status) - {"complete", "ceiling", "no better", "non-finite"}:
            problems.append(f"{key}: status {set(run.status)}")
    assert problems == []


def test_every_donor_is_published():
    donors = {d for spec in TABLE.spec.unique() for d in json.loads(spec)["donors"].values()}
    assert [
        d
        for d in donors
        if files.read(PLACE / "weights", d, "safetensors") is None or d not in set(TABLE.key)
    ] == []


def test_dictionary_names_every_column():
    text = (PLACE / "README.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == set(TABLE.columns) == set(COLUMNS)


def test_one_file_reads_without_the_library():
    path = next(p for p in (PLACE / "runs").glob("*.parquet"))
    assert list(pd.read_parquet(io.BytesIO(path.read_bytes())).columns) == COLUMNS


def test_the_figure_of_the_readme_shows_the_runs_that_are_published(monkeypatch, tmp_path):
    from PIL import Image

    monkeypatch.syspath_prepend(str(ROOT / "book"))
    import figure

    assert Image.open(figure.TARGET).text["Description"] == figure.published()[1], (
        "draw it again: make figure"
    )
    alt, path = re.search(
        r"!\[([^\]]{40,})\]\(([^)]+)\)", (ROOT / "README.md").read_text()
    ).groups()
    assert ROOT / path == figure.TARGET
    assert "one a seed" in alt
    committed = Image.open(figure.TARGET)
    monkeypatch.setattr(figure, "TARGET", tmp_path / "again.png")
    figure.main()  # make figure
    assert Image.open(figure.TARGET).size == committed.size
    assert Image.open(figure.TARGET).text["Description"] == committed.text["Description"]


def problems_of(page) -> list[str]:
    """Figures without n or interval in their caption, and tables of results whose rows do not say n
    and interval.
    """
    soup, problems = BeautifulSoup(page, "html.parser"), []
    for figure in soup.select("main figure"):
        caption = figure.get_text(" ")
        if not (re.search(r"\bn\b", caption) and "interval" in caption):
            problems.append(f"figure without n or interval: {caption[:80]}")
    for image in soup.select("main .cell_output img"):
        if image.find_parent("figure") is None:
            problems.append("an image outside a figure")
    for table in soup.select("main table"):
        heads = [h.get_text(" ") for h in table.select("thead th")]
        measured = [i for i, h in enumerate(heads) if re.search(r"mean|accuracy|result|here", h)]
        whole = "n" in heads and any("interval" in h for h in heads)
        for row in table.select("tbody tr") if measured else ():
            cells = [c.get_text(" ") for c in row.select("td")]
            number = any(re.search(r"\d", cells[i]) for i in measured)
            if (
                number
                and not whole
                and not (re.search(r"n = \d", " ".join(cells)) and "interval" in " ".join(cells))
            ):
                problems.append(f"row without n or interval: {cells}")
    for item in soup.select("main li, main p"):
        text = item.get_text(" ")
        has_number = re.search(r"[+-]?\d+\.\d+ (points|%)", text)
        if has_number and not re.search(r"n = \d", text):
            problems.append(f"number without n: {text[:80]}")
    return problems


def test_every_number_on_a_page_has_n_and_interval(html):
    pages = [*(html / "generated").glob("*.html"), html / "intro.html"]
    found = {p.name: problems_of(p.read_text()) for p in pages}
    assert len(pages) >= 7
    assert {name: said for name, said in found.items() if said} == {}
    for page in (html / "generated").glob("*.html"):
        assert "Made with" in page.read_text(), f"{page.name} does not say what made it"


@pytest.mark.parametrize(
    "bad, words",
    [
        (
            "<main><figure><img><figcaption>Accuracy, n = 3.</figcaption></figure></main>",
            "figure without",
        ),
        ("<main><p>It rose by 12.5 points.</p></main>", "number without n"),
        ("<main><div class='cell_output'><img></div></main>", "outside"),
        (
            "<main><table><thead><tr><th>arm</th><th>mean "
            "(%)</th></tr></thead><tbody><tr><td>a</td><td>9.9</td></tr></tbody></table></main>",
            "row without",
        ),
    ],
)
def test_the_walk_finds_what_is_missing(bad, words):
    assert any(words in said for said in problems_of(bad))


def test_the_rungs_in_force_are_those_that_the_published_pilots_choose():
    for source, rung in RUNGS.items():
        pilots = ladder.all_pilots(source)
        there = [run for run in pilots if run.key in set(TABLE.key)]
        section = Section(there, TABLE[TABLE.key.isin({run.key for run in there})], None)
        assert ladder.choose(source, climbed.looked_up(section)) == rung, source
