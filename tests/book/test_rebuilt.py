"""Three tables of the book, made again from the published rows without the library's statistics."""

import numpy as np
import pandas as pd
from conftest import ROOT

from procmod_lib.experiments import agenda, specification
from procmod_lib.experiments.conditions import SIX
from procmod_lib.experiments.crossed import models_by_seeds
from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.findings import components, specified
from procmod_lib.report import comparisons
from procmod_lib.report.section import Section
from procmod_lib.runs import packs
from procmod_lib.runs.store import Store

PLACE = ROOT / "book" / "results"
STORE = Store(PLACE, None)
ROWS = pd.concat(packs.rows(PLACE, {}, set())[0], ignore_index=True)
ENDS = ROWS.sort_values("step").groupby("key").last()


def published(runs):
    return Section(runs, STORE.load(runs), STORE)


def shares_by_sums_of_squares(values):
    """Expected mean squares of a two-way layout, one run a cell, written out cell by cell."""
    models, seeds = values.shape
    grand = sum(values.ravel()) / values.size
    by_model = [sum(row) / seeds for row in values]
    by_seed = [sum(column) / models for column in values.T]
    between = seeds * sum((m - grand) ** 2 for m in by_model) / (models - 1)
    across = models * sum((s - grand) ** 2 for s in by_seed) / (seeds - 1)
    left = sum(
        (values[i, j] - by_model[i] - by_seed[j] + grand) ** 2
        for i in range(models)
        for j in range(seeds)
    ) / ((models - 1) * (seeds - 1))
    parts = np.array([max(0, (between - left) / seeds), max(0, (across - left) / models), left])
    return parts / parts.sum()


def test_the_variance_table_is_that_of_the_published_runs():
    compared = 0
    for name, (preset, source, settings) in agenda.CROSSED.items():
        runs = models_by_seeds(preset, source, settings=settings)
        if not all(run.key in ENDS.index for run in runs):
            continue
        cells = np.zeros((6, 6))
        for run in runs:
            start = ENDS.initial_condition[run.key]
            model = run.seed + int(start.partition("@")[2] or 0)
            cells[model - 5, run.seed] = ENDS.token_accuracy[run.key]
        row = components.components_table({name: published(runs)}).data.splitlines()[-1]
        told = [cell.split(" %")[0].strip() for cell in row.split("|")[3:6]]
        assert told == [f"{100 * share:.0f}" for share in shares_by_sums_of_squares(cells)], name
        compared += 1
    assert compared >= 2


def test_the_specification_curve_counts_the_published_runs():
    runs = specification.every()
    counted = specified.by_setting(specified.models_of(published(runs)))
    told = {
        (specified.described(row.setting), start): (getattr(row, name), getattr(row, f"{name}_n"))
        for row in counted.itertuples()
        for name, start in specified.STARTS_BY_COLUMN.items()
    }
    found = {}
    for setting in dict.fromkeys(map(specification.setting_of, runs)):
        for run in specification.transfers(setting):
            if run.key in ENDS.index:
                cell = specified.described(setting), ENDS.initial_condition[run.key]
                carried, n = found.get(cell, (0, 0))
                found[cell] = carried + (ENDS.token_accuracy[run.key] >= 0.9), n + 1
    assert found
    assert {cell: counts for cell, counts in told.items() if counts[1]} == found


def test_the_best_of_many_are_the_largest_on_the_seeds_that_chose_them():
    section = published(selective_transfer("standard", SIX, agenda.FOUR, seeds=10))
    ends = ENDS[ENDS.index.isin([run.key for run in section.runs])]
    accuracy = ends.pivot_table(
        index=["diagnostic", "initial_condition"], columns="seed", values="token_accuracy"
    )
    for diagnostic, rows in accuracy.groupby("diagnostic"):
        rows = rows.droplevel("diagnostic")
        gains = rows.drop(index="scratch") - rows.loc["scratch"]
        chosen = gains[[0, 1, 2]].mean(axis=1).nlargest(2)
        told = comparisons.best(section.on(diagnostic))
        pd.testing.assert_series_equal(
            told.set_index("initial_condition").difference, chosen, check_names=False
        )
        later = {
            row.initial_condition: row.difference
            for row in section.on(diagnostic)
            .where(lambda run: run.seed >= 3)
            .differences()
            .itertuples()
        }
        for condition in chosen.index:
            again = gains.loc[condition, [s for s in gains if s >= 3]].dropna()
            if len(again):
                assert np.isclose(later[condition], again.mean()), (diagnostic, condition)
