"""Snapshots: the weights of a run along its steps, kept for looking inside."""

import numpy as np
import pandas as pd
import pytest
from conftest import ensure_in, scores

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs import fleet
from procmod_lib.runs.keep import Keep
from procmod_lib.runs.store import Store


def test_snapshots_are_the_weights_after_their_steps_and_change_no_result(tmp_path):
    run = fine_tuning_run("haystack", "loud=0.3 head=1.0", "smoke", 0)
    plain = ensure_in(Store(tmp_path / "plain", None), [run])
    store = Store(tmp_path / "kept", None)
    table = ensure_in(store, [run], keep_weights=True, snapshots=(0, 7, 20))
    pd.testing.assert_frame_equal(scores(table), scores(plain))
    taken = store.snapshots(run)
    start, _ = fleet.initial_weights(run, store)
    assert list(taken) == [0, 7, 20]
    assert np.array_equal(taken[0], start.astype(np.float16).astype(np.float32))
    assert np.array_equal(taken[20], store.weights(run).astype(np.float16).astype(np.float32))
    assert not np.array_equal(taken[7], taken[20])


def test_snapshots_that_are_missing_or_damaged_are_taken_again(tmp_path):
    run = fine_tuning_run("haystack", "scratch", "smoke", 0)
    store = Store(tmp_path, None)
    ensure_in(store, [run])
    assert store.snapshots(run) == {}
    ensure_in(store, [run], snapshots=(0, 5))
    assert list(store.snapshots(run)) == [0, 5]
    (path,) = (tmp_path / "snapshots").iterdir()
    path.write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        ensure_in(store, [run], snapshots=(0, 5))
    assert list(store.snapshots(run)) == [0, 5]
    ensure_in(store, [run], snapshots=(7,))  # asked by another page
    assert sorted(store.snapshots(run)) == [0, 5, 7]


@pytest.mark.parametrize("step", [-1, 1.5, True, "3"])
def test_a_snapshot_step_must_be_a_whole_number(step):
    with pytest.raises(ValueError, match="snapshots must be whole numbers"):
        Keep(snapshots=(step,))
