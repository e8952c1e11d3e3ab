"""Ctrl-C and SIGTERM: one sentence, the right exit code, nothing lost, the same bits afterwards."""

import os
import signal
import subprocess
import sys
import time
from itertools import count

import nbformat
import pandas as pd
import pytest
from conftest import ROOT, ensure_in, scores
from ipykernel import parentpoller
from jupyter_client.manager import start_new_kernel

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs.fleet import Fleet
from procmod_lib.runs.stops import Stopped, kernel_waits, stop_on_request
from procmod_lib.runs.store import Store
from procmod_lib.runs.training import State

SWEEP = ["sweep", "selective_transfer", "--preset", "smoke", "--initial-conditions", "scratch"]
STEPS = 1500
MOMENTS = [1, 2, 70, 400, 900, 1200, 1501, 1700, 2200, 2600]  # steps of both runs together
"""A signal is heard some steps after it came, so none comes just before the end of a run."""


def runs():
    return [fine_tuning_run("haystack", "scratch", "smoke", seed, steps=STEPS) for seed in (0, 1)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return scores(ensure_in(Store(tmp_path_factory.mktemp("whole"), None), runs()))


def begin(folder, steps=STEPS):
    """A sweep in a process of its own, once its training has begun."""
    command = [sys.executable, "-m", "procmod_lib", *SWEEP, "--store", str(folder)]
    command += ["--steps", str(steps)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for_training(folder)
    return process


def wait_for_training(folder):
    deadline = time.monotonic() + 90
    while not list(folder.glob("locks/*.lock")):
        assert time.monotonic() < deadline, "no training began"
        time.sleep(0.02)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_sweep_says_so_and_goes_on_to_the_same_bits(tmp_path, expected, number, code):
    process = begin(tmp_path)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said, said
    assert process.returncode == code, "the sweep ended before the signal came"
    assert "The same command goes on from there." in said.splitlines()[-1]
    left = Store(tmp_path, None).missing(runs())  # none, where they ended before it was heard
    assert len(list((tmp_path / "checkpoints").glob("*.safetensors"))) <= len(left)
    again = scores(ensure_in(Store(tmp_path, None), runs()))
    pd.testing.assert_frame_equal(again, expected)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", MOMENTS)
def test_stopped_at_any_step_it_goes_on_to_the_same_bits(
    tmp_path, expected, monkeypatch, number, moment
):
    """As above in this process, which is quicker; the signal comes after some step."""
    store, slow, steps = Store(tmp_path, None), runs(), count(1)
    after_step = Fleet._after_step

    def then_signal(fleet, state):
        after_step(fleet, state)
        if next(steps) == moment:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Fleet, "_after_step", then_signal)
    with pytest.raises(Stopped) as stopped, stop_on_request():
        ensure_in(store, slow, workers=1)
    assert stopped.value.code == 128 + number
    left = slow[moment // STEPS :]
    assert store.missing(slow) == left
    assert f"{len(slow) - len(left)} of 2 runs are finished" in str(stopped.value)
    assert store.checkpoint(left[0].key)
    pd.testing.assert_frame_equal(scores(ensure_in(store, slow)), expected)


CELL = """
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs.store import Store
from procmod_lib.runs.training import State
from procmod_lib.runs.sweep import ensure

runs = [fine_tuning_run("haystack", "scratch", "smoke", seed, steps={steps}) for seed in (0, 1)]
table = ensure(runs, Store({folder!r}, None))
"""


def hear_ctrl_c():
    """As in a terminal; processes that a script starts in the background are deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number, name", [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_papermill_stopped_keeps_everything_and_says_so(tmp_path, number, name):
    """Ctrl-C goes to papermill, which asks the kernel to stop; SIGTERM ends papermill alone, and
    the kernel finds that its parent is gone.
    """
    cell = nbformat.v4.new_code_cell(CELL.format(steps=100_000, folder=str(tmp_path)))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "in.ipynb")
    command = [sys.executable, "-m", "papermill", tmp_path / "in.ipynb", tmp_path / "out.ipynb"]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    process = subprocess.Popen(command, cwd=ROOT, preexec_fn=hear_ctrl_c, **pipes)
    wait_for_training(tmp_path)
    time.sleep(1)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode
    assert "0 of 2 runs are finished; they and the checkpoints of those under way are kept." in said
    long = [fine_tuning_run("haystack", "scratch", "smoke", s, steps=100_000) for s in (0, 1)]
    assert all(Store(tmp_path, None).checkpoint(run.key) for run in long)


def test_while_a_sweep_runs_a_kernel_does_not_find_its_parent_gone(monkeypatch):
    """It would end on the spot, perhaps before the checkpoint is written."""
    monkeypatch.setattr(os, "getppid", lambda: 4242)
    poll = parentpoller.ParentPollerUnix(parent_pid=4242).run
    ends = []

    def ended(code):
        ends.append(code)
        raise SystemExit

    def one_look(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "_exit", ended)
    monkeypatch.setattr(parentpoller.time, "sleep", one_look)
    with kernel_waits():
        monkeypatch.setattr(os, "getppid", lambda: 1)
        with pytest.raises(KeyboardInterrupt):
            poll()
    with pytest.raises(SystemExit):
        poll()
    assert ends == [1]


def test_a_notebook_that_is_interrupted_says_so_and_goes_on_to_the_same_bits(tmp_path, expected):
    """The square in Jupyter's toolbar: the cell ends in one sentence, and runs on from there."""
    manager, client = start_new_kernel(cwd=str(ROOT))
    try:
        code = CELL.format(steps=STEPS, folder=str(tmp_path))
        asked = client.execute(code)
        wait_for_training(tmp_path)
        time.sleep(1)
        manager.interrupt_kernel()
        answer = client.get_shell_msg(timeout=60)
        while answer["parent_header"]["msg_id"] != asked:
            answer = client.get_shell_msg(timeout=60)
        assert answer["content"]["status"] == "error"
        assert answer["content"]["ename"] == "Stopped"
        assert "The same command goes on from there." in answer["content"]["evalue"]
        assert len(answer["content"]["traceback"]) == 1
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    pd.testing.assert_frame_equal(scores(ensure_in(Store(tmp_path, None), runs())), expected)


def test_a_stop_keeps_the_steps_that_were_taken(tmp_path):
    long = 100_000
    process = begin(tmp_path, long)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    store = Store(tmp_path, None)
    keys = [fine_tuning_run("haystack", "scratch", "smoke", s, steps=long).key for s in (0, 1)]
    kept = [found for key in keys if (found := store.checkpoint(key))]
    assert any(State.from_tensors(*found, "cpu").step > 0 for found in kept)


def test_a_second_signal_ends_at_once(tmp_path):
    code = (
        "import os, signal, threading, time\n"
        "from procmod_lib.runs.stops import stop_on_request\n"
        "with stop_on_request():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(30)\n"
        "    print('slept')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert "ended at once" in done.stderr
    assert "slept" not in done.stdout


def test_handlers_are_given_back_and_other_threads_are_left_alone():
    from concurrent.futures import ThreadPoolExecutor

    def inside():
        with stop_on_request() as request:
            return request.number

    before = signal.getsignal(signal.SIGINT)
    assert inside() is None
    assert signal.getsignal(signal.SIGINT) is before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() is None


def test_a_notebook_shows_the_sentence_alone():
    stopped = Stopped(signal.SIGTERM, "2 of 3 runs are finished.")
    assert stopped.code == 143
    assert stopped._render_traceback_() == [
        "Stopped: stopped on SIGTERM: 2 of 3 runs are finished."
    ]


def test_numbers_nobody_can_have_meant_are_refused_before_anything_is_built():
    from procmod_lib.experiments.grids import selective_transfer

    with pytest.raises(ValueError, match="seeds must be at most 1,000, got 1,000,000,000"):
        selective_transfer("smoke", seeds=1_000_000_000)
    with pytest.raises(ValueError, match="steps must be at most 10,000,000"):
        selective_transfer("smoke", steps=10**12)


def test_a_scheduler_that_does_not_answer_is_named_within_ten_seconds(tmp_path):
    begun = time.monotonic()
    with pytest.raises(ValueError, match="nothing answered at 'tcp://127.0.0.1:9'"):
        ensure_in(Store(tmp_path, None), runs()[:1], scheduler="tcp://127.0.0.1:9")
    assert time.monotonic() - begun < 10 + 5  # imports of dask included
