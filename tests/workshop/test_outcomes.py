"""How often the workshop's runs show what they should: the counting, and that the runs are the
notebooks' own.
"""

import ast
import re

import nbformat
import pandas as pd
import pytest
from conftest import ROOT

from procmod_lib.workshop.outcomes import (
    EDGE,
    OUTCOMES,
    RUNS,
    SEEDS,
    count,
    share_of_laptops,
    shares,
    workshop_runs,
)

NOTEBOOKS = {"A": "rules", "B": "surgery", "C": "loud_head"}
FIND, STAY = OUTCOMES[1], OUTCOMES[0]


def table(start, ends):
    """A store's table with two evaluations of each seed; the last is the end."""
    rows = [
        dict(initial_condition=start, seed=seed, step=step, exact_match=score)
        for seed, end in enumerate(ends)
        for step, score in ((500, 0.4), (1000, end))
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("session", RUNS)
def test_the_runs_are_those_of_the_notebook(session):
    cells = nbformat.read(ROOT / "notebooks/workshop" / f"{NOTEBOOKS[session]}.ipynb", 4).cells
    code = ast.parse("\n".join(c.source for c in cells if c.cell_type == "code"))
    set_here = {
        node.target.id: ast.literal_eval(node.value)
        for node in code.body
        if isinstance(node, ast.AnnAssign)
    }
    assert (set_here["steps"], set_here["seeds"]) == (RUNS[session]["steps"], SEEDS)
    assert set_here["preset"] == "quick"
    (opened,) = [
        node
        for node in ast.walk(code)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "page.open"
    ]
    assert ast.unparse(opened.args[0]) == RUNS[session]["grid"].__name__
    given = {k.arg: ast.unparse(k.value) for k in opened.keywords}
    for name, value in RUNS[session].items():
        if name not in ("grid", "steps"):
            if set_here.get(name, "") is None:  # papermill reads no default that has a = in it
                assert given[name] == f"{name} or outcomes.RUNS['{session}']['{name}']"
            else:
                assert ast.literal_eval(given[name]) == value


def test_every_outcome_is_of_a_run_that_its_session_trains():
    for outcome in OUTCOMES:
        starts = {str(run.condition) for run in workshop_runs(outcome.session, 1)}
        assert outcome.start in starts


def test_the_sizes_that_are_counted_are_those_that_the_session_asks_next():
    text = (ROOT / "notebooks" / "text" / "workshop" / "loud_head.md").read_text()
    (asked,) = re.findall(r"set `starts = (\[.*?\])`", text)
    assert ast.literal_eval(asked) == list(EDGE)
    assert {str(run.condition) for run in workshop_runs("C", 1, starts=list(EDGE))} >= set(EDGE)


def test_a_laptop_shows_what_two_of_its_three_runs_show():
    assert share_of_laptops(3, 3) == share_of_laptops(2, 3) == 1.0
    assert share_of_laptops(1, 3) == share_of_laptops(0, 30) == 0.0
    assert share_of_laptops(2, 4) == 0.5  # of four threes, two hold both


def test_ends_are_counted_against_the_lines():
    assert count(table(FIND.start, [1.0, 0.91, 0.9, 0.4]), FIND) == (2, 4)
    assert count(table(STAY.start, [1.0, 0.5, 0.49, 0.4]), STAY) == (2, 4)
    assert count(table("full=set", [1.0]), FIND) == (0, 0)


def test_what_is_not_measured_is_not_a_share():
    empty = table(FIND.start, [])
    columns = ["initial_condition", "seed", "step", "exact_match"]
    found = shares(dict.fromkeys(RUNS, empty.reindex(columns=columns)))
    assert len(found) == len(OUTCOMES)
    assert found.laptops.isna().all()
    found = shares(dict.fromkeys(RUNS, table(FIND.start, [1.0] * 4)))
    row = found[(found.session == "A") & found.finds].iloc[0]
    assert (row.right, row.runs, row.laptops) == (4, 4, 1.0)
    assert row.low < 0.6 < row.high == 1.0
