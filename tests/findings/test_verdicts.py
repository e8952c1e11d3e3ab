"""The rule that turns results into verdicts, on studies that fit in the head."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tables import table_of

from procmod_lib.experiments import claims
from procmod_lib.findings import simulation, verdicts
from procmod_lib.findings.removed import removed_table
from procmod_lib.report.scorecard import failed_claims, scorecard_table, why_not


def test_the_verdict_rule_on_simulated_studies():
    """Of 1,000 studies of nothing at most 5 % are called replicated; of an effect that every run
    shows, as large as the paper's, at least 90 %.
    """
    assert simulation.simulate(1000, 0.0, 0.0)["replicated"] <= 50
    assert simulation.simulate(1000, 0.5, 0.5)["replicated"] <= 50
    assert simulation.simulate(1000, 1.0, 0.0)["replicated"] >= 900
    few = simulation.simulate(1000, 1.0, 0.0, n=3)  # the smallest p of three seeds is 0.25
    assert few["partly"] == 1000
    assert few["replicated"] == few["not replicated"] == 0


def test_verdicts_on_studies_that_fit_in_the_head():
    claim = claims.Claim("it helps", "haystack", "full=dyck", "scratch")

    def said(differences, paper=80.0):
        curves = {("scratch", s): [0.1] for s in range(len(differences))} | {
            ("full=dyck", s): [0.1 + d] for s, d in enumerate(differences)
        }
        return verdicts.judge([replace(claim, paper=(10, 10 + paper))], table_of(curves)).iloc[0]

    assert said([0.8] * 10).verdict == "replicated"
    assert said([0.8] * 10).n == 10
    assert said([0.8] * 10).ours == pytest.approx((10, 90))
    assert said([0.8] * 3).verdict == "partly"
    assert said([0.8] * 5).verdict == "partly"
    assert said([0.2] * 10).verdict == "partly"
    assert said([0.2] * 10, float("nan")).verdict == "replicated"
    assert said([0.8, 0.8, -0.1, -0.1, -0.1]).verdict == "not replicated"
    assert said([-0.8] * 10).verdict == "not replicated"
    assert said([0.8] * 2).verdict == "not yet measured"
    assert said([0.8, 0.1, 0.8]).disagree
    uneven = table_of(
        {("scratch", 0): [0.1], ("scratch", 1): [0.1], ("scratch", 2): [0.1]}
        | {("full=dyck", s): [0.2 + 0.1 * s] for s in range(6)}
    )
    found = verdicts.judge([claim], uneven).iloc[0]  # seeds that only one arm has take no part
    assert found.n == 3
    assert found.ours == pytest.approx((10, 30))
    assert found.difference == pytest.approx(20)
    nothing = pd.DataFrame(
        columns=["diagnostic", "initial_condition", "key", "step", "seed", "token_accuracy"]
    )
    assert verdicts.judge([claim], nothing).verdict.tolist() == ["not yet measured"]


def test_a_family_counts_claims_that_are_not_measured_yet():
    claim = claims.Claim("it helps", "haystack", "full=dyck", "scratch")
    curves = {
        (arm, s): [end] for s in range(8) for arm, end in (("scratch", 0.1), ("full=dyck", 0.9))
    }
    alone, of_four = (verdicts.judge([claim], table_of(curves), size).p[0] for size in (0, 4))
    assert of_four == pytest.approx(4 * alone)


@pytest.mark.parametrize(
    "paper, said",
    [(83.0, "holds zero, though it leaves out the paper's difference, and 3 seeds"),
     (20.0, "holds zero, and 3 seeds"),
     (float("nan"), "holds zero, and 3 seeds")],
)  # fmt: skip
def test_a_failed_claim_says_whether_the_papers_difference_is_left_out(paper, said):
    row = dict(claim="A claim", difference=5.0, low=-1.0, high=41.0, n=3, p=1, ours=(11.0, 16.0))
    row["baseline"] = "scratch"
    judged = pd.DataFrame([row | {"verdict": "not replicated", "paper_difference": paper}])
    assert f"undecided: the interval {said} resolve little." in failed_claims(judged, 9).data
    below = judged.assign(difference=-5.0, high=-0.01, n=10)
    said = failed_claims(below, 9).data  # an interval alone does not say that it has the other sign
    assert "below zero, but 10 seeds cannot tell it from luck." in said
    assert "the other sign." in failed_claims(below.assign(p=0.01), 9).data
    full = judged.assign(ours=[(99.5, 100.0)])
    assert "nothing to gain" in failed_claims(full, 9).data
    assert "nothing to gain" not in failed_claims(full.assign(baseline="full=identity"), 9).data


def test_a_table_says_how_to_read_it_once():
    curves = {(arm, s): [0.5] for arm in ("scratch", "full=dyck") for s in range(3)}
    judged = verdicts.judge([claims.CLAIMS[0]], table_of(curves))
    long, brief = (scorecard_table(judged, 6, brief=b).data for b in (False, True))
    assert "question mark" in long
    assert "question mark" not in brief
    assert brief.endswith("only with 6 seeds or more.")
    assert long.split("\n\n")[0] == brief.split("\n\n")[0]


def test_families_are_also_corrected_as_one():
    alone = [0.002, 0.02, 0.3]
    family = pd.DataFrame({"claim": ["A", "B", "C"], "p_alone": alone})
    family["verdict"] = ["replicated", "replicated", "not replicated"]
    later = family.assign(p_alone=np.nan, verdict="not yet measured")
    every = verdicts.as_one_family({"ours": family, "theirs": later})
    assert verdicts.surviving(every) == "2 of the 2 that replicated"
    assert verdicts.over_all(every) == (
        "Corrected over all 3 verdicts together, 2 of the 2 that replicated still would: "
        "A (under *ours*); B (under *ours*). Over so many the exact test can fall below 0.05 only "
        "with 7 seeds or more."
    )
    every = verdicts.as_one_family({"ours": family, "theirs": family})
    assert verdicts.over_all(every).startswith(
        "Corrected over all 6 verdicts together, 2 of the 4 that replicated still would: "
        "A (under *ours*); A (under *theirs*)."
    )
    nothing = verdicts.as_one_family({"ours": family.tail(1)})
    assert verdicts.over_all(nothing) == "Nothing replicated."


def test_what_replicated_is_told_with_its_size():
    judged = pd.DataFrame(
        {
            "verdict": ["replicated"] * 3 + ["not replicated"],
            "difference": [42.4, 30.0, 9.0, 90.0],
            "low": [16.0, 5.0, 1.0, 80.0],
            "high": [68.0, 45.0, 20.0, 99.0],
            "paper_difference": [80.0, 50.0, np.nan, 90.0],
            "baseline": ["scratch"] * 4,
            "ours": [(11.0, 60.0)] * 4,
        }
    )
    said = "1 in sign alone, 2 at 53 % (20 to 85 %) and 60 % (10 to 90 %) of the paper's effect"
    judged = judged.assign(n=10, p=0.01, has_no_gain=False)
    assert verdicts.count_with_signs(judged) == "3 replicated (1 in sign alone), 1 not replicated"
    assert verdicts.count_with_signs(judged.tail(1)) == "1 not replicated"
    assert verdicts.count_with_sizes(judged) == f"3 replicated ({said}), 1 not replicated"
    last = judged.tail(1)
    assert verdicts.count_with_sizes(last) == "1 not replicated"
    undecided = last.assign(low=-1.0, high=45.0)
    assert verdicts.count_with_sizes(undecided) == "1 not replicated (1 undecided)"
    assert verdicts.count_with_sizes(undecided.assign(high=44.9)) == "1 not replicated"
    full = last.assign(ours=[(99.5, 99.9)], low=-1.0, high=1.0)
    assert verdicts.count_with_sizes(full) == "1 not replicated (1 nothing to gain)"
    worse = full.assign(high=-0.1)  # there was nothing to gain, and something was lost
    assert verdicts.count_with_sizes(worse) == "1 not replicated (1 other sign)"
    assert verdicts.count_with_sizes(worse.assign(p=0.2)) != verdicts.count_with_sizes(worse)


def test_a_shuffle_that_had_no_gain_to_remove_is_told_from_one_that_removed_none():
    claim = claims.CLAIMS[2]

    def table(learnt, shuffled):
        ends = {"scratch": 0.1, claim.condition: learnt, claim.baseline: shuffled}
        return table_of({(arm, s): [end] for arm, end in ends.items() for s in range(10)})

    def said(*ends):
        return why_not(verdicts.judge([claim], table(*ends)).iloc[0])

    assert said(0.1, 0.1) == "no gain to remove"
    assert said(0.9, 0.9) != "no gain to remove"
    assert said(0.9, 0.1) == ""
    rows = removed_table({"a": table(0.9, 0.7), "b": table(0.1, 0.1), "c": table(0.9, 0.1)}).data
    shares = [line.split(" | ")[-1].strip(" |") for line in rows.splitlines()[2:]]
    assert shares == [
        "25 % (25 to 25 %, n = 10)",
        "no gain to remove",
        "100 % (100 to 100 %, n = 10)",
    ]
    assert "not yet measured" in removed_table({"a": table(0.9, 0.7).head(0)}).data
