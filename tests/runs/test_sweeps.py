"""A sweep ends when it is told to, trains all that can be trained, and leaves the process as it
was.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ensure_in

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs import files, fleet, packs, plan
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.keep import Keep
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.passes import Pass, train_alone
from procmod_lib.runs.run import Run, bytes_per_model, donors_of, fleet_size
from procmod_lib.runs.store import Failed, Store
from procmod_lib.runs.sweep import lacking
from procmod_lib.tasks import make_task

LONG = fine_tuning_run("haystack", "scratch", "smoke", 0, steps=100_000)
FEW = dict(steps=5)


def test_a_sweep_that_waits_for_another_keeps_its_time(tmp_path):
    store = Store(tmp_path, None)
    with store.lock(LONG):  # alone it would hold the sweep for ever
        assert not len(ensure_in(Store(tmp_path, None), [LONG], time_budget=0.5))


def test_two_sweeps_of_one_folder_share_the_work(tmp_path):
    runs = [fine_tuning_run("haystack", "scratch", "smoke", seed, **FEW) for seed in range(12)]
    told: list[list[str]] = [[], []]
    both = [
        Pass(Store(tmp_path, None), Machine(workers=1), Keep(), progress=lines.append)
        for lines in told
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: each.run(runs), both))
    assert sorted(map(len, told))[0] > 1
    assert sum(map(len, told)) == len(runs)
    assert not Store(tmp_path, None).missing(runs)


def test_a_fleet_that_fails_together_leaves_no_checkpoint(tmp_path, monkeypatch):
    runs = [fine_tuning_run("haystack", "scratch", "smoke", seed, **FEW) for seed in range(2)]
    store, original = Store(tmp_path, None), fleet.Fleet.train

    def train(self, *a):
        if len(self.runs) > 1:
            store.write_checkpoint(self.name, {"weights": np.zeros(1)}, {})
            raise MemoryError
        return original(self, *a)

    monkeypatch.setattr(fleet.Fleet, "train", train)
    Pass(store, Machine(), Keep()).work(runs, threads=1)
    assert not store.missing(runs)
    assert not list((store.folder / "checkpoints").iterdir())


def test_a_sweep_on_a_cluster_keeps_its_time(tmp_path):
    begun = time.monotonic()
    table = ensure_in(Store(tmp_path, None), [LONG], time_budget=4.0, scheduler="local:1")
    assert not len(table)
    assert 4 < time.monotonic() - begun < 25


def test_what_does_not_start_from_a_broken_donor_is_trained(tmp_path, monkeypatch):
    asked = ["scratch", "attention=set", "attention=identity"]
    runs = [fine_tuning_run("haystack", start, "smoke", 0, **FEW) for start in asked]
    original = fleet.train

    def train(task, *a, **k):
        if task.name == "set":
            raise RuntimeError("broken on purpose")
        return original(task, *a, **k)

    monkeypatch.setattr(fleet, "train", train)
    store = Store(tmp_path, None)
    with pytest.raises(Failed, match="set · scratch · seed 0 .*broken on purpose"):
        ensure_in(store, runs)
    assert [str(run.condition) for run in store.missing(runs)] == ["attention=set"]


def test_a_sweep_leaves_pytorch_its_threads(tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        runs = [fine_tuning_run("haystack", "scratch", "smoke", s, **FEW) for s in (0, 1)]
        ensure_in(Store(tmp_path, None), runs, workers=2)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_dropout_in_pytorch_does_not_depend_on_the_number_of_workers(tmp_path):
    runs = [
        fine_tuning_run("haystack", "scratch", "smoke", seed, dropout=0.2, steps=20)
        for seed in range(3)
    ]
    tables = [
        ensure_in(Store(tmp_path / str(workers), None), runs, engine="torch", workers=workers)
        for workers in (1, 3)
    ]
    one, three = (table.sort_values(["key", "step"]).loss.to_numpy() for table in tables)
    assert (one == three).all()


def test_a_model_that_cannot_read_its_task_is_refused():
    task, budget = make_task("haystack", pairs=3, vocab_size=140), LONG.budget
    for arch, said in (
        (Architecture(140, task.length - 1), f"positions must be {task.length} or more"),
        (Architecture(8, task.length), f"vocab must be {task.vocab} or more for haystack, got 8"),
        (Architecture(140, task.length, inputs="bits"), "inputs must be 'tokens' for haystack"),
    ):
        with pytest.raises(ValueError, match=said):
            Run(task, arch, budget, 0)
    Run(task, Architecture(140, task.length), budget, 0)


@pytest.mark.parametrize("bad", ["foo", None, 3])
def test_an_engine_is_named_before_anything_is_trained(bad):
    with pytest.raises(ValueError, match="engine must be 'auto', 'kernel' or 'torch', got"):
        Machine(engine=bad)


def test_a_run_that_got_no_better_does_not_say_that_it_is_at_the_ceiling(tmp_path):
    how = dict(steps=200, evaluate_every=1, patience=150, stop_after=2, lr=1e-12)
    run = fine_tuning_run("haystack", "scratch", "smoke", 0, **how)
    table = ensure_in(Store(tmp_path, None), [run])
    assert table.step.max() < 200
    assert set(table.status) == {"no better"}


def test_a_view_taken_while_another_process_packs_misses_nothing(tmp_path, monkeypatch):
    store = Store(tmp_path, None)
    runs = [fine_tuning_run("haystack", "scratch", "smoke", s, **FEW) for s in (0, 1)]
    ensure_in(store, runs)
    expected, real, done = len(store.view()), files.read, []

    def read(folder, *rest):
        if folder.name == "runs" and not done:
            done.append(packs.pack(store.folder))
        return real(folder, *rest)

    monkeypatch.setattr(files, "read", read)
    assert len(store.view()) == expected > 0
    assert done == [2]


def test_a_view_keeps_its_columns_and_their_kinds(tmp_path):
    published = Store(tmp_path / "published", None)
    assert published.view().diagnostic.empty
    ensure_in(published, [fine_tuning_run("haystack", "scratch", "smoke", 0, **FEW)])
    table = Store(tmp_path / "mine", published.folder).view(seed=0)
    assert len(table)
    assert table.seed.dtype == table.step.dtype == np.dtype("int64")
    assert pd.api.types.is_string_dtype(table.key)
    for column, value, kind in (("seed", "3", "a number"), ("diagnostic", 3, "text")):
        with pytest.raises(ValueError, match=f"view: {column} must be {kind}, got"):
            published.view(**{column: value})


def test_files_are_as_readable_as_the_process_makes_them(tmp_path):
    path = files.write(tmp_path, "a", "json", b"{}")
    (tmp_path / "plain").write_text("")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert os.access(path, os.W_OK)


def test_what_a_cluster_brings_late_does_not_touch_what_is_there(tmp_path):
    """Two sweeps of one folder on clusters: the second result of a run is left out."""
    run = fine_tuning_run("haystack", "scratch", "smoke", 0, **FEW)
    late, store = Store(tmp_path / "late", None), Store(tmp_path / "there", None)
    for each in (late, store):
        ensure_in(each, [run])
    (path,), (before,) = (list((s.folder / "runs").iterdir()) for s in (late, store))
    packet = ("runs", run.key, "parquet", path.read_bytes())
    alone = Pass(store, Machine(), Keep())
    alone._write([run], [packet])
    assert list((store.folder / "runs").iterdir()) == [before]
    before.unlink()
    alone._write([run], [packet])
    assert [each.name for each in (store.folder / "runs").iterdir()] == [path.name]


def test_a_plan_times_a_fleet_as_it_trains_and_holds_no_more_memory_than_it(monkeypatch):
    """On a GPU models train together: half of them at a time, here."""
    runs = [fine_tuning_run("haystack", "scratch", "smoke", s, **FEW) for s in range(8)]
    asked = []

    def seconds(run, machine, share, members):
        asked.append(members)
        return 6.0

    monkeypatch.setattr(plan, "seconds_per_run", seconds)
    monkeypatch.setattr(plan, "fleet_size", lambda run, device: 4)
    monkeypatch.setattr(plan, "into_fleets", lambda runs, device, most: [runs])
    gpu = SimpleNamespace(device="cuda", engine="auto", share=lambda fleets: (1, 1))
    said = plan.estimate(runs, gpu).splitlines()[-1]
    memory = 4 * bytes_per_model(runs[0]) / 2**30
    assert asked == [4]
    assert said.startswith("8 runs are missing: about 0.8 minutes on this GPU")
    assert f", {memory:.1f} GiB of its memory" in said


def test_fleets_on_a_gpu_stay_the_same_when_a_little_memory_is_gone(monkeypatch):
    run = fine_tuning_run("haystack", "scratch", "smoke", 0, **FEW)
    sizes = set()
    for free in (100, 97):
        memory = free * bytes_per_model(run) / 0.7
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda m=memory: (m, m))
        sizes.add(fleet_size(run, "cuda"))
    assert sizes == {64}


def test_a_curriculum_is_timed_with_full_lists(monkeypatch):
    """What it costs at most; at its first length it would seem far too cheap."""
    task = make_task("identity", symbols=9, list_length=12, lengths="curriculum")
    run = Run(task, Architecture(task.vocab, task.length), Budget(steps=10, batch=4), 0)
    timed = []

    def train(task, arch, budget, seeds, state, **how):
        timed.append((task.lengths, state.length))

    monkeypatch.setattr(plan, "train", train)
    plan.seconds_per_run(run, Machine(), (1, 1))
    assert set(timed) == {("fixed", 0)}


@pytest.fixture
def transferred(tmp_path):
    """A store whose transfer is finished and whose source has lost its weights; both runs."""
    run = fine_tuning_run("haystack", "attention=identity", "smoke", 0)
    ensure_in(Store(tmp_path, None), [run])
    (source,) = donors_of([run])
    (weights,) = (tmp_path / "weights").glob(f"{source.key}.*")
    weights.unlink()
    return Store(tmp_path, None), run, source


def test_a_finished_run_does_not_have_its_source_trained_again(transferred):
    store, run, source = transferred
    lines: list[str] = []
    ensure_in(store, [run], progress=lines.append)
    assert lines == []
    assert store.weights(source) is None
    assert lacking([run], store) == []


def test_a_plan_names_the_weights_that_a_sweep_would_train(transferred):
    store, run, source = transferred
    other = fine_tuning_run("haystack", "attention=identity layer=1", "smoke", 0)
    assert donors_of([other]) == [source]
    assert lacking([run, other], store) == [source, other]
    assert lacking([source], store, Keep(weights=True)) == [source]
    ensure_in(store, [run, other])
    assert lacking([run, other], store) == []
    assert store.weights(source) is not None


def test_what_ended_on_a_worker_is_kept_when_its_neighbour_fails(monkeypatch):
    runs = [fine_tuning_run("haystack", "scratch", "smoke", seed, **FEW) for seed in range(2)]
    original = fleet.Fleet.train

    def train(self, *a):
        if runs[1] in self.runs:
            raise MemoryError
        return original(self, *a)

    monkeypatch.setattr(fleet.Fleet, "train", train)
    packets, costs, failures = train_alone(runs, [], Machine(workers=1), Keep())
    assert [stem for kind, stem, *_ in packets if kind == "runs"] == [runs[0].key]
    assert len(costs) == len(failures) == 1
    assert runs[1].key in failures[0]
