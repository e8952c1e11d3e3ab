"""Runs from names: what a source's own budget changes, and what is refused before any work."""

from dataclasses import replace

import pytest

from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.experiments.make_runs import fine_tuning_run, pretraining_run, reference_run
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.keep import Keep
from procmod_lib.tasks import SOURCES, make_task


def test_every_field_of_a_sources_own_budget_counts(monkeypatch):
    own = {"smoke": {"lr": 0.5, "weight_decay": 0.25, "evaluate_every": 7, "steps": 30}}
    before = pretraining_run("identity", "smoke", 0).budget
    monkeypatch.setattr(SOURCES["identity"], "budgets", own)
    assert pretraining_run("identity", "smoke", 0).budget == replace(before, **own["smoke"])
    mixed = pretraining_run("identity+set", "smoke", 0).budget
    assert mixed == replace(before, steps=min(30, before.steps))


def test_numbers_that_are_equal_are_one_run():
    assert Budget(lr=1) == Budget(lr=1.0)
    assert Budget(lr=1, weight_decay=0).spec() == Budget(lr=1.0, weight_decay=0.0).spec()
    assert type(Budget(lr=1).lr) is float
    run = fine_tuning_run("haystack", "scratch", "smoke", 0)
    one, other = (replace(run, budget=replace(run.budget, lr=lr)) for lr in (1, 1.0))
    assert one.key == other.key


def test_steps_that_end_within_the_warm_up_are_refused():
    allowed = "steps must be at least the 500 of the warm-up at preset standard, got 499"
    with pytest.raises(ValueError, match=allowed):
        selective_transfer("standard", steps=499)
    assert {run.budget.steps for run in selective_transfer("standard", steps=500)} == {500}


def test_sources_that_no_condition_asks_for_are_refused():
    with pytest.raises(ValueError, match="sources must be left out .* mlp alone, got set, stack"):
        selective_transfer("smoke", ["set", "stack"], initial_conditions=["attention=identity"])
    runs = selective_transfer("smoke", ["set"], initial_conditions=["attention=identity", "mlp"])
    assert {str(run.condition) for run in runs} == {"attention=identity", "mlp=set"}


@pytest.mark.parametrize(
    "wrong, said",
    [
        (lambda: fine_tuning_run("haystack", None, "smoke", 0), "initial_condition must be a str"),
        (
            lambda: reference_run("identity", 1e-3, 0.0, False, 0, shape="x"),
            "shape must be layers_heads_width",
        ),
        (lambda: Keep(snapshots=5), "snapshots must be a tuple of steps, got 5"),
        (lambda: Keep(weights="no"), "weights must be True or False, got 'no'"),
        (lambda: make_task("language_modeling_tokens_shuffled"), "task must be one of identity"),
        (lambda: make_task("identity+language_modeling"), "task must mix two of identity"),
        (lambda: make_task("identity+identity"), "task must mix two sources"),
    ],
)
def test_a_wrong_value_is_named_before_any_work(wrong, said):
    with pytest.raises(ValueError, match=said):
        wrong()
