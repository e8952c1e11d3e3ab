"""How soon runs get there, on curves whose answers fit in the head."""

import numpy as np
import pandas as pd
from tables import table_of

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.report import comparisons, statistics, tables
from procmod_lib.report.section import Section


def test_steps_to_threshold_counts_runs_that_never_got_there():
    curves = {("scratch", s): [0.1, 0.1, 0.1, 0.1] for s in range(4)}
    curves |= {
        ("attention=identity", s): a
        for s, a in enumerate(
            [[0.1, 0.95, 1, 1], [0.1, 0.1, 0.95, 1], [0.1, 0.1, 0.92, 1], [0.1, 0.1, 0.1, 0.1]]
        )
    }
    rows = statistics.steps_to_success(table_of(curves)).set_index("initial_condition")
    assert rows.loc["scratch", "reached"] == 0
    assert rows.loc["scratch", "median"] == np.inf
    assert rows.loc["attention=identity", "reached"] == 3
    assert rows.loc["attention=identity", "median"] == 200
    assert 0 < rows.loc["attention=identity", "p"] < 0.1


def test_that_no_run_got_there_is_told_where_fresh_ones_do():
    curves = {("scratch", s): [0.1, 0.95] for s in range(8)}
    curves |= {("attention=identity shuffle", s): [0.1, 0.1] for s in range(8)}
    rows = statistics.steps_to_success(table_of(curves)).set_index("initial_condition")
    assert rows.loc["attention=identity shuffle", "p"] < 0.001
    said = tables.times_table(rows.reset_index()).data
    assert said.endswith("attention only from Identity, shuffled (n = 8, p below 0.001).")


def test_how_soon_says_median_steps_and_how_many_got_there():
    starts = ["scratch", "loud=0.3 head=1.0"]
    ends = {starts[0]: [0.1, 0.1, 0.1], starts[1]: [0.1, 0.1, 0.95]}
    runs = [fine_tuning_run("haystack", start, "smoke", s) for start in starts for s in (0, 1, 2)]
    table = table_of({(str(run.condition), run.seed): ends[str(run.condition)] for run in runs})
    names = {(str(run.condition), run.seed): run.key for run in runs}
    table["key"] = [names[row.initial_condition, row.seed] for row in table.itertuples()]
    sections = {"here": Section(runs, table, None), "there": Section(runs, table.iloc[:0], None)}
    lines = comparisons.how_soon(sections, starts, "start").data.splitlines()
    assert "| not by half (0 of 3) | not yet measured |" in lines[2]
    assert "| 200 (3 of 3) | not yet measured |" in lines[3]


def test_steps_are_those_of_each_diagnostic():
    curves = {("scratch", s): [0.1, 0.95] for s in range(3)}
    two = pd.concat([table_of(curves), table_of(curves, "addition")])
    rows = statistics.steps_to_success(two)
    assert list(rows.diagnostic) == ["haystack", "addition"]
    assert list(rows.n) == [3, 3]
    assert "Addition, no pretraining (n = 3)" in tables.times_table(rows).data
