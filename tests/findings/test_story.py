"""The story of the head written by hand is judged as the page that was fixed before says."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tables import carried, ended

from procmod_lib.experiments import agenda
from procmod_lib.experiments.conditions import BOTH, RECIPE, SPOILT
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.findings import story
from procmod_lib.report.tables import NOT_YET

SHUFFLED, RANDOM = story.NULLS
AS_TOLD = {"scratch": 0.1, RECIPE: 0.95, SPOILT: 0.1, BOTH: 0.4, story.HEAD: 0.95}
AS_TOLD |= {story.QUIET: 0.1, SHUFFLED: 0.94, RANDOM: 0.94}


def section(means=(), seeds=10):
    """Runs that end near these accuracies, with a little noise that differs by seed."""
    by_start = AS_TOLD | dict(means)
    runs = [
        fine_tuning_run("haystack", start, "standard", seed)
        for start in by_start
        for seed in range(seeds)
    ]

    def end(run):
        start = str(run.condition)
        return by_start[start] + 0.004 * np.sin(7 * run.seed + len(start))

    return ended(runs, end, SimpleNamespace())


def held(found):
    return [judgement.holds for judgement in story.judge(found)]


def test_as_it_is_told_all_five_hold_and_say_so():
    found = section()
    assert held(found) == [True] * 5
    assert {j.verdict for j in story.judge(found)} == {"**the story holds**"}
    assert story.judged_table(found).data.count("the story holds") == 5


@pytest.mark.parametrize(
    "change, failing",
    [
        ({RECIPE: 0.5}, [0, 4]),  # no success of it is left
        ({BOTH: 0.99, RECIPE: 0.93}, [1]),
        ({story.QUIET: 0.95}, [2]),
        ({SHUFFLED: 0.7}, [3]),
        ({RANDOM: 0.7}, [3]),
        ({SPOILT: 0.95}, [4]),
    ],
)
def test_each_outcome_counts_against_it(change, failing):
    assert [i for i, holds in enumerate(held(section(change))) if not holds] == failing


def test_without_all_seeds_it_is_open():
    verdicts = [judgement.verdict for judgement in story.judge(section(seeds=7))]
    assert all(verdict.startswith("open (7 of 10 seeds): so far ") for verdict in verdicts)


def test_without_an_arm_it_is_not_judged():
    whole = section()
    part = whole.where(lambda run: str(run.condition) != SPOILT)
    assert story.judge(part) == []
    assert story.judged_table(part).data == NOT_YET


def widest(half, one, n=6):
    rows = [("0.5", half), ("1.0", one)]
    rows = [dict(initial_condition=f"loud={s} head=1.0", n=n, successes=k) for s, k in rows]
    return story.rule_in_the_width(SimpleNamespace(summary=pd.DataFrame(rows))).data


def test_width_64_decides_between_the_rules_as_the_page_says():
    assert widest(6, 4).endswith("the standard deviation is constant.")
    assert widest(3, 0).endswith("agrees: the norm is constant.")
    assert widest(5, 1).endswith("the size of the scores is constant.")
    assert widest(6, 4, n=5) == NOT_YET
    nothing = SimpleNamespace(summary=pd.DataFrame(columns=["initial_condition"]))
    assert story.rule_in_the_width(nothing).data == NOT_YET


@pytest.mark.parametrize(
    "fresh, recipe, said",
    [
        (5, 0, "a wider model needs no help"),
        (1, 5, "the head by hand does it at width 32 too"),
        (1, 1, "the head by hand does not do it at width 32"),
        (2, 6, "open"),
        (1, 4, "open"),
        (0, None, "open, runs are missing"),
    ],
)
def test_a_wider_model_is_judged_by_its_rule(fresh, recipe, said):
    section = carried(agenda.full_at_width(32), {"scratch": fresh, RECIPE: recipe})
    text = story.wider_judged(section).data
    assert text.endswith(f"**By the rule: {said}.**")
