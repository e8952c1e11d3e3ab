"""Why the attention of both layers carries from a curriculum: runs, and what is said of them."""

from dataclasses import replace

import pytest

from procmod_lib.experiments import why_curricula
from procmod_lib.experiments.specification import SEEDS, Setting, setting_of, transfers

GROWN = Setting(rate=3e-4, lengths="curriculum", size=(64, 100))


@pytest.fixture
def carrying(monkeypatch):
    monkeypatch.setattr(why_curricula, "carrying", lambda store: [GROWN, Setting()])


def test_a_curriculum_stands_beside_lists_of_other_lengths(carrying):
    runs = why_curricula.by_length(None)
    found = dict.fromkeys(setting_of(run) for run in runs)
    assert [(s.lengths, s.size[0]) for s in found] == [
        ("curriculum", 64), ("fixed", 4), ("fixed", 8), ("fixed", 16), ("fixed", 64), ("all", 64)
    ]  # fmt: skip
    assert {replace(s, lengths="curriculum", size=(64, 100)) for s in found} == {GROWN}
    assert len(runs) == len(found) * 2 * SEEDS


def test_attention_is_damaged_in_every_model_that_was_asked_before(carrying):
    runs = why_curricula.damaged(None)
    assert [setting_of(run) for run in runs[:: 5 * SEEDS]] == [GROWN, Setting()]
    donors = {run.donors[0][1].key for run in runs}
    assert donors == {
        run.donors[0][1].key for setting in (GROWN, Setting()) for run in transfers(setting)
    }
    full = why_curricula.damaged_in_full(None)
    assert {setting_of(run) for run in full} == {GROWN}
    assert {run.task.pairs for run in full} == {30} and len(full) == 5 * SEEDS
