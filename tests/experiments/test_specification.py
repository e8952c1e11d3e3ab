"""The settings of the specification curve are those that the page names."""

import numpy as np
import pytest

from procmod_lib.experiments import specification
from procmod_lib.experiments.make_runs import pretraining_run
from procmod_lib.tasks import make_task


def test_each_factor_is_changed_alone_and_sixteen_more_are_drawn():
    alone, drawn = specification.one_at_a_time(), specification.drawn()
    assert alone[0].changed == {}
    assert {len(s.changed) for s in alone[1:]} == {1}
    values = sum(len(each) for each in specification.FACTORS.values())
    assert len(alone) == 1 + values - len(specification.FACTORS) == 15
    assert len(drawn) == 16
    assert min(len(s.changed) for s in drawn) >= 2
    assert drawn == specification.drawn()
    assert len({*alone, *drawn}) == 31
    assert np.prod([len(each) for each in specification.FACTORS.values()]) == 1440


def test_the_first_setting_is_the_closest_replication():
    ours = specification.pretrained(specification.Setting(), 3)
    assert ours.key == pretraining_run("identity", "small", 3, "closest").key
    grown = specification.pretrained(specification.Setting(lengths="curriculum"), 3)
    assert grown.key == pretraining_run("identity", "small", 3, "closest_curriculum").key


def test_a_setting_changes_its_source_and_nothing_else():
    setting = specification.Setting(size=(64, 100), repeats=False, steps=2500, decay=0.1, rate=1e-3)
    runs = specification.transfers(setting, seeds=range(2))
    assert [str(run.condition) for run in runs[:3]] == [
        "attention=identity", "attention=identity layer=1", "full=identity"
    ]  # fmt: skip
    plain = specification.transfers(specification.Setting(), seeds=range(2))
    for run, other in zip(runs, plain, strict=True):
        assert (run.task, run.budget, run.arch) == (other.task, other.budget, other.arch)
        ((_, donor),) = run.donors
        assert (donor.task.length, donor.task.vocab, donor.budget.steps) == (129, 102, 2500)
        assert (donor.budget.weight_decay, donor.seed) == (0.1, run.seed)
    keys = [run.key for run in specification.every()]
    assert len(set(keys)) == len(keys) == 31 * 3 * 8
    assert [run.seed for run in specification.every()] == sorted(list(range(8)) * 93)


def test_lists_without_repeats_have_none_and_are_otherwise_even():
    task = make_task("identity", symbols=12, list_length=5, lengths="fixed", repeats=False)
    rows = task.batch(4000, "train", 0).tokens[:, :5]
    assert all(len(set(row)) == 5 for row in rows.tolist())
    counts = np.array([np.bincount(column, minlength=12)[1:] for column in rows.T])
    assert counts.min() > 0.8 * 4000 / 11
    assert counts.max() < 1.2 * 4000 / 11
    assert "repeats" in task.spec()
    assert "repeats" not in make_task("identity").spec()
    with pytest.raises(ValueError, match="symbols must be above 20 where no token may repeat"):
        make_task("identity", symbols=20, repeats=False)
    with pytest.raises(ValueError, match="repeats must be True or False, got 1"):
        make_task("identity", repeats=1)
