"""Lists lengthen, and runs end by themselves, when the rules of their budget say so."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from short import ARCH, SHORT, TASK, start

from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.run import Run, into_fleets
from procmod_lib.runs.training import State, no_better, train
from procmod_lib.tasks import make_task


def test_curriculum_lengthens():
    task = make_task("identity", symbols=9, list_length=6, lengths="curriculum")
    arch = Architecture(task.vocab, 40, tied=True)
    budget = Budget(
        steps=400,
        batch=64,
        lr=1e-2,
        warmup=10,
        schedule="constant",
        evaluate_every=50,
        test_samples=64,
    )
    state = State.start(gpt2.fresh(arch, "c")[None], "cpu", task)
    assert state.length == 2
    train(task, arch, budget, [0], state)
    assert state.length > 2


def test_a_curriculum_that_may_stop_lengthens_every_hundred_steps_and_counts_anew():
    """As the released loop: its validation every 10 steps, its epochs of 100, its best accuracy
    forgotten when lists lengthen.
    """
    task = make_task("identity", symbols=9, list_length=6, lengths="curriculum")
    arch = Architecture(task.vocab, 40, tied=True)
    schedule = dict(lr=1e-2, warmup=10, schedule="constant", batch=64, test_samples=64)
    budget = Budget(steps=1500, evaluate_every=10, stop_after=12, **schedule)
    lengths = []

    def watch(state):
        lengths.append((state.step, state.length, len(state.validated)))

    fresh = State.start(gpt2.fresh(arch, "c")[None], "cpu", task)
    state = train(task, arch, budget, [0], fresh, on_step=watch)
    longer = [now for before, now in pairwise(lengths) if now[1] > before[1]]
    assert longer
    assert all(step % 100 == 0 and counted == 0 for step, _, counted in longer)
    assert no_better(state.validated, budget)
    assert state.step < budget.steps


def test_stops_at_the_ceiling():
    task = make_task("identity", list_length=4, lengths="fixed")
    arch = Architecture(task.vocab, 40)
    budget = Budget(
        steps=4000,
        batch=64,
        lr=1e-2,
        warmup=10,
        schedule="constant",
        evaluate_every=20,
        test_samples=64,
        patience=3,
    )
    state = train(task, arch, budget, [0], State.start(gpt2.fresh(arch, "s")[None], "cpu", task))
    assert state.step < 4000
    assert all(e["token_accuracy"] >= 0.999 for e in state.curves[0][-3:])


def test_training_stops_when_nothing_has_been_better_for_long_enough():
    budget = Budget(stop_after=3)
    for scores, ends in (
        ((0.1, 0.2, 0.3), False),
        ((0.1, 0.3, 0.2, 0.2, 0.3), True),  # equal is not better
        ((0.1, 0.3, 0.2, 0.2, 0.4), False),
        ((0.3, 0.2, 0.2), False),
        ((0.3, 0.2, 0.2, 0.1), True),
    ):
        assert no_better(scores, budget) is ends, scores
    assert no_better((0.3, 0.2), Budget()) is False
    stopped = train(
        TASK, ARCH, replace(SHORT, steps=400, lr=1e-9, evaluate_every=2, stop_after=4), [0], start()
    )
    assert stopped.step < 40
    assert len(stopped.curves[0]) == 1 + stopped.step // 2


def test_each_member_of_a_fleet_ends_when_its_own_time_has_come():
    """One that learns and one that is given nothing to learn with, together and each alone."""
    task = make_task("identity", list_length=4, lengths="fixed")
    arch = Architecture(task.vocab, 40)
    budget = replace(
        SHORT, steps=600, lr=1e-2, warmup=10, schedule="constant", evaluate_every=20, patience=3
    )
    weights = np.stack([gpt2.fresh(arch, "s"), np.zeros(arch.size, np.float32)])
    together = train(task, arch, budget, [0, 0], State.start(weights.copy(), "cpu", task))
    early, late = together.curves
    assert early[-1]["step"] < late[-1]["step"] == 600
    for member, curve in enumerate(together.curves):
        alone = State.start(weights[member : member + 1].copy(), "cpu", task)
        train(task, arch, budget, [0], alone)
        assert alone.curves[0] == curve
        assert torch.equal(alone.weights[0], together.weights[member])


def test_members_that_stop_by_themselves_train_together_and_as_they_would_alone():
    budget = replace(SHORT, steps=400, lr=1e-3, evaluate_every=2, stop_after=4)
    runs = [Run(TASK, ARCH, replace(budget, stop_after=s), seed) for s in (0, 5) for seed in (0, 1)]
    assert sorted(len(fleet) for fleet in into_fleets(runs, "cpu", most=8)) == [2, 2]
    together = train(TASK, ARCH, budget, [0, 1], start(2))
    for member, curve in enumerate(together.curves):
        alone = State.start(gpt2.fresh(ARCH, "test", member)[None], "cpu", TASK)
        train(TASK, ARCH, budget, [member], alone)
        assert [e["step"] for e in alone.curves[0]] == [e["step"] for e in curve]
        assert curve[-1]["step"] < 400


def test_a_curriculum_trains_alone_on_a_gpu(monkeypatch):
    """It lengthens its lists when a run is ready, not when all of a fleet are."""
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (10**12, 10**12))
    tasks = [make_task("identity", lengths=lengths) for lengths in ("curriculum", "fixed")]
    arch = Architecture(tasks[0].vocab, tasks[0].length)
    runs = [Run(task, arch, SHORT, seed) for task in tasks for seed in (0, 1)]
    assert sorted(len(fleet) for fleet in into_fleets(runs, "cuda")) == [1, 1, 2]
