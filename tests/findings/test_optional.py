"""What came of the released code's optional curriculum follows the rules that were fixed before."""

from dataclasses import replace

import pytest
from conftest import ensure_in
from tables import ended

from procmod_lib.experiments import set_eca, why_curricula
from procmod_lib.experiments.conditions import BOTH, LAST, SET_ECA, WHOLE
from procmod_lib.experiments.grids import pretraining
from procmod_lib.findings import optional
from procmod_lib.report.tables import NOT_YET
from procmod_lib.runs.run import donors_of
from procmod_lib.runs.store import Store


def test_lists_are_judged_by_source_and_start():
    successes = {"attention=set": 6, "attention=set layer=1": 8, "full=set": 2, "full=stack": 4}

    def end(run):
        return 0.95 if run.seed < successes.get(str(run.condition), 0) else 0.2

    runs = why_curricula.other_lists()
    rows = optional.lists_table(ended(runs, end)).data.splitlines()
    assert rows[2].count(": carries") == 2
    assert "2 of 8 (7 to 59 %): does not carry" in rows[2]
    assert rows[3].endswith("4 of 8 (22 to 78 %): open |")
    few = ended(runs, lambda run: 0.95 if run.seed < 7 else None)
    assert optional.lists_table(few).data.splitlines()[2].count(NOT_YET) == 3


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
    counts = dict(zip(set_eca.CHANGES, successes, strict=True))

    def end(run):
        change = str(run.condition).removeprefix(SET_ECA).strip()
        return 0.95 if run.seed < counts[change] else 0.2

    text = optional.changed_pair_table(ended(set_eca.changed(), end)).data
    assert told in text.splitlines()[-1]
    assert f"| first MLP at fresh size | {successes[0]} of 8" in text


def test_the_quietest_mlps_are_named(tmp_path):
    store, runs = Store(tmp_path, None), {}
    for name, rate in (("slow", 1e-5), ("fast", 1e-2)):
        planned = pretraining("smoke", ["identity"], seeds=2)
        runs[name] = [replace(run, budget=replace(run.budget, lr=rate)) for run in planned]
        ensure_in(store, runs[name], keep_weights=True)
    text = optional.mlp_sizes_table(runs, store).data
    assert "slow is the quietest in every model and layer" in text
    sizes = optional.mlp_sizes(runs["slow"], store)
    assert sizes.shape == (2, 2)
    assert ((sizes > 0.01) & (sizes < 0.03)).all()  # nearly as fresh ones
    same = {"slow": sizes, "as slow": sizes}
    assert optional.quietest_of(same)[1] is False
    assert optional.mlp_sizes_table(runs, Store(tmp_path / "empty", None)).data == NOT_YET


@pytest.mark.parametrize(
    "successes, told",
    [
        ((7, 2, 0), "with 10 pairs the pair carries, and what ECA's MLPs learnt does it"),
        ((7, 2, 6), "what ECA's MLPs learnt is not needed"),
        ((7, 3, 0), "whether by what ECA's MLPs learnt is open"),
        ((2, 8, 8), "the pair does not carry"),
        ((4, 0, 0), "with 10 pairs open"),
    ],
)
def test_the_climbed_pair_is_held_against_its_nulls(successes, told):
    counts = dict(zip(set_eca.NULLS, successes, strict=True))

    def end(run):
        return 0.95 if run.seed < counts[str(run.condition)[len(SET_ECA) :].strip()] else 0.2

    runs = set_eca.climbed("small")
    text = optional.climbed_pair_table({"10 pairs": ended(runs, end)}).data
    assert told in text.splitlines()[-1]
    assert f"| as learnt | {successes[0]} of 8" in text
    few = ended(runs, lambda run: 0.95 if run.seed < 7 else None)
    assert "open, runs are missing" in optional.climbed_pair_table({"10 pairs": few}).data


def test_a_pair_with_runs_missing_is_open():
    few = ended(set_eca.changed(), lambda run: 0.95 if run.seed < 7 else None)
    assert "open, runs are missing" in optional.changed_pair_table(few).data


def carrying(runs, successes):
    """Each start carries in so many of its first seeds."""
    return ended(runs, lambda run: 0.95 if run.seed < successes[str(run.condition)] else 0.1)


def test_the_released_loop_is_judged_by_ten_seeds():
    found = carrying(why_curricula.released_loop("small"), {BOTH: 8, LAST: 7, WHOLE: 2})
    more = carrying(why_curricula.released_loop("standard", (BOTH,)), {BOTH: 3})
    rows = optional.loop_table({"10 pairs": found, "30 pairs": more}).data.splitlines()[2:]
    assert "8 of 10 (49 to 94 %): carries" in rows[0]
    assert rows[0].endswith("3 of 10 (11 to 60 %): open |")
    assert "7 of 10 (40 to 89 %): open" in rows[1]
    assert "2 of 10 (6 to 51 %): does not carry" in rows[2]
    assert rows[2].endswith(f"{NOT_YET} |")


@pytest.mark.parametrize(
    "successes, told",
    [
        ((10, 0, 2, 0), "content is needed"),
        ((10, 3, 2, 0), "undecided"),
        ((10, 10, 8, 0), "size is enough"),
        ((7, 0, 0, 0), "undecided"),
    ],
)
def test_one_head_needs_content_or_size_alone(successes, told):
    counts = dict(zip(why_curricula.HEADS, successes, strict=True))
    text = optional.heads_table({"10 pairs": carrying(why_curricula.heads("small"), counts)}).data
    assert text.endswith(f"**By the rule: {told}.**")
    none = optional.heads_table({"10 pairs": ended(why_curricula.heads("small"), lambda run: None)})
    assert none.data.endswith("open, runs are missing.**")


def test_where_the_loop_stopped_is_told_from_its_curves():
    runs = donors_of(why_curricula.released_loop("small"))
    found = ended(runs, lambda run: 0.2)
    found.table["step"] = [2000 + 100 * i for i in range(len(found.table))]
    assert (
        optional.stopped_in_words(found).data == "The 10 models stopped after 2,000 to 2,900 steps."
    )
    assert optional.stopped_in_words(ended(runs, lambda run: None)).data == NOT_YET


@pytest.mark.parametrize(
    "successes, failed",
    [
        ((8, 2), ""),
        ((7, 2), "the first expectation failed"),
        ((10, 3), "the second expectation failed"),
        ((0, 10), "the first expectation and the second expectation failed"),
    ],
)
def test_size_tells_two_kinds_of_models_apart_if_both_expectations_hold(successes, failed):
    runs = why_curricula.resized()
    found = {
        name: ended(of, lambda run, most=most: 0.95 if run.seed < most else 0.1)
        for (name, of), most in zip(runs.items(), successes, strict=True)
    }
    told = f"size does not tell them apart: {failed}" if failed else "size tells them apart"
    assert optional.resized_table(found).data.endswith(f"**By the rule: {told}.**")
    few = {name: ended(of, lambda run: 0.95 if run.seed < 9 else None) for name, of in runs.items()}
    assert optional.resized_table(few).data.endswith("open, runs are missing.**")
