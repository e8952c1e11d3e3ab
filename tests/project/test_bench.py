"""The benchmarks: they notice a machine that is not theirs, and the script for a GPU runs."""

import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import path
import peers
import quiet
import run


def test_a_ratio_is_refused_where_others_use_the_machine_or_its_repeats_disagree():
    assert quiet.why_not([8.0, 8.2, 7.9, 8.1], others=0.0) == ""
    assert quiet.why_not([8.0, 8.2, 7.9, 8.1], others=0.5) == "others used 50 % of the machine"
    assert "its repeats disagree" in quiet.why_not([8.0, 16.0, 4.0, 12.0], others=0.0)


def test_a_busy_neighbour_is_noticed_and_one_s_own_work_is_not(monkeypatch):
    """Two cores for ten seconds, of which nine were worked: five by us, then all nine."""
    monkeypatch.setattr(quiet.os, "cpu_count", lambda: 2)
    for own, share in ((5.0, 0.2), (9.0, 0.0)):
        busy, mine, clock = iter([100.0, 109.0]), iter([10.0, 10.0 + own]), iter([0.0, 10.0])
        monkeypatch.setattr(quiet, "busy_seconds", lambda busy=busy: next(busy))
        monkeypatch.setattr(quiet, "own_seconds", lambda others, mine=mine: next(mine))
        monkeypatch.setattr(quiet.time, "monotonic", lambda clock=clock: next(clock))
        watch = quiet.Watch()
        assert watch.others() == pytest.approx(share)


def test_the_time_of_another_process_can_be_counted_as_one_s_own():
    busy = "import sys, time\nwhile time.process_time() < 0.5: pass\nprint(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        assert quiet.own_seconds((child.pid,)) - quiet.own_seconds() > 0.4
        child.stdin.close()


def test_the_script_for_a_gpu_runs_without_one():
    measured = ROOT / "bench" / "gpu.json"
    before = measured.read_bytes() if measured.exists() else None
    command = [sys.executable, ROOT / "bench" / "gpu.py", "--device", "cpu", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum("equal: losses differ by" in line for line in lines) == 4
    assert "The core grid, 820 runs" in lines[-1]
    assert (measured.read_bytes() if measured.exists() else None) == before


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
