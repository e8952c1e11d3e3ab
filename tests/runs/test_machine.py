"""Where runs are trained and kept: what is refused before any work starts."""

import pytest
from conftest import ensure_in

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.store import Store, folder_of

RUNS = [fine_tuning_run("haystack", "scratch", "smoke", 0)]


def test_a_scheduler_that_is_none_is_named(tmp_path):
    with pytest.raises(
        ValueError, match="scheduler must be tcp://HOST:PORT, local:N or slurm:FILE"
    ):
        ensure_in(Store(tmp_path / "x", None), RUNS, scheduler="nowhere")
    for wrong in ("tcp://", "tcp://host", "local:0", "local:²", f"slurm:{tmp_path / 'no'}"):
        with pytest.raises(ValueError, match="scheduler must be tcp://HOST:PORT"):
            Machine(scheduler=wrong)
    options = tmp_path / "options"
    options.write_text("queue = long")
    with pytest.raises(ValueError, match="scheduler must name a file of JSON options"):
        Machine(scheduler=f"slurm:{options}")


def test_wrong_options_of_a_cluster_and_a_missing_package_are_named(tmp_path, monkeypatch):
    options = tmp_path / "options"
    options.write_text('{"colour": "red", "cores": 1, "memory": "1GB"}')
    with pytest.raises(ValueError, match="SLURMCluster's options, got slurm:.*colour"):
        ensure_in(Store(tmp_path, None), RUNS, scheduler=f"slurm:{options}")
    monkeypatch.setattr("procmod_lib.runs.machine.find_spec", lambda module: None)
    with pytest.raises(ValueError, match="scheduler needs the package distributed"):
        Machine(scheduler="local:1")


def test_a_core_is_one_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 2, 5}, raising=False)
    assert Machine().share(8) == (3, 1)
    assert Machine().share(1) == (1, 3)
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert Machine().share(8) == (1, 1)


def test_workers_that_nothing_reads_are_refused():
    with pytest.raises(ValueError, match="workers must be None with a scheduler, got 7"):
        Machine(scheduler="local:1", workers=7)


def test_a_home_that_nobody_has_is_named():
    for wrong in (lambda: folder_of("~nosuchuser/x"), lambda: Store("~nosuchuser/x", None)):
        with pytest.raises(ValueError, match="nobody has the home of '~nosuchuser/x'"):
            wrong()
