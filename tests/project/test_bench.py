"""The benchmarks: they notice a machine that is not theirs, and the script for a GPU runs."""

import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import quiet


def spin(seconds):
    """Keep a core busy, in this process."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_ratio_is_refused_where_others_use_the_machine_or_its_repeats_disagree():
    assert quiet.why_not([8.0, 8.2, 7.9, 8.1], others=0.0) == ""
    assert quiet.why_not([8.0, 8.2, 7.9, 8.1], others=0.5) == "others used 50 % of the machine"
    assert "its repeats disagree" in quiet.why_not([8.0, 16.0, 4.0, 12.0], others=0.0)


@pytest.mark.skipif(not quiet.STAT.exists(), reason="only Linux counts what others use")
def test_a_busy_neighbour_is_noticed_and_one_s_own_work_is_not():
    """What this process does is its own; a neighbour on another core is not."""
    command = [sys.executable, "-c", "while True: pass"]
    neighbour = subprocess.Popen(command)
    try:
        time.sleep(0.3)
        watch = quiet.Watch()
        spin(1.0)
        with_neighbour = watch.others()
        watch = quiet.Watch((neighbour.pid,))
        spin(1.0)
        as_mine = watch.others()
    finally:
        neighbour.kill()
        neighbour.wait()
    assert with_neighbour > 0.3 / (os.cpu_count() or 1)
    assert as_mine < with_neighbour


def test_the_script_for_a_gpu_runs_without_one():
    command = [sys.executable, ROOT / "bench" / "gpu.py", "--device", "cpu", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum("equal: losses differ by" in line for line in lines) == 4
    assert "The core grid, 820 runs" in lines[-1]
    assert not (ROOT / "bench" / "gpu.json").exists()
