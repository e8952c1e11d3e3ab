"""What hangs on the draw of a shuffle is told draw by draw, and judged on the mean of draws."""

import pytest
from tables import carried, ended

from procmod_lib.experiments import each_head
from procmod_lib.experiments.claims import FROM_CURRICULUM
from procmod_lib.findings import draws, verdicts
from procmod_lib.report.tables import NOT_YET

WAYS = ("shuffled", "shuffled within each head")
RUNS = each_head.drawn_again()


@pytest.mark.parametrize(
    "whole, within, said",
    [
        (8, 2, "the difference stands"),
        (5, 3, "the difference does not stand"),
        (3, 5, "the difference does not stand"),
        (7, 2, "open"),
        (9, 3, "open"),
        (8, None, "open, runs are missing"),
    ],
)
def test_a_second_draw_is_judged_by_its_rule(whole, within, said):
    section = carried(
        RUNS, {each_head.DRAWS[way, 1]: n for way, n in zip(WAYS, (whole, within), strict=True)}
    )
    assert draws.draws_table(section).data.endswith(f"**By the rule: of the second draw, {said}.**")


def test_draws_are_told_one_after_the_other_and_how_many_models_they_turn():
    counts = dict(zip(each_head.DRAWS.values(), (8, 4, 9, 0, 1, 0), strict=True))
    section = carried(RUNS, counts)
    told = draws.each_draw(section, WAYS[0])
    assert told == "8 of 10 (49 to 94 %), then 4 of 10 (17 to 69 %), then 9 of 10 (60 to 98 %)"
    assert draws.turned(section, WAYS[0]) == "5 of 10"
    assert draws.turned(section, WAYS[1]) == "1 of 10"
    assert ": carries | 5 of 10 |" in draws.draws_table(section).data
    few = carried(RUNS, {each_head.DRAWS["shuffled", 0]: 8})
    assert draws.each_draw(few, WAYS[0]).startswith("8 of 10 (49 to 94 %), then not yet measured")
    assert draws.turned(few, WAYS[0]) == "0 of 0"


@pytest.mark.parametrize(
    "counts, said",
    [
        ((0, 9, 8, 9, 0, 1), "the two shuffles differ"),  # the first draws have no say
        ((9, 1, 1, 0, 1, 1), "a difference is not shown"),
        ((9, 3, 3, 0, 0, 0), "a difference is not shown"),  # three seeds of ten: p = 0.25
        ((9, 9, 9, 0, 0, None), NOT_YET),
    ],
)
def test_the_two_ways_are_compared_by_the_mean_of_the_later_draws(counts, said):
    section = carried(RUNS, dict(zip(each_head.DRAWS.values(), counts, strict=True)))
    assert said in draws.differ_told(section).data


def judged(table):
    """The claim on shuffling, judged on some runs: (n, difference)."""
    (claim,) = (claim for claim in FROM_CURRICULUM if claim.is_of_perturbation)
    (row,) = verdicts.judge([claim], table).itertuples()
    return row.n, pytest.approx(row.difference)


def test_a_claim_is_judged_on_the_mean_of_all_draws_of_a_model():
    after = dict(zip(draws.starts_of("shuffled"), (0.9, 0.3, 0.0), strict=True))
    runs = [*each_head.by_layer(), *RUNS]
    table = ended(runs, lambda run: after.get(str(run.condition), 0.9)).table
    assert judged(draws.with_mean_draw(table)) == (10, 50)
    for draw, difference in enumerate((0, 60, 90)):
        assert judged(draws.with_one_draw(table, draw)) == (10, difference)
    is_lost = (table.seed == 3) & table.initial_condition.str.endswith("draw=2")
    assert judged(draws.with_mean_draw(table[~is_lost])) == (9, 50)
