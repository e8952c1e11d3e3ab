"""Nothing is lost and nothing damaged is used: kill -9, a second process, truncated and altered
files, bad folders.
"""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ensure_in, scores

from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.experiments.make_runs import fine_tuning_run, pretraining_run
from procmod_lib.network import gpt2
from procmod_lib.runs import cluster, fleet, packs, passes, training
from procmod_lib.runs.keep import Keep
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.provenance import PROJECT
from procmod_lib.runs.run import SCHEMA
from procmod_lib.runs.store import COLUMNS, Failed, Store

GRID = dict(preset="smoke", seeds=2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return scores(
        ensure_in(Store(tmp_path_factory.mktemp("undisturbed"), None), selective_transfer(**GRID))
    )


def test_one_row_an_evaluation_with_provenance(store):
    runs = selective_transfer("smoke", seeds=1)
    table = ensure_in(store, runs)
    assert list(table.columns) == COLUMNS
    assert len(runs) == 4
    assert (table.groupby("key").step.max() == 20).all()
    assert (table.groupby("key").size() == 5).all()
    facts = store.origin(table.provenance.iloc[0])
    assert {"commit", "dirty", "versions", "device", "cores", "schema"} <= set(facts)
    assert facts["schema"] == SCHEMA
    assert json.loads(table.spec.iloc[0])["budget"]["steps"] == 20


def test_second_call_computes_nothing(store, monkeypatch):
    runs = selective_transfer("smoke", seeds=1)
    first = ensure_in(store, runs)
    monkeypatch.setattr(fleet, "train", lambda *a, **k: pytest.fail("trained again"))
    pd.testing.assert_frame_equal(first, ensure_in(store, runs))


def test_keys_depend_on_all_that_determines_a_result():
    run = fine_tuning_run("haystack", "attention=identity", "smoke", 0)
    donor = run.donors[0][1]
    others = [
        replace(run, seed=1),
        replace(run, answer_mask="full"),
        replace(run, budget=replace(run.budget, lr=2e-3)),
        replace(run, task=run.task.with_(pairs=2)),
        replace(run, arch=replace(run.arch, layers=3)),
        fine_tuning_run("haystack", "mlp=identity", "smoke", 0),
        replace(run, donors=(("identity", replace(donor, seed=9)),)),
    ]
    assert len({r.key for r in [run, *others]}) == 8
    assert replace(run, preset="another label").key == run.key


KILLED = """
import sys
from dataclasses import replace
from procmod_lib.experiments.make_runs import pretraining_run
from procmod_lib.runs import fleet
from procmod_lib.runs.keep import Keep
from procmod_lib.runs.store import Store
from procmod_lib.runs.sweep import ensure
fleet.CHECKPOINT_SECONDS = 0.0
run = pretraining_run("identity", "smoke", 0)
run = replace(run, budget=replace(run.budget, steps=1500, evaluate_every=100))
ensure([run], Store(sys.argv[1], None), keep=Keep(True, (0, 10, 1200)))
"""
KEPT = dict(keep_weights=True, snapshots=(0, 10, 1200))


def test_kill_9_then_the_same_command_gives_the_same_bits(tmp_path):
    """A run killed after its first checkpoint goes on from it and ends bit for bit as an
    uninterrupted one.
    """
    run = pretraining_run("identity", "smoke", 0)
    run = replace(run, budget=replace(run.budget, steps=1500, evaluate_every=100))
    whole = Store(tmp_path / "whole", None)
    expected = ensure_in(whole, [run], **KEPT)
    killed = Store(tmp_path / "killed", None)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "killed")],
        cwd=PROJECT,
    )
    deadline = time.monotonic() + 120
    while (
        not list((tmp_path / "killed" / "checkpoints").glob("*.safetensors"))
        and time.monotonic() < deadline
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not killed.has(run)
    assert list((tmp_path / "killed" / "checkpoints").glob("*.safetensors"))
    steps = []
    original = training.State.from_tensors
    training.State.from_tensors = lambda *a: steps.append(original(*a)) or steps[-1]
    try:
        again = ensure_in(killed, [run], **KEPT)
    finally:
        training.State.from_tensors = original
    assert len(steps) == 1, "it did not go on from a checkpoint"
    pd.testing.assert_frame_equal(scores(again), scores(expected))
    assert np.array_equal(killed.weights(run), whole.weights(run))
    kept, expected = killed.snapshots(run), whole.snapshots(run)
    assert list(kept) == [0, 10, 1200]
    assert all(np.array_equal(kept[step], expected[step]) for step in kept)
    assert not list((tmp_path / "killed" / "checkpoints").glob("*.safetensors"))


@pytest.mark.parametrize("kind", ["runs", "weights", "checkpoints"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "empty"])
def test_damaged_files_are_named_set_aside_and_computed_again(tmp_path, kind, damage):
    store = Store(tmp_path, None)
    run = fine_tuning_run("haystack", "attention=identity", "smoke", 0)
    expected = scores(ensure_in(store, [run]))
    if kind == "checkpoints":
        part = fleet.Fleet([run], store, Machine(), Keep())
        state, _ = part._start()
        for old in (tmp_path / "runs").glob(f"{run.key}.*"):
            old.unlink()
        part._checkpoint(state)
    path = next(
        (tmp_path / kind).glob(f"{run.donors[0][1].key if kind == 'weights' else run.key}.*")
    )
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "truncated": content[:middle],
            "altered": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "empty": b"",
        }[damage]
    )
    if kind == "weights":
        for old in (tmp_path / "runs").glob(f"{run.key}.*"):
            old.unlink()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again = ensure_in(store, [run])
    assert any(path.name in str(w.message) and "damaged" in str(w.message) for w in caught)
    assert list((tmp_path / "damaged").iterdir())
    pd.testing.assert_frame_equal(scores(again), expected)


def test_published_store_is_read_and_never_written(tmp_path):
    runs = selective_transfer("smoke", seeds=1)
    ensure_in(Store(tmp_path / "published", None), runs)
    before = sorted(p.name for p in (tmp_path / "published").rglob("*"))
    table = ensure_in(Store(tmp_path / "mine", tmp_path / "published"), runs)
    assert len(table) == 20
    assert not list((tmp_path / "mine" / "runs").iterdir())
    assert sorted(p.name for p in (tmp_path / "published").rglob("*")) == before


def test_time_budget_keeps_what_is_done(tmp_path):
    run = fine_tuning_run("haystack", "scratch", "smoke", 0, steps=100_000)
    store = Store(tmp_path, None)
    table = ensure_in(store, [run], time_budget=1.0)
    assert not len(table)
    assert len(list((tmp_path / "checkpoints").glob("*.safetensors"))) == 1


def test_failing_run_is_named_and_others_are_kept(tmp_path, monkeypatch):
    good, bad = (
        fine_tuning_run("haystack", "scratch", "smoke", 0),
        fine_tuning_run("haystack", "scratch", "smoke", 1),
    )
    original = fleet.train

    def train(*a, **k):
        if a[3] == [1]:
            raise RuntimeError("broken on purpose")
        return original(*a, **k)

    monkeypatch.setattr(fleet, "train", train)
    store = Store(tmp_path, None)
    with pytest.raises(Failed, match=f"seed 1 .{bad.key}.: RuntimeError: broken on purpose"):
        ensure_in(store, [good, bad], workers=1)
    assert store.has(good)
    assert not store.has(bad)


def test_non_finite_results_are_recorded(tmp_path, monkeypatch):
    run = fine_tuning_run("haystack", "scratch", "smoke", 0)
    monkeypatch.setattr(gpt2, "fresh", lambda arch, *path: np.full(arch.size, 1e30, np.float32))
    table = ensure_in(Store(tmp_path, None), [run])
    assert (table.status == "non-finite").all()
    assert len(table) == 5


@pytest.mark.skipif(
    os.geteuid() == 0 and not Path("/proc").exists(),
    reason="needs a place where no folder can be made",
)
def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(
        ValueError, match="store must be a folder that can be written, got '/proc/no'"
    ):
        Store("/proc/no")


def test_fleets_equal_single_runs_and_a_broken_member_stands_alone(
    tmp_path, undisturbed, monkeypatch
):
    """Runs in lock step, as on a GPU; the fleet of eight is halved until the broken run is found,
    the others are kept.
    """
    runs = selective_transfer(**GRID)
    original = passes.into_fleets
    monkeypatch.setattr(passes, "into_fleets", lambda r, device: original(r, device, most=100))
    pd.testing.assert_frame_equal(
        scores(ensure_in(Store(tmp_path / "fleet", None), runs)), undisturbed
    )
    initial = fleet.initial_weights

    def broken(run, store):
        return 1 / 0 if run.key == runs[2].key else initial(run, store)

    monkeypatch.setattr(fleet, "initial_weights", broken)
    store = Store(tmp_path / "broken", None)
    with pytest.raises(Failed, match=f"{runs[2].key}.: ZeroDivisionError"):
        ensure_in(store, runs)
    assert [store.has(r) for r in runs] == [r is not runs[2] for r in runs]


def test_packed_and_merged_stores_hold_the_same(tmp_path, undisturbed):
    runs = selective_transfer(**GRID)
    store = Store(tmp_path / "a", None)
    ensure_in(store, runs)
    assert packs.pack(store.folder) == 10
    assert len(list((tmp_path / "a" / "runs").iterdir())) == 1
    assert packs.pack(store.folder) == 10
    pd.testing.assert_frame_equal(scores(store.load(runs)), undisturbed)
    view = store.view(diagnostic="haystack", initial_condition="scratch", seed=1)
    assert set(view.key) == {runs[4].key}
    assert len(view) == 5
    other = Store(tmp_path / "b", None)
    assert other.merge(tmp_path / "a") > 0
    assert other.merge(tmp_path / "a") == 0
    pd.testing.assert_frame_equal(scores(ensure_in(other, runs)), undisturbed)
    packed = Store(
        tmp_path / "c", None
    )  # a pack meets a pack: what the one lacks is taken out of the other
    ensure_in(packed, runs[:4])
    packs.pack(packed.folder)
    assert packed.merge(tmp_path / "a") >= len(runs) - 4
    assert all(map(packed.has, runs))
    assert packed.merge(tmp_path / "a") == 0
    pd.testing.assert_frame_equal(scores(packed.load(runs)), undisturbed)
    with pytest.raises(ValueError, match="view has no column 'sede'"):
        store.view(sede=1)


def test_dask_gives_the_same_table(tmp_path, undisturbed, monkeypatch):
    asked, usual = [], cluster.each_result

    def each_result(*args, **how):
        asked.append(args)
        return usual(*args, **how)

    monkeypatch.setattr(cluster, "each_result", each_result)
    table = scores(
        ensure_in(Store(tmp_path, None), selective_transfer(**GRID), scheduler="local:2")
    )
    assert asked  # the cluster did it
    pd.testing.assert_frame_equal(table, undisturbed)
