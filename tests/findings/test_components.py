"""Shares of variance on tables whose answers are known."""

import numpy as np
import pandas as pd
import pytest
from tables import ended

from procmod_lib.experiments.crossed import MODELS, models_by_seeds
from procmod_lib.findings import components
from procmod_lib.randomness import stream
from procmod_lib.report.section import Section


@pytest.mark.parametrize("model, seed, noise", [(2.0, 1.0, 1.0), (0.0, 3.0, 1.0), (1.0, 0.0, 0.0)])
def test_known_shares_come_back(model, seed, noise):
    rng, found = stream("test components"), []
    for _ in range(300):
        effects = rng.normal(0, 1, (6, 1)) * model + rng.normal(0, 1, (1, 6)) * seed
        found.append(components.components(effects + noise * rng.normal(0, 1, (6, 6))))
    total = model**2 + seed**2 + noise**2
    truth = np.array([model**2, seed**2, noise**2]) / total
    assert np.abs(np.mean(found, 0) - truth).max() < 0.13
    assert np.allclose(np.sum(found, 1), 1)


def test_no_spread_has_no_shares():
    assert components.components(np.ones((3, 4))) == (0.0, 0.0, 0.0)


def section(value, missing=()):
    runs = models_by_seeds("small")
    lost = {runs[i].key for i in missing}
    return ended(runs, lambda run: None if run.key in lost else value(run))


def model_of(run):
    return run.donors[0][1].seed


def test_every_model_meets_every_seed():
    cells = components.by_model_and_seed(section(lambda run: 10 * model_of(run) + run.seed))
    assert list(cells.index) == list(MODELS)
    assert list(cells.columns) == list(range(6))
    expected = [[10 * model + seed for seed in range(6)] for model in MODELS]
    assert (cells.to_numpy() == expected).all()
    with pytest.raises(ValueError, match="seeds must be at most 6, got 7"):
        models_by_seeds("small", seeds=7)


def test_tables_say_whose_the_spread_is_and_what_is_missing():
    by_model = section(lambda run: 0.2 + 0.1 * (model_of(run) - 5))
    text = components.components_table({"here": by_model}).data
    assert "| here | 36 | 100 % (" in text
    assert text.count("| 0 % (") == 2
    lines = components.crossed_table(by_model).data.splitlines()
    assert lines[2] == "| model 5 | 20 | 20 | 20 | 20 | 20 | 20 |"
    partly = section(lambda run: 0.5, missing=(3,))
    assert "not yet measured" in components.components_table({"here": partly}).data
    assert "|  |" in components.crossed_table(partly).data
    nothing = Section(models_by_seeds("small"), pd.DataFrame(), None)
    assert components.crossed_table(nothing).data == "Not yet measured."


def test_the_rule_of_models_and_seeds_decides_on_tables_whose_answer_is_known():
    by_model = section(lambda run: 1.0 if model_of(run) % 2 else 0.2)
    by_seed = section(lambda run: 1.0 if run.seed % 2 else 0.2)
    both = {"by model": by_model, "by seed": by_seed}
    told = components.models_in_words(both).data.splitlines()
    assert told[0].endswith(
        "by model: of 6 models 3 carry with all 6 seeds, 3 with none, 0 with some."
    )
    assert told[1].endswith(
        "by seed: of 6 models 0 carry with all 6 seeds, 0 with none, 6 with some."
    )
    judged = components.components_judged(both).data.splitlines()
    assert judged[0].endswith("by model: it does (model 100 %, seed 0 %).")
    assert judged[1].endswith("not shown, since the intervals overlap (model 0 %, seed 100 %).")
    partly = {"here": section(lambda run: 0.5, missing=(3,))}
    for say in (components.models_in_words, components.components_judged):
        assert say(partly).data.endswith("here: not yet measured.")


def test_models_differ_by_luck_or_not():
    by_model = np.repeat([[0.1], [0.1], [0.1], [0.9], [0.9], [0.9]], 6, axis=1)
    assert components.differ_by_luck(by_model) < 0.001
    by_seed = by_model.T
    assert components.differ_by_luck(by_seed) == 1.0
