"""The ends of learning curves."""

import pandas as pd

from procmod_lib.runs.curves import by_seed, final, final_scores
from procmod_lib.runs.store import COLUMNS


def curve(key, scores):
    """Rows of one run, evaluated every ten steps."""
    return [
        {"key": key, "step": 10 * step, "token_accuracy": score}
        for step, score in enumerate(scores)
    ]


def test_a_run_ends_at_its_last_step_not_its_last_row_or_its_best_score():
    table = pd.DataFrame([*curve("b", [0.1, 0.9, 0.5]), *reversed(curve("a", [0.2, 0.3]))])
    assert final_scores(table) == {"b": 0.5, "a": 0.3}
    assert list(final(table).key) == ["b", "a"]
    assert list(final(table).step) == [20, 10]


def test_no_runs_have_no_ends():
    empty = pd.DataFrame(columns=COLUMNS)
    assert final(empty) is empty
    assert final_scores(empty) == {}
    assert by_seed(empty).empty


def test_ends_stand_by_seed_and_what_is_missing_is_no_number():
    cells = [("haystack", "scratch", 0), ("haystack", "mlp=set", 0), ("haystack", "mlp=set", 1)]
    names = ["diagnostic", "initial_condition", "seed"]
    rows = [
        row | dict(zip(names, cell, strict=True))
        for nth, cell in enumerate(cells)
        for row in curve(str(nth), [0.9, nth / 10])
    ]
    ends = by_seed(pd.DataFrame(rows))
    assert list(ends.columns) == [("haystack", "scratch"), ("haystack", "mlp=set")]
    assert list(ends["haystack", "mlp=set"]) == [0.1, 0.2]
    assert ends["haystack", "scratch"].isna().tolist() == [False, True]
