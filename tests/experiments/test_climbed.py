"""The verdict on the settings follows the rule that was fixed before its runs."""

import pandas as pd
import pytest

from procmod_lib.experiments import agenda
from procmod_lib.experiments.climbed import settings_judged
from procmod_lib.report.section import Section

RUNS = [run for run in agenda.closest("standard") if str(run.condition) == "attention=identity"]


def section(scores):
    rows = [
        dict(key=run.key, step=10, status="complete", diagnostic="haystack", seed=run.seed)
        | dict(initial_condition=str(run.condition), token_accuracy=score)
        for run, score in zip(RUNS, scores, strict=False)
    ]
    return Section(RUNS, pd.DataFrame(rows), None)


@pytest.mark.parametrize(
    "successes, verdict",
    [
        (8, "by the rule they do:"),
        (7, "open by the rule:"),
        (3, "open by the rule:"),
        (2, "by the rule they do not:"),
    ],
)
def test_eight_successes_of_ten_decide_one_way_and_two_the_other(successes, verdict):
    said = settings_judged(section([0.95] * successes + [0.1] * (10 - successes)))
    assert said.startswith(verdict) and f"in {successes} of 10 seeds" in said


def test_before_ten_seeds_nothing_is_decided():
    assert settings_judged(section([0.1] * 9)) == "open: 9 of 10 seeds are measured"
    assert settings_judged(section([])) == "open: 0 of 10 seeds are measured"
