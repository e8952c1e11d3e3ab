"""Compute what is missing in a store: donors first, each run once, here or on a Dask cluster."""

import time
from collections.abc import Callable

import pandas as pd

from procmod_lib.runs.keep import CURVES, WEIGHTS, Keep
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.passes import Pass, unfinished
from procmod_lib.runs.provenance import provenance
from procmod_lib.runs.run import Run, donors_of, each_once, with_donors
from procmod_lib.runs.stops import Stopped, kernel_waits, stop_on_request, tell
from procmod_lib.runs.store import Failed, Store


def ensure(
    runs: list[Run],
    store: Store,
    machine: Machine | None = None,
    *,
    keep: Keep = CURVES,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Compute what is missing, donors first, and return the table of all ``runs``.

    Each finished run is written at once; an interrupted one goes on from its last checkpoint;
    several processes may work on one folder. On a CPU each core trains a run of its own.

    Args:
        runs: what is wanted; one that is named twice is one.
        store: where results are and go.
        machine: where and how to train.
        keep: what of these runs is kept beside their curves; of donors the weights always are.
        progress: called with one line of text when a run ends.

    Returns:
        One row per (run, evaluation step), of the runs that are finished.

    Raises:
        Failed: a run failed twice; the message names it and its error. All that does not start from
            it was trained first.
        Stopped: Ctrl-C or SIGTERM; everything is kept.
    """
    machine, runs = machine or Machine(), each_once(runs)
    seconds = machine.time_budget
    deadline = None if seconds is None else time.monotonic() + seconds
    provenance(machine.device)  # now, before anybody edits the code that is about to run
    stages = _stages(runs, store, keep)
    failures: list[str] = []
    with kernel_waits(), stop_on_request() as request:
        how = dict(deadline=deadline, progress=progress, request=request)
        for stage in stages:
            kept = keep if stage is stages[-1] else WEIGHTS
            possible = _without_lost_donors(stage, store) if failures else stage
            try:
                Pass(store, machine, kept, **how).run(possible)
            except Failed as failed:
                failures.append(str(failed))
        if request.number is not None:
            raise _stopped(request.number, runs, store, machine, failures)
    if failures:
        raise Failed("; ".join(failures))
    store.tidy()
    return store.load(runs)


def lacking(runs: list[Run], store: Store, keep: Keep = CURVES) -> list[Run]:
    """What :func:`ensure` would train, by name alone, donors first: runs that are not finished, the
    weights that these start from, and sources without a curve.
    """
    every = with_donors(runs)
    pending = store.missing(runs, keep)
    found = {run.key for run in [*pending, *store.missing(every)]}
    while pending:
        pending = store.missing(donors_of(pending), WEIGHTS)
        found |= {run.key for run in pending}
    return [run for run in every if run.key in found]


def _stages(runs: list[Run], store: Store, keep: Keep) -> list[list[Run]]:
    """Runs, behind them the donors of those that are not finished and those without a curve, behind
    these their own, and so on.
    """
    stages = [runs]
    while True:
        pending = unfinished(stages[0], store, keep)
        donors = donors_of(pending) + store.missing(donors_of(stages[0]))
        if not donors:
            return stages
        stages.insert(0, each_once(donors))
        keep = WEIGHTS


def _without_lost_donors(runs: list[Run], store: Store) -> list[Run]:
    """Those of some runs whose donors are all in the store."""
    lost = {donor.key for donor in store.missing(donors_of(runs), WEIGHTS)}
    return [run for run in runs if not lost & {donor.key for _, donor in run.donors}]


def _stopped(
    number: int, runs: list[Run], store: Store, machine: Machine, failures: list[str]
) -> Stopped:
    """What is told and raised after a signal."""
    done = len(runs) - len(store.missing(runs))
    kept = (
        "they and the checkpoints of those under way are kept"
        if machine.scheduler is None
        else "they are kept, those under way on the cluster begin anew"
    )
    text = f"{done} of {len(runs)} runs are finished; {kept}. The same command goes on from there."
    text = " ".join([text, *failures])
    tell(text)
    return Stopped(number, text)
