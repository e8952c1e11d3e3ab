"""The verdict on the settings follows the rule that was fixed before its runs."""

import pytest
from tables import ended

from procmod_lib.experiments import agenda, ladder
from procmod_lib.findings import climbed
from procmod_lib.findings.climbed import settings_judged
from procmod_lib.report.tables import NOT_YET

SOURCES = ["identity", "set"]
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


def test_what_climbed_and_what_did_not_is_told_in_a_clause():
    """IDENTITY on the first rung of one length; SET on none; of ECA no pilot was run."""
    climbers = [run for source in SOURCES for run in ladder.all_pilots(source)]
    tried = ended(climbers, lambda run: 1.0 if run.task.name == "identity" else 0.0)
    said = climbed.reached_in_words(tried, [*SOURCES, "eca"])
    first = ladder.rungs(curriculum=False)[0].label
    assert said == f"all three pilots learn Identity ({first}); no rung has three that learn Set"
    rows = climbed.reached_table(tried, [*SOURCES, "eca"]).data.splitlines()[2:]
    assert rows[1] == "| Set " + "| no rung that all three learn " * 3 + "|"
    assert rows[2] == f"| ECA rule 110 | {NOT_YET} | has no lists | {NOT_YET} |"
    nothing = ended(climbers, lambda run: None)
    assert climbed.reached_in_words(nothing, SOURCES) == "not yet measured"


def test_before_ten_seeds_nothing_is_decided():
    assert settings_judged(section([0.1] * 9)) == "open: 9 of 10 seeds are measured"
    assert settings_judged(section([])) == "open: 0 of 10 seeds are measured"
