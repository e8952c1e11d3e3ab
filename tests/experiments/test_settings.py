"""What each name of settings stands for."""

import numpy as np
import pytest

from procmod_lib.experiments import ladder
from procmod_lib.experiments.grids import (
    pretraining,
    selective_transfer,
)
from procmod_lib.experiments.make_runs import pretraining_run
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.experiments.settings import SETTINGS
from procmod_lib.report.statistics import settings_of
from procmod_lib.tasks import SOURCES, make_task


def test_released_settings_are_the_released_ones():
    ours, theirs = pretraining("standard", "identity", "large_rate,released", seeds=1)
    assert (
        theirs.budget.lr,
        theirs.budget.dropout,
        theirs.budget.batch,
        theirs.budget.steps,
        theirs.task.lengths,
    ) == (5e-5, 0.1, 64, 20_000, "fixed")
    assert ours.budget.dropout == 0
    assert ours.task.lengths == "all"
    dyck = pretraining("standard", "dyck", "released", seeds=1)[0].budget
    assert (dyck.schedule, dyck.rate(0), dyck.rate(19_999)) == ("constant", 5e-5, 5e-5)
    assert (
        pretraining("smoke", "identity", "released", seeds=1)[0].budget.steps
        == PRESETS["smoke"].pretraining.steps
    )


def test_one_length_changes_the_lists_of_the_donor_alone():
    ours, theirs = (
        selective_transfer(
            "smoke", "identity", initial_conditions="attention", seeds=1, settings=how
        )[0]
        for how in ("large_rate", "one_length")
    )
    (_, many), (_, one) = *ours.donors, *theirs.donors
    assert ours.key != theirs.key
    assert (many.task.lengths, one.task.lengths) == ("all", "fixed")
    assert one.task.with_(lengths="all") == many.task
    assert (one.budget, one.arch) == (many.budget, many.arch)
    assert ours.task == theirs.task


def test_old_names_of_settings_keep_working():
    old, new = (pretraining_run("identity", "smoke", 0, how) for how in ("better", "large_rate"))
    assert old.key == new.key


def test_the_curriculum_and_the_shuffled_control_can_be_asked_for():
    run = pretraining("smoke", "identity", "curriculum", seeds=1)[0]
    assert run.task.lengths == "curriculum"
    assert run.task.first_length == 2
    name = "dyck_tokens_shuffled"
    run = selective_transfer("smoke", name, initial_conditions="attention", seeds=1)[0]
    (source, donor) = run.donors[0]
    assert source == name
    assert donor.task.name == name
    assert donor.budget.batch == 16
    assert run.condition.label == "attention only from k-Dyck, tokens shuffled"
    with pytest.raises(ValueError, match="settings must not be curriculum for dyck"):
        pretraining("smoke", "dyck", "curriculum")


def test_the_released_loop_with_its_curriculum_changes_the_lists_alone():
    loop, grown = (
        pretraining("standard", "identity", settings, seeds=1)[0]
        for settings in ("released_loop", "released_loop_curriculum")
    )
    assert grown.task == loop.task.with_(lengths="curriculum")
    assert (grown.budget, grown.arch) == (loop.budget, loop.arch)
    with pytest.raises(ValueError, match="must not be released_loop_curriculum for dyck"):
        pretraining("standard", "dyck", "released_loop_curriculum")


def test_the_released_loop_and_the_shipped_files_are_as_they_are():
    """Each number stands in the released code's defaults or in its configuration files."""
    loop = pretraining("standard", "identity", "released_loop", seeds=1)[0]
    assert loop.task == make_task("identity", lengths="fixed", form="reference")
    assert (loop.arch.positions, loop.arch.vocab, loop.arch.tied) == (41, 23, True)
    budget = loop.budget
    assert (budget.steps, budget.batch, budget.dropout, budget.clip) == (20_000, 64, 0.1, 1.0)
    assert (budget.weight_decay, budget.decay_all) == (0.01, True)
    assert (budget.evaluate_every, budget.stop_after, budget.test_samples) == (10, 50, 640)
    assert budget.pool == 64 * 100
    cosine = [5e-5 * 0.5 * (1 + np.cos(np.pi * step / 999_000)) for step in range(0, 19_000, 500)]
    ours = [budget.rate(1000 + step) for step in range(0, 19_000, 500)]
    assert budget.rate(499) == 2.5e-5
    assert np.allclose(ours, cosine, rtol=1.1e-3)
    shipped = pretraining("standard", "identity,set,stack", "shipped", seeds=1)
    assert {(r.task.vocab, r.task.length, r.arch.positions) for r in shipped} == {(102, 129, 129)}
    budget = shipped[0].budget
    assert (budget.steps, budget.rate(0), budget.rate(2500)) == (2501, 5e-4, 5e-4)
    assert (budget.weight_decay, budget.pool, budget.stop_after) == (0.1, 0, 0)
    with pytest.raises(ValueError, match="settings must not be closest_curriculum for dyck"):
        pretraining("smoke", "dyck", "closest_curriculum")
    with pytest.raises(ValueError, match="must not be released_loop for dyck, which has no lists"):
        pretraining("standard", "dyck", "released_loop")


def test_the_ladder_takes_the_smallest_rate_on_which_all_pilots_learn():
    asked = []

    def learns_from(rate, dropout=0.0, *, only_with_curriculum=False):
        def is_learnt(run):
            asked.append(run)
            lists = run.task.lengths == "curriculum" or not only_with_curriculum
            return run.budget.lr >= rate and run.budget.dropout <= dropout and lists

        return is_learnt

    assert ladder.choose("set", learns_from(1e-3, 0.1)) == (1e-3, 0.1, False)
    assert len(asked) == 2 * (6 + 3)
    assert len({run.key for run in asked}) == len(asked)
    assert {run.seed for run in asked} == set(ladder.PILOTS)
    assert ladder.choose("stack", learns_from(3e-4)) == (3e-4, 0.0, False)
    assert ladder.choose("set", learns_from(3e-4, only_with_curriculum=True)) == (3e-4, 0.0, True)
    assert ladder.choose("identity", learns_from(1.0)) is None
    assert ladder.ladders("dyck") == [False]
    assert ladder.ladders("stack") == [False, True]
    run = ladder.all_pilots("stack")[0]
    assert (run.task.form, run.arch.positions, run.budget.lr) == ("reference", 41, 5e-5)
    brackets = ladder.all_pilots("dyck")[0]
    assert (brackets.arch.vocab, brackets.budget.pool, brackets.budget.warmup) == (33, 0, 0)
    assert ladder.all_pilots("eca")[0].task.steps == 1000
    with pytest.raises(ValueError, match="source must be one of identity, set"):
        ladder.ladders("haystack")


OF_LISTS = {"one_length", "curriculum", "shipped", "released_loop"}
OF_LISTS |= {"released_loop_curriculum", "closest_curriculum"}
CLIMBED = {"identity": set(), "dyck": OF_LISTS, "dyck_shuffle": OF_LISTS, "eca": OF_LISTS}
ABSENT = dict.fromkeys(SOURCES, {"closest"}) | CLIMBED
ABSENT["stack"] = {"closest", "one_length", "curriculum"}
"""What a source does not have: curricula without lists, a rung that it has not climbed."""


@pytest.mark.parametrize("source", ABSENT)
@pytest.mark.parametrize("preset", ["smoke", "standard"])
def test_settings_are_named_again_from_what_they_set(preset, source):
    for name in set(SETTINGS) - ABSENT[source]:
        run = pretraining_run(source, preset, 0, name)
        assert settings_of(run.task, run.budget) == name
    for name in ABSENT[source]:
        with pytest.raises(ValueError, match="settings m"):
            pretraining_run(source, preset, 0, name)


@pytest.mark.parametrize("settings", sorted(set(SETTINGS) - {"large_rate"}))
def test_a_mixture_has_our_settings_alone(settings):
    assert pretraining_run("identity+set", "smoke", 0).task.name == "identity+set"
    with pytest.raises(
        ValueError, match=f"settings must not be {settings} for identity\\+set, which"
    ):
        pretraining_run("identity+set", "smoke", 0, settings)
