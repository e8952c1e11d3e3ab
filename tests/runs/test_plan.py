"""What a sweep would cost: what a run does once is counted once."""

import pytest

from procmod_lib.experiments.make_runs import fine_tuning_run, pretraining_run
from procmod_lib.runs import plan
from procmod_lib.runs.machine import Machine
from procmod_lib.tasks import Task

DRAW, STEP, EVALUATION = 8.0, 0.25, 0.5  # seconds


@pytest.mark.parametrize(
    "run, draws",
    [
        (fine_tuning_run("haystack", "scratch", "standard", 0), 1),
        (pretraining_run("identity", "standard", 0, "closest"), 2),
    ],
    ids=["test samples", "and a pool"],
)
def test_drawing_is_counted_once_and_steps_and_evaluations_each_time(monkeypatch, run, draws):
    now = [0.0]

    def batch(self, count, *path):
        now[0] += DRAW

    def train(task, arch, budget, *rest, **how):
        now[0] += draws * DRAW + budget.steps * STEP + 2 * EVALUATION

    monkeypatch.setattr(plan.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(plan, "train", train)
    monkeypatch.setattr(Task, "batch", batch)
    evaluations = run.budget.steps / run.budget.evaluate_every + 1
    expected = draws * DRAW + run.budget.steps * STEP + evaluations * (EVALUATION + STEP / 2)
    assert plan.seconds_per_run(run, Machine(), (1, 1)) == pytest.approx(expected)
