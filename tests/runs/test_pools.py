"""A pool of sequences that moves on slowly, as the released loop has it."""

import numpy as np
import pytest
import torch

from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.batches import Pools, draw, from_pool
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.training import Interrupted, State, train
from procmod_lib.tasks import make_task


def test_a_pool_moves_on_by_one_sequence_an_epoch():
    task, budget = make_task("identity"), Budget(steps=12, batch=4, pool=16)
    batches = [from_pool(task, budget, 3, (step,), Pools()).tokens for step in range(12)]
    epochs = [np.concatenate(batches[i : i + 4]) for i in (0, 4, 8)]
    rows = [{tuple(row) for row in epoch} for epoch in epochs]
    assert [len(each) for each in rows] == [16, 16, 16]
    assert len(rows[0] | rows[1] | rows[2]) == 18
    assert len(rows[0] & rows[1]) == 15
    assert len(rows[0] & rows[2]) == 14
    again = from_pool(task, budget, 3, (5,), Pools()).tokens
    assert (again == batches[5]).all()
    assert (batches[4] != batches[0]).any()
    other = from_pool(task, budget, 4, (0,), Pools()).tokens
    assert not rows[0] & {tuple(row) for row in other}
    short = task.at_length(5)
    assert (from_pool(short, budget, 3, (5, 0), Pools()).tokens.shape[1]) == short.length
    with pytest.raises(ValueError, match=r"pool must be a multiple of batch \(4\), got 18"):
        Budget(batch=4, pool=18)


def test_each_seed_keeps_its_pool_in_a_large_fleet(monkeypatch):
    task, budget = make_task("identity"), Budget(steps=8, batch=4, pool=16)
    drawn, original = [], type(task).batch
    monkeypatch.setattr(type(task), "batch", lambda *a: drawn.append(a) or original(*a))
    pools = Pools()
    for step in range(3):
        draw(task, budget, list(range(400, 420)), "reference", 0, step, pools)
    assert len(drawn) == 20
    draw(task, budget, [400], "reference", 5, 3, pools)
    assert len(drawn) == 21  # longer lists are another pool


def test_training_on_a_pool_resumes_to_the_same_bits():
    task = make_task("identity", symbols=9, list_length=4, lengths="curriculum")
    arch = Architecture(task.vocab, 12, tied=True)
    budget = Budget(
        steps=30, batch=8, pool=32, dropout=0.1, decay_all=True, evaluate_every=5, test_samples=50
    )
    whole, half = (State.start(gpt2.fresh(arch, "test", 0)[None], "cpu", task) for _ in range(2))
    train(task, arch, budget, [2], whole)
    with pytest.raises(Interrupted):
        train(task, arch, budget, [2], half, should_stop=lambda: half.step == 17)
    rest = State.from_tensors(*half.to_tensors(), "cpu")
    assert torch.equal(train(task, arch, budget, [2], rest).weights, whole.weights)
