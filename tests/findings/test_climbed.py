"""The verdict on the settings follows the rule that was fixed before its runs."""

import pytest
from tables import ended

from procmod_lib.experiments import agenda, why_curricula
from procmod_lib.experiments.conditions import SET_ECA
from procmod_lib.findings import climbed
from procmod_lib.findings.climbed import settings_judged
from procmod_lib.report.tables import NOT_YET

RUNS = [run for run in agenda.closest("standard") if str(run.condition) == "attention=identity"]


def section(scores):
    by_key = {run.key: score for run, score in zip(RUNS, scores, strict=False)}
    return ended(RUNS, lambda run: by_key.get(run.key))


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
    assert said.startswith(verdict)
    assert f"in {successes} of 10 seeds" in said


def test_what_climbed_and_what_did_not_is_told_in_a_clause(monkeypatch):
    def ends(find):
        return next(sources)

    sources = iter(["rate 0.001, dropout 0, one length", "no rung that all three learn", NOT_YET])
    monkeypatch.setattr(climbed, "_end", ends)
    said = climbed.reached_in_words(section([]), ["identity", "set", "eca"])
    assert said == (
        "all three pilots learn Identity (rate 0.001, dropout 0, one length); "
        "no rung has three that learn Set"
    )


def test_before_ten_seeds_nothing_is_decided():
    assert settings_judged(section([0.1] * 9)) == "open: 9 of 10 seeds are measured"
    assert settings_judged(section([])) == "open: 0 of 10 seeds are measured"


def test_lists_are_judged_by_source_and_start():
    successes = {"attention=set": 6, "attention=set layer=1": 8, "full=set": 2, "full=stack": 4}

    def end(run):
        return 0.95 if run.seed < successes.get(str(run.condition), 0) else 0.2

    runs = why_curricula.other_lists()
    rows = climbed.lists_table(ended(runs, end)).data.splitlines()
    assert rows[2].count(": carries") == 2
    assert "2 of 8 (7 to 59 %): does not carry" in rows[2]
    assert rows[3].endswith("4 of 8 (22 to 78 %): open |")
    few = ended(runs, lambda run: 0.95 if run.seed < 7 else None)
    assert climbed.lists_table(few).data.splitlines()[2].count(NOT_YET) == 3


@pytest.mark.parametrize(
    "successes, told",
    [
        ((6, 2, 2, 8), "the size of ECA's first MLP is in the way"),
        ((6, 3, 2, 8), "undecided"),
        ((5, 2, 6, 8), "what ECA's MLPs learnt is in the way"),
        ((8, 0, 8, 8), "in the way, and what ECA's MLPs learnt"),
        ((0, 0, 0, 8), "undecided"),
    ],
)
def test_what_of_eca_is_in_the_way_follows_its_rule(successes, told):
    counts = dict(zip(why_curricula.PAIR_CHANGES, successes, strict=True))

    def end(run):
        change = str(run.condition).removeprefix(SET_ECA).strip()
        return 0.95 if run.seed < counts[change] else 0.2

    text = climbed.changed_pair_table(ended(why_curricula.pair_changed(), end)).data
    assert told in text.splitlines()[-1]
    assert f"| first MLP at fresh size | {successes[0]} of 8" in text


def test_a_pair_with_runs_missing_is_open():
    few = ended(why_curricula.pair_changed(), lambda run: 0.95 if run.seed < 7 else None)
    assert "open, runs are missing" in climbed.changed_pair_table(few).data
