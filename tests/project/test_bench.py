"""The benchmarks: they notice a machine that is not theirs, and the script for a GPU runs."""

import os
import subprocess
import sys
import time

from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import path
import peers
import quiet
import run


def spin(seconds):
    """Keep a core busy, in this process."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_ratio_is_refused_where_others_use_the_machine_or_its_repeats_disagree():
    assert quiet.why_not([8.0, 8.2, 7.9, 8.1], others=0.0) == ""
    assert quiet.why_not([8.0, 8.2, 7.9, 8.1], others=0.5) == "others used 50 % of the machine"
    assert "its repeats disagree" in quiet.why_not([8.0, 16.0, 4.0, 12.0], others=0.0)


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


def test_the_table_of_the_readme_is_what_was_measured(monkeypatch, capsys):
    """One small task, a few repeats; a refused ratio is not printed."""
    monkeypatch.setattr(peers, "TASKS", {"addition": 16})
    monkeypatch.setattr(peers, "REPEATS", 3)
    monkeypatch.setattr(peers, "why_not", lambda *_: "")
    found = peers.table(1, peers=False)
    ratio = found["addition"]["ratio"]["Hugging Face"][0]
    assert ratio > 0
    assert f"Hugging Face {ratio:.1f}x" in capsys.readouterr().out
    head, _, plain, ours = run.readme_table(found)
    assert head == "| times ours | addition |"
    assert plain.startswith(f"| Hugging Face | {ratio:.1f} (")
    assert ours == f"| a step of ours | {found['addition']['ms']['ours']:.1f} ms |"
    found["addition"]["refused"]["Hugging Face"] = "others used 50 % of the machine"
    assert run.readme_table(found)[2] == "| Hugging Face | no ratio |"


def test_where_the_time_goes_is_said(monkeypatch, capsys):
    monkeypatch.setattr(path, "STEPS", 10)
    path.main()
    said = capsys.readouterr().out
    for word in (
        "gradient",
        "data",
        "evaluation",
        "optimiser",
        "start-up",
        "two runs side by side",
    ):
        assert word in said
