"""Compute what is missing in a store: donors first, each run once, here or on a Dask cluster."""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import filelock
import pandas as pd
import torch

from procmod_lib.runs import cluster, files
from procmod_lib.runs.fleet import Fleet
from procmod_lib.runs.keep import Keep
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.provenance import provenance
from procmod_lib.runs.run import Run, donors_of, each_once, generations, into_fleets
from procmod_lib.runs.stops import Request, Stopped, kernel_waits, stop_on_request, tell
from procmod_lib.runs.store import Failed, Store
from procmod_lib.runs.training import Interrupted

LOOK_AGAIN = 0.5  # seconds until a sweep that waits for another asks whether it is to stop
ROUNDS = 3  # a damaged file is found when it is read, set aside, and computed again


def ensure(
    runs: list[Run],
    store: Store,
    machine: Machine | None = None,
    *,
    keep_weights: bool = False,
    snapshots: tuple[int, ...] = (),
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Compute what is missing, donors first, and return the table of all ``runs``.

    Each finished run is written at once; an interrupted one goes on from its last checkpoint;
    several processes may work on one folder. On a CPU each core trains a run of its own.

    Args:
        runs: what is wanted; one that is named twice is one.
        store: where results are and go.
        machine: where and how to train.
        keep_weights: keep the trained weights of these runs too (those of donors always are).
        snapshots: steps after which the weights of these runs are kept, see
            :class:`procmod_lib.runs.keep.Keep`.
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
    keep = Keep(keep_weights, tuple(snapshots))
    provenance(machine.device)  # now, before anybody edits the code that is about to run
    stages = generations(runs)
    failures: list[str] = []
    with kernel_waits(), stop_on_request() as request:
        how = dict(deadline=deadline, progress=progress, request=request)
        for stage in stages:
            kept = keep if stage is stages[-1] else Keep(weights=True)
            possible = _without_lost_donors(stage, store) if failures else stage
            try:
                Sweep(store, machine, kept, **how).run(possible)
            except Failed as failed:
                failures.append(str(failed))
        if request.number is not None:
            raise _stopped(request.number, runs, store, machine, failures)
    if failures:
        raise Failed("; ".join(failures))
    store.tidy()
    return store.load(runs)


def _without_lost_donors(runs: list[Run], store: Store) -> list[Run]:
    """Those of some runs whose donors are all in the store."""
    lost = {donor.key for donor in store.missing(donors_of(runs))}
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


class Sweep:
    """One pass over some runs of a store.

    Args:
        store: where results are and go.
        machine: where and how to train.
        keep: what is kept beside the curves.
        deadline: moment on the monotonic clock after which nothing new is trained.
        request: set where a signal asked to stop.
        progress: called with one line of text when a run ends.
    """

    def __init__(
        self,
        store: Store,
        machine: Machine,
        keep: Keep,
        *,
        deadline: float | None = None,
        progress: Callable[[str], None] | None = None,
        request: Request | None = None,
    ):
        self.store, self.machine, self.keep = store, machine, keep
        self.deadline, self.progress, self.request = deadline, progress, request or Request()
        self.wanted = self.finished = 0
        self.costs: list[float] = []

    def run(self, runs: list[Run]) -> None:
        """Train what is missing."""
        for _ in range(ROUNDS):
            pending = self._unfinished(runs)
            self.store.forget_checkpoints({run.key for run in runs} - {run.key for run in pending})
            if not pending or self._should_stop():
                return
            self._compute(pending)

    def _unfinished(self, runs: list[Run]) -> list[Run]:
        """Those whose files are not all there and sound."""
        table = self.store.load(runs)
        ends = table.groupby("key")["step"].max()
        return [
            run for run in runs if run.key not in ends or not self._has_kept(run, ends[run.key])
        ]

    def _has_kept(self, run: Run, end: int) -> bool:
        """Whether what is to be kept of a finished run, beside its curve, is there and sound."""
        if self.keep.weights and self.store.weights(run) is None:
            return False
        wanted = self.keep.steps_until(int(end))
        return not wanted or set(wanted) <= set(self.store.snapshots(run))

    def _should_stop(self) -> bool:
        if self.request.asked():
            return True
        return self.deadline is not None and time.monotonic() > self.deadline

    def _compute(self, pending: list[Run]) -> None:
        """Train what is pending, fleet by fleet.

        Raise Failed at the end for those that failed twice.
        """
        fleets = into_fleets(pending, self.machine.device)
        self.wanted, self.finished = len(pending), 0
        failures = self._elsewhere(fleets) if self.machine.scheduler else self._here(fleets)
        if failures:
            raise Failed("; ".join(failures))

    def _here(self, fleets: list[list[Run]]) -> list[str]:
        workers, threads = self.machine.share(len(fleets))
        before = torch.get_num_threads()
        if self.machine.device == "cpu":
            torch.set_num_threads(threads)
        try:
            with ThreadPoolExecutor(workers) as pool:
                work = [pool.submit(self.work, fleet, threads) for fleet in fleets]
                return [failure for future in work for failure in future.result()]
        finally:
            torch.set_num_threads(before)

    def _elsewhere(self, fleets: list[list[Run]]) -> list[str]:
        """Train fleets on a cluster and write what comes back.

        A worker's own machine has no scheduler and no deadline.
        """
        machine = replace(self.machine, scheduler=None, time_budget=None)
        donors = {
            donor.key: self.store.weights_file(donor)
            for fleet in fleets
            for donor in donors_of(fleet)
        }
        jobs = [
            (fleet, [donors[d.key] for d in donors_of(fleet)], machine, self.keep)
            for fleet in fleets
        ]
        failures = []
        for (fleet, *_), result in cluster.each_result(
            self.machine.scheduler, train_alone, jobs, self._should_stop
        ):
            if isinstance(result, Exception):
                failures += [_failure(run, result) for run in fleet]
                continue
            packets, seconds = result
            self._write(fleet, packets)
            self._report(fleet, seconds)
        return failures

    def _write(self, fleet: list[Run], packets: list[files.Packet]) -> None:
        """Write what a worker made, but for runs that another process has finished meanwhile."""
        with ExitStack() as locks:
            if not self._have_all(fleet, locks):
                return
            done = {run.key for run in fleet} - {run.key for run in self._unfinished(fleet)}
            for packet in packets:
                _, stem, *_ = packet
                if stem not in done:
                    self.store.write_packet(packet)

    def _report(self, fleet: list[Run], seconds: float) -> None:
        for run in fleet:
            self.finished += 1
            self.costs.append(seconds)
            if self.progress:
                self.progress(f"{self.finished}/{self.wanted} {run.label} in {seconds:.0f} s")

    def work(self, fleet: list[Run], threads: int) -> list[str]:
        """Train one fleet unless another process has; a fleet that fails is halved until the
        failing run stands alone.

        Returns the failures, one sentence each. A run that fails alone is tried twice.
        """
        for attempt in (1, 2):
            with ExitStack() as locks:
                if not self._have_all(fleet, locks):
                    return []
                mine = self._unfinished(fleet)
                if self._should_stop() or not mine:
                    return []
                try:
                    together = Fleet(mine, self.store, self.machine, self.keep)
                    self._report(mine, together.train(threads, self._should_stop))
                    return []
                except Interrupted:
                    return []
                except Exception as error:
                    if len(mine) == 1 and attempt == 2:
                        return [_failure(mine[0], error)]
            if len(mine) > 1:  # out of memory, or one of them is broken
                if self.machine.device.startswith("cuda"):
                    torch.cuda.empty_cache()
                halves = mine[: len(mine) // 2], mine[len(mine) // 2 :]
                return [failure for half in halves for failure in self.work(half, threads)]
        return []

    def _have_all(self, fleet: list[Run], locks: ExitStack) -> bool:
        """Take the locks of a fleet, in one order for all, so that no two processes wait for each
        other; False where the sweep is to stop before another process has let go.
        """
        for run in sorted(fleet, key=lambda r: r.key):
            lock = self.store.lock(run)
            while not lock.is_locked:
                try:
                    lock.acquire(timeout=LOOK_AGAIN)
                except filelock.Timeout:
                    if self._should_stop():
                        return False
            locks.callback(lock.release)
        return True


def _failure(run: Run, error: Exception) -> str:
    return f"{run.label} ({run.key}): {type(error).__name__}: {error}"


def train_alone(fleet: list[Run], donors: list[files.Packet], machine: Machine, keep: Keep):
    """Train a fleet on a worker; return (files to send back, seconds a member)."""
    provenance(machine.device)  # now, before anybody edits the code that is about to run
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder, published=None)
        for packet in donors:
            store.write_packet(packet)
        sweep = Sweep(store, machine, keep)
        failures = sweep.work(fleet, threads=1)
        if failures:
            raise RuntimeError("; ".join(failures))
        return _packets(Path(folder), {run.key for run in fleet}), sweep.costs[0]


def _packets(folder: Path, keys: set[str]) -> list[files.Packet]:
    """The files of a store that belong to some runs, and all records of provenance."""
    found = []
    for path in folder.glob("*/*.*.*"):
        kind, (stem, _, suffix) = path.parent.name, path.name.split(".")
        if kind == "provenance" or (kind in ("runs", "weights", "snapshots") and stem in keys):
            found.append((kind, stem, suffix, path.read_bytes()))
    return found
