"""What of two transfers helps on sums follows the rules that were fixed before."""

import pytest
from tables import ended

from procmod_lib.experiments import on_sums
from procmod_lib.experiments.conditions import SET_ECA
from procmod_lib.findings.on_sums import (
    OF_ECA,
    OF_HAND,
    OF_MLPS,
    OF_PAIR,
    OF_SIZE,
    answer,
    larger_table,
)
from procmod_lib.report.tables import NOT_YET

RUNS = on_sums.eca()


def section(missing=(), **ends):
    """Runs that end where their start is said to, and slightly apart by seed."""
    named = {"scratch": 0.5, "shuffled": 0.5, "attention": 0.5, "mlp": 0.5, "embeddings": 0.5}
    named |= {"whole": 0.9, **ends}
    words = {on_sums.WHOLE: "whole", on_sums.SHUFFLED: "shuffled"}

    def end(run):
        name = words.get(str(run.condition), str(run.condition).split("=")[0])
        wobble = 0.01 * (run.seed % 3 - 1) * (name not in ("scratch", "whole"))
        return None if name in missing else named[name] + wobble

    return ended(RUNS, end)


@pytest.mark.parametrize(
    "ends, said",
    [
        ({}, "what the weights learnt is needed; told above no pretraining: no part alone"),
        (
            {"attention": 0.8},
            "what the weights learnt is needed; told above no pretraining: its attention alone",
        ),
        ({"shuffled": 0.9}, "size is enough; told above no pretraining: no part alone"),
        ({"shuffled": 0.7}, "a shuffle leaves a part of the gain and costs a part"),
        ({"whole": 0.5}, "whether content or size helps is open"),
        ({"mlp": 0.7, "embeddings": 0.7}, "pretraining: its MLPs alone and its embeddings alone."),
        ({"mlp": 0.2}, ": no part alone."),
    ],
)
def test_what_helps_follows_the_rule(ends, said):
    text = answer(section(**ends), OF_ECA).data
    assert said in text.splitlines()[-1]


def test_the_family_is_of_five_and_waits_for_all():
    text = answer(section(), OF_ECA).data
    assert len(text.splitlines()) == 2 + 5 + 2
    assert "the whole model, against the whole model, shuffled | +40.1 points" in text
    assert "n = 10" in text
    few = answer(section(missing=("mlp",)), OF_ECA).data
    assert few.splitlines()[-1] == "**By the rule: open, runs are missing.**"
    assert few.count(NOT_YET) == 5


@pytest.mark.parametrize(
    "whole, shuffled, attention, mlps, said",
    [
        (0.7, 0.5, 0.5, 0.5, "what the weights learnt is needed; the pair is told above each of"),
        (0.7, 0.7, 0.5, 0.7, "size is enough; the pair is told above one of its parts"),
        (0.5, 0.5, 0.5, 0.5, "whether content or size helps is open; the pair is told above neith"),
    ],
)
def test_what_composes_follows_the_rule(whole, shuffled, attention, mlps, said):
    ends = {SET_ECA: whole, on_sums.SHUFFLED_PAIR: shuffled, "scratch": 0.5}
    ends |= {"attention=set": attention, "mlp=eca": mlps}
    text = answer(ended(on_sums.pair(), lambda run: ends[str(run.condition)]), OF_PAIR).data
    assert said in text.splitlines()[-1]


def test_a_start_by_hand_helps_where_one_is_told_above_no_pretraining():
    def said(**ends):
        words = {"scratch": 0.5, "mlp=eca shuffle": 0.5, **ends}
        section = ended(on_sums.by_hand(), lambda run: words.get(str(run.condition), 0.5))
        return answer(section, OF_HAND).data.splitlines()[-1]

    assert "nothing; so no start by hand helps" in said()
    assert "ECA's MLPs, shuffled; so no start" in said(**{"mlp=eca shuffle": 0.9})
    assert "so a start by hand helps" in said(**{"fan_in=mlp scale=0.3": 0.9})
    assert "nothing; so no start" in said(**{"fan_in=mlp scale=0.3": 0.1})


def test_larger_weights_help_where_they_are_told_above_no_pretraining():
    def end(run):
        helps = run.task.name == "addition" and str(run.condition) != "scratch"
        return 0.9 if helps else 0.5

    text = larger_table(ended(on_sums.larger(), end)).data
    assert text.endswith("**By the rule: larger weights by hand help on Addition.**")
    assert "seeds 10 to 19 | +0.0 points" in text
    few = larger_table(ended(on_sums.larger(), lambda run: 0.5 if run.seed else None)).data
    assert few.endswith("open, runs are missing.**")


def test_other_parts_and_sizes_are_told_by_name():
    ends = {"fan_in=attention+mlp scale=0.15": 0.9}
    found = ended(on_sums.sized(), lambda run: ends.get(str(run.condition), 0.5))
    said = answer(found, OF_SIZE).data.splitlines()[-1]
    assert said.endswith("above no pretraining: random attention and MLPs at 0.15.**")
    assert {run.seed for run in on_sums.sized()} == set(range(10, 20))


@pytest.mark.parametrize(
    "learnt, shuffled, said",
    [
        (0.9, 0.5, "what the weights learnt is needed"),
        (0.9, 0.9, "size is enough"),
        (0.9, 0.7, "a shuffle leaves a part of the gain and costs a part"),
    ],
)
def test_what_the_mlps_need_follows_the_rule(learnt, shuffled, said):
    ends = {"mlp=eca": learnt, "mlp=eca shuffle": shuffled}
    found = ended(on_sums.content(), lambda run: ends.get(str(run.condition), 0.5))
    assert f"By the rule: {said}." in answer(found, OF_MLPS).data
    donors = {donor.seed for run in on_sums.content() for _, donor in run.donors}
    assert donors == set(range(10, 20))
