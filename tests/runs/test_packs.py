"""Packs: many runs in one file, while others write and read."""

import pandas as pd
from conftest import ensure_in, scores

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs import files, packs
from procmod_lib.runs.store import Store

LOOKS = {"listed": files, "keys_of": packs}
"""How a store looks for single runs and for packed ones."""


def test_very_many_single_runs_are_packed_before_they_are_viewed(tmp_path, monkeypatch):
    """The pack that was there stays; nothing is lost, and what is missing is still known."""
    from procmod_lib.runs import store as module

    runs = [fine_tuning_run("haystack", "scratch", "smoke", seed, steps=5) for seed in range(6)]
    store = Store(tmp_path, None)
    ensure_in(store, runs[:2])
    store.pack()
    (first,) = (tmp_path / "runs").glob("*.parquet")
    before = scores(ensure_in(store, runs[:5]))
    assert store.missing(runs) == runs[5:]
    monkeypatch.setattr(module, "MANY", 2)
    seen = scores(store.view(diagnostic="haystack"))
    pd.testing.assert_frame_equal(seen, before)
    left = list((tmp_path / "runs").glob("*.parquet"))
    assert first in left
    assert len(left) == 2
    pd.testing.assert_frame_equal(scores(store.load(runs)), before)
    assert store.missing(runs) == runs[5:]
    assert store.pack() == 5
    assert len(list((tmp_path / "runs").glob("*.parquet"))) == 1
    pd.testing.assert_frame_equal(scores(store.load(runs)), before)


def test_a_pack_that_is_replaced_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    """Another process packs between the look at a folder and the reading."""
    runs = [fine_tuning_run("haystack", "scratch", "smoke", seed, steps=5) for seed in range(2)]
    store = Store(tmp_path, None)
    expected = scores(ensure_in(store, runs))
    store.pack()
    real, calls = packs._keys, []

    def keys(path, changed):
        calls.append(path)
        if len(calls) == 1:
            raise FileNotFoundError(path)
        return real(path, changed)

    monkeypatch.setattr(packs, "_keys", keys)
    pd.testing.assert_frame_equal(scores(store.load(runs)), expected)
    assert len(calls) > 1


def test_what_is_packed_between_two_looks_is_in_one_of_them(tmp_path, monkeypatch):
    runs = [fine_tuning_run("haystack", "scratch", "smoke", seed, steps=6) for seed in range(2)]
    store = Store(tmp_path, None)
    ensure_in(store, runs)
    real = {name: getattr(module, name) for name, module in LOOKS.items()}
    packed = []

    def look(name):
        def looked(*path):
            found = real[name](*path)
            if not packed:
                packed.append(name)
                store.pack()
            return found

        return looked

    for name, module in LOOKS.items():
        monkeypatch.setattr(module, name, look(name))
    assert store.missing(runs) == []
    assert packed


def test_of_two_versions_of_a_run_one_is_kept_whole(tmp_path):
    """A packed run that was trained again ended earlier the second time."""
    run = fine_tuning_run("haystack", "scratch", "smoke", 0, steps=20)
    store = Store(tmp_path, None)
    packed = ensure_in(store, [run])
    store.pack()
    again = packed[packed.step < packed.step.max()].assign(token_accuracy=0.5)
    store.write_run(run, again)
    seen = store.view(diagnostic="haystack")
    assert seen.step.tolist() == again.step.tolist()
    store.pack()
    assert store.load([run]).token_accuracy.tolist() == [0.5] * len(again)
    (path,) = (tmp_path / "runs").glob("*.parquet")
    assert len(pd.read_parquet(path)) == len(again)


def test_the_published_version_adds_no_steps_to_ones_own(tmp_path):
    run = fine_tuning_run("haystack", "scratch", "smoke", 0, steps=20)
    published = Store(tmp_path / "published", None)
    table = ensure_in(published, [run])
    own = Store(tmp_path / "own", published.folder)
    own.write_run(run, table[table.step == 0])
    assert own.view(diagnostic="haystack").step.tolist() == [0]


def test_a_row_of_ones_own_version_hides_all_rows_of_the_published_one(tmp_path):
    """Asked for rows that one's own version does not have, the published one's are not shown."""
    run = fine_tuning_run("haystack", "scratch", "smoke", 0, steps=20)
    published = Store(tmp_path / "published", None)
    table = ensure_in(published, [run])
    own = Store(tmp_path / "own", published.folder)
    own.write_run(run, table.assign(status="ceiling"))
    assert own.view(status="complete").empty
    own.pack()
    assert own.view(status="complete").empty
    assert set(own.view().status) == {"ceiling"}
