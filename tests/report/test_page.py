"""What a chapter says of its own runs: the command that asks for them, and where they come from."""

import pandas as pd
import pytest

from procmod_lib.experiments import grids
from procmod_lib.report.origin import origin
from procmod_lib.report.page import BadParameter, Page
from procmod_lib.runs import provenance
from procmod_lib.runs.store import PUBLISHED, Store


def opened(grid, **parameters):
    page = Page({})
    page.open(grid, **parameters)
    return page


@pytest.mark.parametrize(
    ("grid", "parameters", "command"),
    [
        ("selective_transfer", {"sources": ["identity"], "seeds": None}, "-r preset smoke"),
        (
            "selective_transfer",
            {"sources": ["identity", "dyck"], "seeds": 2, "lr": 0.01},
            "-r preset smoke -r sources identity,dyck -p seeds 2 -p lr 0.01",
        ),
        (
            "perturbation",
            {"transfers": ["attention=identity layer=1", "full=dyck"]},
            "-r preset smoke -r transfers 'attention=identity layer=1,full=dyck'",
        ),
        ("composition", {"mixtures": True}, "-r preset smoke -p mixtures True"),
    ],
)
def test_the_box_gives_a_command_for_the_same_runs(tmp_path, grid, parameters, command):
    make, store = getattr(grids, grid), str(tmp_path)
    page = opened(make, preset="smoke", store=store, **parameters)
    table = pd.DataFrame({"key": [], "provenance": [], "seconds": []})
    box = page.box(grid, page.section(table), "Seconds.").data
    assert f"`papermill notebooks/{grid}.ipynb out.ipynb {command}`" in box
    again = {}
    for option in page.given[1:]:  # as papermill passes them
        _, name, value = option.split(" ", 2)
        again[name] = {"True": True}.get(value, value.strip("'"))
        if option.startswith("-p") and value != "True":
            again[name] = float(value) if "." in value else int(value)
    assert [run.key for run in make("smoke", **again)] == [run.key for run in page.runs]


def test_published_is_the_books_store_in_notebooks_too(tmp_path):
    page = opened(grids.selective_transfer, preset="smoke", store="published")
    assert page.store.folder == Store(PUBLISHED).folder


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (dict(commit="0123456789" * 4, dirty=False), "commit `0123456789`, torch 2"),
        (dict(commit="0123456789" * 4, dirty=True), "`0123456789` with uncommitted changes, torch"),
        (dict(commit="0123456789" * 4, dirty=None), "`0123456789`, perhaps with uncommitted"),
        ({}, "commit unknown: its record is damaged or missing, perhaps with uncommitted"),
        (
            dict(commit="b" * 40, dirty=False, begun=provenance.lost() | dict(commit="a" * 40)),
            f"commit `{'b' * 10}`, torch 2",
        ),
        (
            dict(commit="b" * 40, dirty=False, begun=provenance.lost() | dict(commit="a" * 40)),
            f"`{'a' * 10}`, perhaps with uncommitted changes, torch unknown",
        ),
    ],
)
def test_where_a_table_comes_from_is_said_as_far_as_it_is_known(record, said):
    class Records:
        def origin(self, name):
            found = provenance.lost() | record
            return found | ({"versions": {"torch": "2"}} if record else {})

    table = pd.DataFrame({"key": ["a", "a"], "provenance": ["p", "p"], "seconds": [60.0, 60.0]})
    assert origin(table, Records()).startswith("1.0 minutes of training; ")
    assert said in origin(table, Records())


@pytest.mark.parametrize("name", ["device", "scheduler", "time_budget"])
def test_where_nothing_is_trained_what_is_about_training_is_unknown(tmp_path, name):
    namespace = {}
    page = Page(namespace)
    namespace[name] = "local:2"
    with pytest.raises(BadParameter, match=f"there is no parameter '{name}'; .* has seeds, store"):
        page.open(lambda seeds: [], seeds=1, store=str(tmp_path))
