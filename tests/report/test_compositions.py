"""Does a composition beat both of its parents: the rule on scores that fit in the head."""

import pytest
from tables import table_of

from procmod_lib.report import compositions


@pytest.mark.parametrize(
    "scores, word",
    [
        ((0.1, 0.3, 0.3, 0.9), "yes"),
        ((0.1, 0.3, 0.9, 0.5), "no"),
        ((0.6, 0.3, 0.3, 0.5), "not shown"),
        ((0.1, 0.3, 0.5, 0.5), "not shown"),
    ],
)
@pytest.mark.parametrize("seeds", [3, 6])
def test_composition_is_judged_beside_both_parents_and_no_pretraining(scores, word, seeds):
    """The word for a composition whose scores, and those of no pretraining, its attention and its
    MLPs, are the same in every seed.
    """
    conditions = ("scratch", "attention=set", "mlp=eca", "attention=set mlp=eca")
    curves = {
        (condition, seed): [score]
        for condition, score in zip(conditions, scores, strict=True)
        for seed in range(seeds)
    }
    table = table_of(curves)
    (line,) = compositions.judge(table)
    assert line.word == (f"perhaps {word}" if seeds < 6 and word != "not shown" else word)
