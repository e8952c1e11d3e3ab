"""What a sweep would cost.

A few steps of each kind of run are timed on this machine, all cores at work.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from procmod_lib.network import gpt2
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.run import Run, bytes_per_model, fleet_size, into_fleets
from procmod_lib.runs.training import State, train
from procmod_lib.tasks import Task

FEW, NEVER = 30, 10**9  # steps that are timed; between evaluations


def estimate(missing: list[Run], machine: Machine) -> str:
    """Say how many runs are missing, a line a kind, and what they would take in all."""
    if not missing:
        return "No runs are missing."
    on_cpu, (workers, _) = machine.device == "cpu", machine.share(len(missing))
    lines, seconds, memory = [], 0.0, 0
    for fleet, each in seconds_each(missing, machine):
        seconds += each * len(fleet) / workers
        members = workers if on_cpu else min(len(fleet), fleet_size(fleet[0], machine.device))
        memory = max(memory, bytes_per_model(fleet[0]) * members)
        lines.append(f"{len(fleet):5} x {fleet[0].task.name}: {each:.0f} s each")
    where = f"{workers} cores" if on_cpu else "this GPU"
    whose = "main" if on_cpu else "its"
    minutes, gib = seconds / 60, memory / 2**30
    lines.append(
        f"{len(missing)} runs are missing: about {minutes:.1f} minutes on {where}, {gib:.1f} GiB "
        f"of {whose} memory at most."
    )
    return "\n".join(lines)


def seconds_each(missing: list[Run], machine: Machine) -> list[tuple[list[Run], float]]:
    """Return (runs of one kind, seconds that each takes) for every kind, at the machine's pace."""
    kinds = into_fleets(missing, machine.device, most=len(missing) or 1)
    members = [min(len(kind), fleet_size(kind[0], machine.device)) for kind in kinds]
    return [
        (kind, seconds_per_run(kind[0], machine, machine.share(len(missing)), together))
        for kind, together in zip(kinds, members, strict=True)
    ]


def seconds_for(missing: list[Run], machine: Machine) -> float:
    """Return the seconds that all of them would take on this machine."""
    workers, _ = machine.share(len(missing))
    return sum(len(fleet) * each for fleet, each in seconds_each(missing, machine)) / workers


def seconds_per_run(run: Run, machine: Machine, share: tuple[int, int], members: int = 1) -> float:
    """Estimate the seconds of one run from a few of its steps and two evaluations.

    Of a curriculum it is what full lists would take, and so the most.

    Args:
        run: what is timed.
        machine: where and how.
        share: (fleets at work at once, threads of each).
        members: of a fleet, among whom its time is divided.
    """
    workers, threads = share
    timed = replace(run.budget, steps=FEW, evaluate_every=NEVER, warmup=0, patience=0)
    task = run.task.with_(lengths="fixed") if run.task.first_length else run.task

    def clock(budget) -> float:
        fresh = np.tile(gpt2.fresh(run.arch, "plan"), (members, 1))
        state, seeds = State.start(fresh, machine.device, task), list(range(members))
        how = dict(device=machine.device, engine=machine.engine, threads=threads)
        begun = time.perf_counter()
        train(task, run.arch, budget, seeds, state, answer_mask=run.answer_mask, **how)
        return (time.perf_counter() - begun) / members

    one = replace(timed, steps=1)
    clock(one)  # compiles
    with ThreadPoolExecutor(workers) as pool:
        short, long = (max(pool.map(clock, [budget] * workers)) for budget in (one, timed))
    step = (long - short) / (FEW - 1) if long > short else long / FEW  # others can be at work
    drawn = _seconds_to_draw(task, timed, members)
    evaluations = run.budget.steps / run.budget.evaluate_every + 1
    return drawn + step * run.budget.steps + max(0.0, short - drawn) / 2 * evaluations


def _seconds_to_draw(task: Task, budget: Budget, members: int) -> float:
    """What a run draws once: the test samples, which a fleet shares, and a pool of its own."""
    begun = time.perf_counter()
    task.batch(budget.test_samples, "test", 0)
    if budget.pool:
        for seed in range(members):
            task.batch(budget.pool, "train", seed)
    return (time.perf_counter() - begun) / members
