"""A store from somebody else can neither run code nor write outside its folder, nor lie."""

import hashlib
import io
import json
import multiprocessing
import os
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import ensure_in, scores
from safetensors.numpy import save

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs import files, packs
from procmod_lib.runs.store import Store

RUN = fine_tuning_run("haystack", "scratch", "smoke", 0)


@pytest.fixture
def other(tmp_path):
    """Somebody else's store with one run in it."""
    store = Store(tmp_path / "other", None)
    ensure_in(store, [RUN], keep_weights=True, snapshots=(0,))
    return store


def merged(tmp_path, other):
    """Merge it; return (our store, files written, warnings)."""
    ours = Store(tmp_path / "ours", None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        written = ours.merge(other.folder)
    return ours, written, [str(w.message) for w in caught]


def outside(tmp_path):
    """Everything below the test's folder that is in neither store."""
    return sorted(p.name for p in tmp_path.iterdir() if p.name not in ("other", "ours"))


def table_of(store):
    (path,) = (store.folder / "runs").glob("*.parquet")
    return path, pd.read_parquet(path)


def replace_run(store, table, stem=RUN.key):
    path, _ = table_of(store)
    path.unlink()
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    files.write(store.folder / "runs", stem, "parquet", buffer.getvalue())


def test_a_sound_store_is_copied_whole_and_once(tmp_path, other):
    ours, written, said = merged(tmp_path, other)
    assert written == 4  # run, weights, snapshots, provenance
    assert said == []
    assert ours.merge(other.folder) == 0
    pd.testing.assert_frame_equal(scores(ours.load([RUN])), scores(other.load([RUN])))


@pytest.mark.parametrize("key", ["../../outside", "/outside", "a*b", "..", RUN.key[:-1] + "g"])
@pytest.mark.parametrize("packed", [False, True])
def test_keys_that_are_no_keys_are_left_out(tmp_path, other, key, packed):
    _, table = table_of(other)
    replace_run(other, table.assign(key=key), "pack" if packed else RUN.key)
    ours, _, said = merged(tmp_path, other)
    assert any("left out" in line for line in said)
    assert not list((ours.folder / "runs").glob("*.parquet"))
    assert outside(tmp_path) == []


def test_a_spec_that_does_not_hash_to_its_key_is_left_out(tmp_path, other):
    _, table = table_of(other)
    spec = json.loads(table.spec[0]) | {"seed": 7}
    replace_run(other, table.assign(spec=json.dumps(spec, sort_keys=True)))
    ours, _, said = merged(tmp_path, other)
    assert any("does not hash to it" in line for line in said)
    assert not ours.has(RUN)


@pytest.mark.parametrize(
    "lie, said",
    [
        (lambda t: t.assign(initial_condition="full=identity"), "initial_condition is not that"),
        (lambda t: t.assign(seed=7), "seed is not that of its spec, 0"),
        (lambda t: t.assign(diagnostic="addition"), "diagnostic is not that of its spec"),
        (lambda t: t[t.step == 0], "it ends at step 0 of"),
        (lambda t: pd.concat([t, t]), "a step stands in it twice"),
        (lambda t: t.assign(status="splendid"), "its status is none of complete"),
    ],
)
def test_rows_that_contradict_their_spec_are_left_out(tmp_path, other, lie, said):
    _, table = table_of(other)
    replace_run(other, lie(table))
    ours, _, warned = merged(tmp_path, other)
    assert ours.missing([RUN]) == [RUN]
    assert any(said in each for each in warned)


def test_one_unsound_run_of_a_pack_takes_no_other_with_it(tmp_path, other):
    more = [fine_tuning_run("haystack", "scratch", "smoke", seed) for seed in (1, 2)]
    ensure_in(other, more)
    other.pack()
    path, table = table_of(other)
    lie = table[(table.key != RUN.key) | (table.step == 0)]
    replace_run(other, lie, packs.STEM)
    ours, _, said = merged(tmp_path, other)
    assert ours.missing([RUN, *more]) == [RUN]
    (line,) = said
    assert line.startswith(f"run {RUN.key} of runs/{packs.STEM}.")
    assert "it ends at step 0" in line


def test_columns_that_a_run_does_not_have_are_left_out(tmp_path, other):
    _, table = table_of(other)
    replace_run(other, table.assign(extra=1))
    ours, _, said = merged(tmp_path, other)
    assert any("its columns are" in line for line in said)
    assert not ours.has(RUN)


def test_columns_that_hold_lists_are_left_out(tmp_path, other):
    _, table = table_of(other)
    replace_run(other, table.assign(loss=[[1.0]] * len(table)))
    ours, _, said = merged(tmp_path, other)
    assert any("its column loss holds" in line for line in said)
    assert not ours.has(RUN)


def test_a_link_is_left_out(tmp_path, other):
    path, _ = table_of(other)
    secret = tmp_path / "other" / "secret.parquet"
    path.rename(secret)
    os.symlink(secret, path)
    ours, _, said = merged(tmp_path, other)
    assert any("no plain file" in line for line in said)
    assert not ours.has(RUN)


def test_a_huge_file_is_left_out(tmp_path, other):
    path, _ = table_of(other)
    with path.open("r+b") as file:
        file.truncate(2**31 + 1)  # sparse
    ours, _, said = merged(tmp_path, other)
    assert any("more than" in line for line in said)
    assert not ours.has(RUN)


def test_a_damaged_file_is_left_out(tmp_path, other):
    path, _ = table_of(other)
    path.write_bytes(path.read_bytes()[:-1])
    ours, written, said = merged(tmp_path, other)
    assert any("does not match the digest" in line for line in said)
    assert written == 3


def test_provenance_that_is_not_its_own_hash_is_left_out(tmp_path, other):
    (path,) = (other.folder / "provenance").iterdir()
    content = path.read_bytes() + b" "
    name = f"{path.name.split('.')[0]}.{files.digest(content)}.json"
    path.unlink()
    (other.folder / "provenance" / name).write_bytes(content)
    _, written, said = merged(tmp_path, other)
    assert any("not the hash of its content" in line for line in said)
    assert written == 3


def test_weights_of_another_run_are_left_out(tmp_path, other):
    (path,) = (other.folder / "weights").iterdir()
    stem = hashlib.sha256(b"another").hexdigest()[:16]
    path.rename(path.with_name(path.name.replace(RUN.key, stem)))
    ours, written, said = merged(tmp_path, other)
    assert any("does not hash to it" in line for line in said)
    assert ours.weights(RUN) is None


def test_a_damaged_run_does_not_stop_packing(tmp_path, other):
    path, _ = table_of(other)
    second = fine_tuning_run("haystack", "scratch", "smoke", 1)
    ensure_in(other, [second])
    path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="damaged"):
        assert other.pack() == 1
    assert other.has(second)
    assert not other.has(RUN)


def add_merge_and_pack(folder, seeds, elsewhere):
    store = Store(folder, None)
    for seed in seeds:
        ensure_in(store, [fine_tuning_run("haystack", "scratch", "smoke", seed, steps=5)])
        store.merge(elsewhere)
        store.pack()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Another store, with a run that nobody sweeps here."""
    folder = tmp_path_factory.mktemp("elsewhere")
    ensure_in(Store(folder, None), [fine_tuning_run("haystack", "scratch", "smoke", 8, steps=5)])
    return folder


@pytest.mark.parametrize("attempt", range(10))
def test_two_processes_that_sweep_merge_and_pack_one_store_lose_nothing(
    tmp_path, elsewhere, attempt
):
    context = multiprocessing.get_context("forkserver")
    halves = [range(0, 8, 2), range(1, 8, 2)]
    workers = [
        context.Process(target=add_merge_and_pack, args=(tmp_path, half, elsewhere))
        for half in halves
    ]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join(120)
            assert worker.exitcode == 0
    finally:
        for worker in workers:
            worker.kill()
    store = Store(tmp_path, None)
    wanted = [fine_tuning_run("haystack", "scratch", "smoke", seed, steps=5) for seed in range(9)]
    assert len(store.load(wanted).key.unique()) == 9
    assert len(list((tmp_path / "runs").glob(f"{packs.STEM}.*"))) == 1


def test_weights_that_are_no_weights_are_left_out(tmp_path, other):
    (path,) = (other.folder / "weights").glob("*")
    spec = json.dumps(RUN.spec(), sort_keys=True)
    about = {"spec": spec, "provenance": "0" * 12}
    kinds = {
        "junk": (b"\x08" + b"\x00" * 7 + b"no header", "is left out"),
        "no spec": (save({"x": np.zeros(3)}, {"spec": "null"}), "is left out"),
        "another shape": (save({"x": np.zeros(3)}, about), "tensors are not those of its spec"),
    }
    for content, said in kinds.values():
        path.unlink()
        path = files.write(path.parent, RUN.key, "safetensors", content)
        ours, _, warned = merged(tmp_path, other)
        assert any(said in each for each in warned)
        assert ours.weights(RUN) is None
        assert ours.has(RUN)


@pytest.mark.parametrize("record", [b"[]", b'{"commit": "0", "dirty": false}'])
def test_a_record_that_does_not_say_where_results_come_from_is_left_out(tmp_path, other, record):
    stem = hashlib.sha256(record).hexdigest()[:12]
    files.write(other.folder / "provenance", stem, "json", record)
    ours, _, said = merged(tmp_path, other)
    assert not list((ours.folder / "provenance").glob(f"{stem}.*"))
    assert any("does not say where results come from" in each for each in said)


def test_snapshots_whose_names_are_no_steps_are_left_out(tmp_path, other):
    (path,) = (other.folder / "snapshots").glob("*.safetensors")
    tensors, about = files.unpack_tensors(path.read_bytes())
    path.unlink()
    content = save({"foo": tensors["0"]}, about)
    files.write(other.folder / "snapshots", RUN.key, "safetensors", content)
    ours, _, said = merged(tmp_path, other)
    assert ours.snapshots(RUN) == {}
    assert any("are not named by steps" in each for each in said)


def test_a_folder_that_is_no_store_is_named(tmp_path):
    with pytest.raises(ValueError, match="other must be the folder of a store, got .*nowhere"):
        Store(tmp_path / "ours", None).merge(tmp_path / "nowhere")
