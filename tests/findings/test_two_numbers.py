"""What was expected of starts before their first step follows the rules that were fixed before."""

import pytest
from conftest import ensure_in
from tables import ended

from procmod_lib.experiments.conditions import EVERYTHING, MAPS, PREDICTED, PREDICTED_AGAIN, RECIPE
from procmod_lib.experiments.grids import by_hand, inside
from procmod_lib.findings.two_numbers import (
    FAILS,
    FIRST,
    SECOND,
    SILENT,
    SUCCEEDS,
    Predictions,
    draw_starts,
    from_both_halves,
    from_two_numbers,
)
from procmod_lib.initial import parse
from procmod_lib.report.section import Section
from procmod_lib.runs.store import Store


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the first rule says of two starts at the smoke preset."""
    store = Store(tmp_path_factory.mktemp("starts"), None)
    runs = inside("smoke", ["scratch", RECIPE], seeds=6)
    return Predictions(Section(runs, ensure_in(store, runs), store))


def test_starts_have_both_numbers_and_the_outcome_of_their_runs(seen):
    quiet, loud = seen.starts.itertuples()
    assert (quiet.n, loud.n) == (6, 6)
    assert (quiet.said, loud.said) == (FAILS, SUCCEEDS)
    assert loud.write > 100 * quiet.write
    assert quiet.tokens == pytest.approx(loud.tokens, abs=0.01)


def test_a_prediction_that_failed_is_counted_as_failed(seen):
    assert seen.section.summary.successes.tolist() == [0, 0]  # twenty steps teach nothing
    assert seen.in_words() == "1 of 2 (n = 6 seeds each)"
    assert [row.endswith("| **no** |") for row in seen.table().data.splitlines()[2:]] == [
        False,
        True,
    ]


def test_fewer_seeds_than_the_rule_asks_for_judge_nothing(seen):
    five = Predictions(seen.section.where(lambda run: run.seed < 5))
    assert five.in_words() == "not yet measured"
    assert not any(row.endswith("| **no** |") for row in five.table().data.splitlines())


def test_only_a_prediction_that_failed_is_ringed(seen):
    assert seen.drawn("first rule").wrong.tolist() == [False, True]
    assert not seen.drawn("known", is_judged=False).wrong.any()
    assert draw_starts(seen, seen, seen) is not None


def test_a_start_whose_source_is_missing_is_left_out(seen):
    runs = inside("smoke", ["scratch", "attention=identity"], seeds=1)
    store = Store(seen.section.store.folder, None)
    there = Predictions(Section(runs, store.load(runs), store))
    assert there.starts.condition.tolist() == ["scratch"]


def test_starts_whose_runs_are_missing_are_not_judged():
    runs = inside("smoke", ["scratch", RECIPE], seeds=2)
    none = Predictions(ended(runs, lambda run: None))
    assert none.in_words() == "not yet measured"
    assert none.table().data.count("not yet measured") == 4


@pytest.mark.parametrize(
    "tokens, write, said",
    [
        (0.5, 0.25, SUCCEEDS),
        (0.49, 9.0, SILENT),
        (0.29, 9.0, FAILS),
        (0.98, 0.24, SILENT),
        (0.98, 0.04, FAILS),
    ],
)
def test_the_first_rule_has_the_bounds_of_its_page(tokens, write, said):
    assert from_two_numbers(parse("scratch"), tokens, write) == said


@pytest.mark.parametrize("rule, least", [(FIRST, 5), (SECOND, 3)])
def test_a_rule_asks_for_so_many_of_six_seeds(rule, least):
    assert rule.held(SUCCEEDS, least, 6)
    assert not rule.held(SUCCEEDS, least - 1, 6)
    assert rule.held(FAILS, 1, 6)
    assert not rule.held(FAILS, 2, 6)


def test_the_second_rule_says_what_the_page_says_of_its_eight_starts():
    said = [from_both_halves(parse(text), 0.0, 0.0) for text in PREDICTED_AGAIN]
    assert said == [SUCCEEDS] * 2 + [FAILS] * 2 + [SUCCEEDS] * 2 + [FAILS] * 2


def test_no_predicted_start_was_among_those_that_the_rules_were_made_from():
    tried = {run.condition for run in by_hand("small", [RECIPE, *EVERYTHING], seeds=1)}
    tried |= {parse(f"{RECIPE} tensors={maps}") for maps in MAPS}
    first, second = ({parse(text) for text in texts} for texts in (PREDICTED, PREDICTED_AGAIN))
    assert not tried & (first | second)
    assert not first & second
