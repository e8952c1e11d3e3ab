"""Intervals and tests on numbers whose answers fit in the head."""

import numpy as np
import pandas as pd
import pytest

from procmod_lib import statistics
from procmod_lib.randomness import stream


def table(scores, status="complete"):
    rows = [{"diagnostic": "haystack", "initial_condition": c, "seed": s, "key": f"{c}{s}", "step": step, "status": status,
             "token_accuracy": v * step / 10} for c, values in scores.items() for s, v in enumerate(values) for step in (0, 10)]
    return pd.DataFrame(rows)  # fmt: skip


def test_summary_takes_the_last_evaluation():
    row = statistics.summary(table({"scratch": [0.2, 0.4], "full=x": [1.0, 1.0]})).set_index("initial_condition")
    assert row.loc["scratch", "mean"] == pytest.approx(0.3) and row.loc["scratch", "n"] == 2
    assert row.loc["full=x", "successes"] == 2 and row.loc["scratch", "successes"] == 0
    assert list(row.index) == ["scratch", "full=x"]


def test_non_finite_runs_are_counted_and_shown():
    row = statistics.summary(table({"scratch": [0.2, 0.4]}, status="non-finite")).iloc[0]
    assert row["n"] == 2 and row["non_finite"] == 2 and np.isnan(row["mean"])


def test_paired_difference():
    row = statistics.against(table({"scratch": [0.1, 0.2, 0.3], "mlp=x": [0.2, 0.3, 0.4]})).iloc[0]
    assert row.difference == pytest.approx(0.1) and row.low == pytest.approx(0.1) and row.p == 0.25


def test_interval_covers_the_mean_about_as_often_as_it_says():
    rng = stream("test of the interval")
    samples = rng.normal(size=(300, 10))
    inside = [low <= 0 <= high for low, high in map(statistics.interval, samples)]
    assert 0.82 <= np.mean(inside) <= 0.98  # a percentile bootstrap of ten covers a little less than 95 %
    assert statistics.interval([0.3]) != statistics.interval([0.3])  # nan: one seed has no interval


def test_sign_flip_on_noise_and_on_an_effect():
    rng = stream("test of the sign flip")
    noise = [statistics.sign_flip(rng.normal(size=8)) for _ in range(1000)]
    assert np.mean(np.array(noise) <= 0.05) <= 0.065
    assert statistics.sign_flip(np.ones(10)) == pytest.approx(2 / 1024)
    assert np.isnan(statistics.sign_flip([]))


def test_bootstrap_is_the_same_each_time():
    assert statistics.interval([0.1, 0.5, 0.9]) == statistics.interval([0.1, 0.5, 0.9])
