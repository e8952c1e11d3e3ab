"""Ctrl-C and SIGTERM: one sentence, the right exit code, nothing lost, the same bits afterwards."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from conftest import ROOT, ensure_in, scores

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs.store import Store

SWEEP = ["sweep", "selective_transfer", "--preset", "smoke", "--initial-conditions", "scratch"]
STEPS = 1500
MOMENTS = [0.0, 0.1, 0.3, 0.6, 1.0]  # seconds after the first step


def runs():
    return [fine_tuning_run("haystack", "scratch", "smoke", seed, steps=STEPS) for seed in (0, 1)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return scores(ensure_in(Store(tmp_path_factory.mktemp("whole"), None), runs()))


def begin(folder):
    """A sweep in a process of its own, once its training has begun."""
    command = [sys.executable, "-m", "procmod_lib", *SWEEP, "--store", str(folder)]
    command += ["--steps", str(STEPS)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not list(folder.glob("locks/*.lock")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stopped_sweep_says_so_and_goes_on_to_the_same_bits(
    tmp_path, expected, number, code, moment
):
    process = begin(tmp_path)
    time.sleep(moment)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said, said
    if process.returncode:  # it may have been done before the signal came
        assert process.returncode == code
        assert "The same command goes on from there." in said.splitlines()[-1]
        store = Store(tmp_path, None)
        left = [run for run in runs() if not store.has(run)]
        assert len(list((tmp_path / "checkpoints").glob("*.safetensors"))) <= len(left)
    again = scores(ensure_in(Store(tmp_path, None), runs()))
    pd.testing.assert_frame_equal(again, expected)


def test_a_stop_keeps_the_steps_that_were_taken(tmp_path):
    process = begin(tmp_path)
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    store = Store(tmp_path, None)
    kept = [store.checkpoint(run.key) for run in runs()]
    kept += [store.find(run) for run in runs()]
    assert any(each is not None for each in kept)


def test_a_second_signal_ends_at_once(tmp_path):
    code = (
        "import os, signal, threading, time\n"
        "from procmod_lib.runs.stops import stop_on_request\n"
        "with stop_on_request():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(30)\n"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert "ended at once" in done.stderr
    assert time.monotonic() - begun < 25


def test_handlers_are_given_back_and_other_threads_are_left_alone():
    from concurrent.futures import ThreadPoolExecutor

    from procmod_lib.runs.stops import stop_on_request

    def inside():
        with stop_on_request() as request:
            return request.number

    before = signal.getsignal(signal.SIGINT)
    assert inside() is None
    assert signal.getsignal(signal.SIGINT) is before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() is None


def test_a_notebook_shows_the_sentence_alone():
    from procmod_lib.runs.stops import Stopped

    stopped = Stopped(signal.SIGTERM, "2 of 3 runs are finished.")
    assert stopped.code == 143
    assert stopped._render_traceback_() == [
        "Stopped: stopped on SIGTERM: 2 of 3 runs are finished."
    ]


def test_numbers_nobody_can_have_meant_are_refused_before_anything_is_built():
    from procmod_lib.experiments.grids import selective_transfer

    begun = time.monotonic()
    with pytest.raises(ValueError, match="seeds must be at most 1,000, got 1,000,000,000"):
        selective_transfer("smoke", seeds=1_000_000_000)
    with pytest.raises(ValueError, match="steps must be at most 10,000,000"):
        selective_transfer("smoke", steps=10**12)
    assert time.monotonic() - begun < 1


def test_a_scheduler_that_does_not_answer_is_named_within_ten_seconds(tmp_path):
    begun = time.monotonic()
    with pytest.raises(ValueError, match="nothing answered at 'tcp://127.0.0.1:9'"):
        ensure_in(Store(tmp_path, None), runs()[:1], scheduler="tcp://127.0.0.1:9")
    assert time.monotonic() - begun < 10 + 5  # imports of dask included
