"""The table of pretrainings says what settings ask for, and what is measured of their models."""

import pytest

from procmod_lib.experiments.settings import NAMES
from procmod_lib.findings import pretrainings
from procmod_lib.report.section import Section
from procmod_lib.report.tables import NOT_YET
from procmod_lib.runs.store import PUBLISHED, Store


@pytest.fixture(scope="module")
def rows():
    store = Store(PUBLISHED, None)
    sections = {}
    for settings in NAMES:
        runs = pretrainings.runs(settings)
        sections[settings] = Section(runs, store.load(runs), store)
    lines = pretrainings.table(sections).data.splitlines()[2:]
    return [line.strip("| ").split(" | ") for line in lines]


def test_each_is_told_by_what_it_asks_for(rows):
    assert [row[0] for row in rows] == [f"{said}: `{name}`" for name, said in NAMES.items()]
    assert [row[1].split(",")[0] for row in rows] == [
        "rate 0.01",
        "rate 0.0001",
        "rate 0.0001",
        "rate 5e-05",
    ]
    assert ["at most" in row[1] for row in rows] == [False, False, False, True]
    assert [row[2] for row in rows] == ["all lengths", "one length", *["short, then longer"] * 2]


def test_the_loudest_first_layers_are_those_of_models_that_learn_full_lists(rows):
    learnt = [row[3].startswith("10 of 10") for row in rows]
    first = [float(row[4].split(", ")[0]) for row in rows]
    assert learnt == [True, True, False, False]
    assert min(first[:2]) > max(first[2:])


def test_models_that_are_not_in_the_store_are_said_to_be_missing(tmp_path):
    runs = pretrainings.runs("closest")
    store = Store(tmp_path, None)
    row = pretrainings.table({"closest": Section(runs, store.load(runs), store)}).data
    assert row.count(NOT_YET) == 2
