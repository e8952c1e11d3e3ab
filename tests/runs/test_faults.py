"""Nothing can kill a sweep: each fault is done to it at least ten times, and the final table equals
the undisturbed one.
"""

import multiprocessing
import os
import shutil
import signal
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ensure_in, scores

from procmod_lib.cli import main
from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.runs import files, fleet
from procmod_lib.runs.store import Store

TIMES = 10
GRID = dict(preset="smoke", seeds=2, steps=400)
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(["procmod_lib.cli", "procmod_lib.network.kernel"])


def finished(folder):
    return scores(Store(folder, None).load(selective_transfer(**GRID)))


def sweep(folder, log=None):
    """A sweep in a process of its own; what it finished goes, a line a run, to ``log``."""

    def line(text):
        with open(log, "a") as file:
            file.write(text + "\n")

    fleet.CHECKPOINT_SECONDS = 0.05
    ensure_in(Store(folder, None), selective_transfer(**GRID), progress=line if log else None)


def start(folder, log=None):
    process = CHILDREN.Process(target=sweep, args=(str(folder), log and str(log)))
    process.start()
    return process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """(table, seconds) of a sweep that nothing happens to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    start(folder / "first").join()  # the child server is up now, and the kernel compiled
    begun = time.monotonic()
    start(folder / "second").join()
    return finished(folder / "second"), time.monotonic() - begun


@pytest.mark.parametrize("trial", range(TIMES))
def test_kill_9_at_a_random_moment(tmp_path, undisturbed, trial):
    table, seconds = undisturbed
    rng, killed = np.random.default_rng(trial), 0
    for attempt in range(3):
        process = start(tmp_path)
        while (
            attempt == 0
            and process.is_alive()
            and not any((tmp_path / "checkpoints").glob("*.safetensors"))
        ):
            time.sleep(
                0.001
            )  # the first is killed at work for certain, the others may be starting or done
        process.join(rng.uniform(0.0, 0.8 if attempt else 0.3) * seconds)
        killed += process.is_alive()
        process.kill()
        process.join()
    assert killed >= 1
    last = start(tmp_path)
    last.join()
    assert last.exitcode == 0
    pd.testing.assert_frame_equal(finished(tmp_path), table)
    assert not list((tmp_path / "checkpoints").glob("*.safetensors"))


def test_a_checkpoint_left_after_the_result_was_written_is_removed(tmp_path, complete):
    """A process can die after it wrote a result and before it removed the checkpoint."""
    shutil.copytree(complete, tmp_path / "store")
    store, runs = Store(tmp_path / "store", None), selective_transfer(**GRID)
    left = files.write(store.folder / "checkpoints", runs[0].key, "safetensors", b"what was left")
    ensure_in(store, runs)
    assert left.name.startswith(runs[0].key)
    assert not left.exists()


def test_a_source_killed_between_its_weights_and_its_curve_gets_its_curve(tmp_path, complete):
    """Weights are written first; a process that dies then must not leave a pretrained model without
    a record.
    """
    shutil.copytree(complete, tmp_path / "store")
    store, runs = Store(tmp_path / "store", None), selective_transfer(**GRID)
    source = next(donor for run in runs for _, donor in run.donors)
    before = scores(store.find(source))
    (curve,) = (store.folder / "runs").glob(f"{source.key}.*")
    curve.unlink()
    ensure_in(store, runs)
    pd.testing.assert_frame_equal(scores(store.find(source)), before)
    assert not list((store.folder / "checkpoints").glob("*.safetensors"))


@pytest.mark.parametrize("trial", range(TIMES))
def test_two_processes_compute_every_run_once(tmp_path, undisturbed, trial):
    logs = [tmp_path / "one", tmp_path / "two"]
    both = [start(tmp_path / "store", log) for log in logs]
    for process in both:
        process.join()
        assert process.exitcode == 0
    done = [
        line.split(" ", 1)[1].rsplit(" in ", 1)[0]
        for log in logs
        if log.exists()
        for line in log.read_text().splitlines()
    ]
    assert len(done) == len(set(done)) == 8 + 2  # pretraining included
    pd.testing.assert_frame_equal(finished(tmp_path / "store"), undisturbed[0])


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as local:
        yield local


def living(client):
    """The process ids of both workers; one killed a moment ago may not be missed yet."""
    while True:
        client.wait_for_workers(2, timeout=60)
        pids = list(client.run(os.getpid, on_error="return").values())
        if len(pids) == 2 and all(isinstance(pid, int) for pid in pids):
            return pids
        time.sleep(0.1)


@pytest.mark.parametrize("trial", range(TIMES))
def test_a_dask_worker_killed_mid_fleet(tmp_path, undisturbed, cluster, trial):
    """One of two workers dies when one to four of the ten results are there; Dask gives what it
    trained to the other, and the nanny starts a new one.
    """
    from distributed import Client

    with Client(cluster) as client:
        pids = living(client)
    wait = np.random.default_rng(trial).uniform(0, 0.05) * undisturbed[1]
    there = f"[ $(ls {tmp_path}/runs/*.parquet 2>/dev/null | wc -l) -gt {trial % 4} ]"
    kill = f"until {there}; do sleep 0.01; done; sleep {wait:.2f}; kill -9 {pids[trial % 2]}"
    killer = subprocess.Popen(["timeout", "600", "sh", "-c", kill])
    ensure_in(
        Store(tmp_path, None), selective_transfer(**GRID), scheduler=cluster.scheduler_address
    )
    assert killer.poll() == 0, "the sweep ended before the worker was killed"
    pd.testing.assert_frame_equal(finished(tmp_path), undisturbed[0])
    assert len(list((tmp_path / "runs").glob("*.parquet"))) == 8 + 2


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own that can be made smaller and larger."""

    def mount(*options):
        return subprocess.run(["mount", *options], capture_output=True).returncode == 0

    folder = tmp_path / "disk"
    folder.mkdir()
    if not shutil.which("mount") or not mount(
        "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(folder)
    ):
        pytest.skip(
            "a small tmpfs cannot be mounted here: that a full disk loses nothing was not tested "
            "(it needs root)"
        )
    yield folder, lambda size: mount("-o", f"remount,size={size}", str(folder))
    subprocess.run(["umount", str(folder)], check=True)


def whole(folder):
    """Every result file is intact: its content matches the digest in its name."""
    return all(
        files.digest(p) == p.name.split(".")[-2]
        for kind in ("runs", "weights", "checkpoints")
        for p in (folder / kind).glob("[!.]*")
    )


@pytest.mark.parametrize("trial", range(TIMES))
def test_disk_full(small_disk, undisturbed, trial, capsys):
    folder, resize = small_disk
    resize(f"{40 + 12 * trial}k")
    command = [
        "sweep",
        "selective_transfer",
        "--preset",
        "smoke",
        "--seeds",
        "2",
        "--steps",
        str(GRID["steps"]),
        "--store",
        str(folder),
    ]
    try:
        code = main(command)
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr().err
    assert code in (1, 2)
    assert "No space left" in said or "cannot be written" in said
    assert "Traceback" not in said
    assert whole(folder)
    before = {p.name for p in (folder / "runs").glob("[!.]*.parquet")}
    assert resize("50m")
    assert main(command) == 0
    assert before <= {
        p.name for p in (folder / "runs").iterdir()
    }  # what was finished was not computed again
    pd.testing.assert_frame_equal(finished(folder), undisturbed[0])


@pytest.fixture(scope="module")
def complete(tmp_path_factory, undisturbed):
    folder = tmp_path_factory.mktemp("complete")
    start(folder).join()
    return folder


@pytest.mark.parametrize("suffix", ["parquet", "safetensors", "json"])
@pytest.mark.parametrize("trial", range(TIMES))
def test_truncated_files(tmp_path, complete, undisturbed, suffix, trial):
    """A file cut at a random place is named and never used. A record of provenance cannot be
    computed again: results stay, their origin is unknown.
    """
    folder, rng = tmp_path / "store", np.random.default_rng(trial)
    shutil.copytree(complete, folder)
    found = sorted(folder.glob(f"[!c]*/*.{suffix}"))
    victim = found[rng.integers(len(found))]
    victim.write_bytes(victim.read_bytes()[: rng.integers(victim.stat().st_size)])
    if (
        suffix == "safetensors"
    ):  # a source's weights are read only where what starts from them has to be computed
        for run in selective_transfer(**GRID):
            next((folder / "runs").glob(f"{run.key}.*")).unlink()
    store = Store(folder, None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = ensure_in(store, selective_transfer(**GRID))
        if suffix == "json":
            assert store.origin(victim.name.split(".")[0])["commit"].startswith("unknown")
    used = suffix != "parquet" or victim.name.split(".")[0] in set(table.key)
    assert not used or any(
        victim.name in str(w.message) and "damaged" in str(w.message) for w in caught
    )
    pd.testing.assert_frame_equal(scores(table), undisturbed[0])


@pytest.mark.parametrize("trial", range(TIMES))
def test_the_clock_moved(tmp_path, undisturbed, monkeypatch, trial):
    """The wall clock jumps by up to a year at every look, which no budget of an hour must notice,
    and files seem to come from the past or the future.
    """
    rng, real = np.random.default_rng(trial), time.time
    monkeypatch.setattr(time, "time", lambda: real() + rng.uniform(-1, 1) * 3e7)
    store, runs = Store(tmp_path, None), selective_transfer(**GRID)
    ensure_in(store, runs, time_budget=3600.0)
    assert not store.missing(runs)
    for path in tmp_path.rglob("*.*"):
        moment = real() + rng.uniform(-1, 1) * 3e7
        os.utime(path, (moment, moment))
    before = {p.name for p in (tmp_path / "runs").iterdir()}
    table = ensure_in(store, runs)
    assert before <= {p.name for p in (tmp_path / "runs").iterdir()}
    pd.testing.assert_frame_equal(scores(table), undisturbed[0])


def test_children_can_be_killed():
    """The tests above would prove nothing if their signal did not arrive."""
    process = CHILDREN.Process(target=time.sleep, args=(60,))
    process.start()
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not Path(f"/proc/{process.pid}/cmdline").exists()
