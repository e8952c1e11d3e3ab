"""Intervals and tests on numbers whose answers fit in the head."""

import numpy as np
import pandas as pd
import pytest
from tables import ended, table_of

from procmod_lib.experiments.grids import pretraining, selective_transfer
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.randomness import stream
from procmod_lib.report import comparisons, statistics, tables
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import of_runs, sentence


def table(scores, status="complete"):
    rows = [
        {
            "diagnostic": "haystack",
            "initial_condition": c,
            "seed": s,
            "key": f"{c}{s}",
            "step": step,
            "status": status,
            "token_accuracy": v * step / 10,
        }
        for c, values in scores.items()
        for s, v in enumerate(values)
        for step in (0, 10)
    ]
    return pd.DataFrame(rows)


def test_summary_takes_the_last_evaluation():
    row = statistics.summary(table({"scratch": [0.2, 0.4], "full=x": [1.0, 1.0]})).set_index(
        "initial_condition"
    )
    assert row.loc["scratch", "mean"] == pytest.approx(0.3)
    assert row.loc["scratch", "n"] == 2
    assert row.loc["full=x", "successes"] == 2
    assert row.loc["scratch", "successes"] == 0
    assert list(row.index) == ["scratch", "full=x"]


def test_non_finite_runs_are_counted_and_shown():
    row = statistics.summary(table({"scratch": [0.2, 0.4]}, status="non-finite")).iloc[0]
    assert row["n"] == 2
    assert row["non_finite"] == 2
    assert row["mean"] == pytest.approx(0.3)


def test_a_source_that_went_on_with_another_is_a_source_of_its_own():
    runs = pretraining("smoke", "set,identity>set", seeds=3)
    ends = [
        {"key": run.key, "step": 1, "token_accuracy": float(run.source != "set")} for run in runs
    ]
    found = statistics.learnt(runs, pd.DataFrame(ends)).set_index("source")
    assert dict(found.n) == {"set": 3, "identity>set": 3}
    assert dict(found["mean"]) == {"set": 0.0, "identity>set": 1.0}


def test_paired_difference():
    scores = {"scratch": [0.1, 0.2, 0.3], "mlp=x": [0.2, 0.3, 0.4]}
    row = statistics.paired_differences(table(scores)).iloc[0]
    assert row.difference == pytest.approx(0.1)
    assert row.low == pytest.approx(0.1)
    assert row.p == 0.25


def test_interval_covers_the_mean_about_as_often_as_it_says():
    rng = stream("test of the interval")
    samples = rng.normal(size=(300, 10))
    inside = [low <= 0 <= high for low, high in map(statistics.interval, samples)]
    assert (
        0.82 <= np.mean(inside) <= 0.98
    )  # a percentile bootstrap of ten covers a little less than 95 %
    assert np.isnan(statistics.interval([0.3])).all()  # one seed has no interval


def test_sign_flip_on_noise_and_on_an_effect():
    rng = stream("test of the sign flip")
    noise = [statistics.sign_flip(rng.normal(size=8)) for _ in range(1000)]
    assert np.mean(np.array(noise) <= 0.05) <= 0.065
    assert statistics.sign_flip(np.ones(10)) == pytest.approx(2 / 1024)
    assert np.isnan(statistics.sign_flip([]))


def test_bootstrap_is_the_same_each_time():
    assert statistics.interval([0.1, 0.5, 0.9]) == statistics.interval([0.1, 0.5, 0.9])


def test_conditions_that_share_no_seed_are_not_compared():
    curves = {("scratch", 0): [0.1], ("attention=identity", 1): [0.9]}
    assert not len(statistics.paired_differences(table_of(curves)))
    assert Section([], table_of(curves), None).gain("attention=identity") == "not yet measured"


def test_the_lists_of_a_mixture_are_those_of_its_parts():
    run = pretraining("standard", ["identity+set"], seeds=1)[0]
    ends = pd.DataFrame({"key": [run.key], "step": [1], "token_accuracy": [0.5]})
    assert list(statistics.learnt([run], ends).lengths) == ["all"]


def test_pairs_are_told_on_average_over_each_seed():
    ends = {"attention=set": 0.5, "attention=set shuffle": 0.4, "mlp=set": 0.3, "scratch": 0.0}
    curves = {(c, s): [v + 0.01 * s] for c, v in ends.items() for s in range(6)}
    runs = [fine_tuning_run("haystack", c, "smoke", s) for c in ends for s in range(6)]
    section = Section(runs, table_of(curves), None)
    pairs = [("attention=set", "attention=set shuffle"), ("mlp=set", "scratch")]
    said = comparisons.on_average(section, pairs, "both").data
    assert said.startswith("Both: **higher**, +20.0 points")
    assert "n = 6" in said
    pairs = [("attention=set", "full=set")]
    assert comparisons.on_average(section, pairs, "both").data == "Both: not yet measured."


def test_a_cell_with_a_seed_twice_is_refused():
    twice = pd.concat([table_of({("scratch", 0): [0.1]})] * 2)
    twice["key"] = ["a", "b"]
    with pytest.raises(ValueError, match="duplicate"):
        statistics.paired_differences(twice)


def test_holm_leaves_what_is_not_measured_out_of_the_family():
    assert statistics.holm([0.01, np.nan, 0.04]).tolist()[::2] == [0.02, 0.04]
    assert np.isnan(statistics.holm([0.01, np.nan])[1])


def section_of(ends):
    """HAYSTACK from some starts, two seeds each, that ended so."""
    runs = [fine_tuning_run("haystack", start, "smoke", s) for start in ends for s in (0, 1)]
    return ended(runs, lambda run: ends[str(run.condition)][run.seed])


def test_sources_are_counted_one_by_one_and_all_together():
    section = section_of({"attention=identity": [0.95, 0.2], "attention=set": [0.99, 0.91]})
    words = {"": "both layers", "layer=1": "last"}
    lines = comparisons.by_source(section, words).data.splitlines()
    assert lines[2:4] == [
        "| Identity | 1 of 2 (9 to 91 %) | not yet measured |",
        "| Set | 2 of 2 (34 to 100 %) | not yet measured |",
    ]
    assert lines[4] == "| all of them | 3 of 4 (1 to 2 of 2 from each source) | not yet measured |"


def test_single_heads_are_counted_by_their_layer():
    heads = [f"attention=identity head={layer}.{head}" for layer in (0, 1) for head in range(4)]
    section = section_of({head: [0.2, 0.95 if "head=1" in head else 0.3] for head in heads})
    assert comparisons.heads_told(section).data == (
        "Runs above 90 % from one head alone: layer 0: 0 of 8 (0 of 2 from each head); "
        "layer 1: 4 of 8 (1 of 2 from each head)."
    )


def test_parts_held_fixed_are_counted_beside_free_ones():
    section = section_of(
        {
            "attention=identity": [0.95, 0.92],
            "attention=identity freeze=attention": [0.95, 0.2],
            "mlp=identity": [0.1, 0.1],
        }
    )
    assert comparisons.held_told(section).data == (
        "Runs above 90 % with attention held fixed: 1 of 2 (1 of 2 from each source); "
        "free to learn: 2 of 2 (2 of 2 from each source). "
        "Runs above 90 % with MLPs held fixed: not yet measured; "
        "free to learn: 0 of 2 (0 of 2 from each source)."
    )


def test_doses_are_the_plain_transfer_and_its_noise():
    curves = {
        (c, s): [0.5 + 0.1 * s]
        for c in (
            "scratch",
            "mlp=set",
            "mlp=set noise=0.1",
            "mlp=set shuffle",
            "mlp=set relative_noise=0.5",
        )
        for s in range(3)
    }
    rows = statistics.noise_responses(table_of(curves))
    assert rows.dose.tolist() == [0, 0.1]
    assert set(rows.transfer) == {"mlp=set"}
    assert rows.n.tolist() == [3, 3]


def test_compositions_against_each_parent():
    curves = {
        (c, s): [a + 0.001 * s]
        for c, a in {
            "scratch": 0.1,
            "attention=set": 0.4,
            "mlp=eca": 0.2,
            "attention=set mlp=eca": 0.9,
        }.items()
        for s in range(3)
    }
    rows = statistics.differences_from_parents(table_of(curves)).set_index("baseline")
    assert rows.difference.round(6).to_dict() == {
        "scratch": 0.8,
        "attention=set": 0.5,
        "mlp=eca": 0.7,
    }


def test_two_seeds_have_no_interval():
    assert all(np.isnan(statistics.interval([0.1, 0.9])))
    assert not any(np.isnan(statistics.interval([0.1, 0.5, 0.9])))


@pytest.mark.parametrize(
    "differences, words",
    [
        ([0.5] * 6, "**helps**"),
        ([-0.5] * 6, "**harms**"),
        ([0.5] * 5, "**perhaps helps**"),
        ([0.5, -0.5] * 3, "**no difference that can be told from zero**"),
        ([0.01] * 6, "**differs by less than 2 points**"),
        ([0.03] * 6, "**helps**"),
        ([0.5] * 2, "too few seeds to say"),
    ],
)
def test_a_sentence_follows_the_rule_of_the_method_page(differences, words):
    row = next(
        statistics.paired_differences(
            table({"scratch": [0.5] * len(differences), "mlp=x": [0.5 + d for d in differences]})
        ).itertuples()
    )
    assert words in sentence(row, "MLPs")
    assert f"{100 * np.mean(differences):+.1f} points" in sentence(row, "MLPs")
    assert f"n = {len(differences)}" in sentence(row, "MLPs")


def test_nobody_has_learnt_a_control_whose_best_is_not_known():
    rows = pd.DataFrame(
        [
            dict(source="identity_tokens_shuffled", settings="x", lengths="fixed", steps=1, batch=1)
            | dict(lr=1.0, dropout=0.0, shape="2_4_16", mean=0.5, low=0.4, high=0.6, n=3, learnt=0)
            | dict(best=np.nan, way=np.nan)
        ]
    )
    said = tables.learnt_table(rows).data.splitlines()[-1]
    assert said.endswith("| 3 | not known | not known | not known |")


def test_all_diagnostics_but_the_first_are_told_in_a_table():
    two = selective_transfer("smoke", diagnostics="haystack,sorting", initial_conditions="scratch")
    section = ended(two, lambda run: 0.95 if run.seed == 0 else 0.5)
    table = section.beyond_first().data
    assert "Sorting" in table
    assert "Haystack" not in table
    assert section.first().beyond_first() is None
    seeds = len(two) // 2
    assert section.first().counted("scratch") == of_runs(1, seeds)
