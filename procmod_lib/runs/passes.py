"""One pass over some runs of a store: train what is missing, here or on a Dask cluster."""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import filelock
import torch

from procmod_lib.runs import cluster, files
from procmod_lib.runs.fleet import Fleet
from procmod_lib.runs.keep import Keep
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.provenance import provenance
from procmod_lib.runs.run import Run, donors_of, fleet_key, into_fleets
from procmod_lib.runs.stops import Request
from procmod_lib.runs.store import Failed, Store
from procmod_lib.runs.training import Interrupted

LOOK_AGAIN = 0.5  # seconds until a pass that waits for another asks whether it is to stop
ROUNDS = 3  # a damaged file is found when it is read, set aside, and computed again


def unfinished(runs: list[Run], store: Store, keep: Keep) -> list[Run]:
    """Those whose files are not all there and sound."""
    ends = store.load(runs).groupby("key")["step"].max()
    return [
        run
        for run in runs
        if run.key not in ends or not _has_kept(run, int(ends[run.key]), store, keep)
    ]


def _has_kept(run: Run, end: int, store: Store, keep: Keep) -> bool:
    """Whether what is to be kept of a run that ended, beside its curve, is there and sound."""
    if keep.weights and store.weights(run) is None:
        return False
    wanted = keep.steps_until(end)
    return not wanted or set(wanted) <= set(store.snapshots(run))


class Pass:
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
        return unfinished(runs, self.store, self.keep)

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
        """Train fleets in threads of this process, those that another one is at last."""
        workers, threads = self.machine.share(len(fleets))
        before = torch.get_num_threads()
        if self.machine.device == "cpu":
            torch.set_num_threads(threads)
        try:
            with ThreadPoolExecutor(workers) as pool:

                def each(some: list[list[Run]], waits: bool) -> list[list[str] | None]:
                    work = [pool.submit(self.work, fleet, threads, waits) for fleet in some]
                    return [future.result() for future in work]

                found = each(fleets, waits=False)
                busy = [f for f, failures in zip(fleets, found, strict=True) if failures is None]
                found += each(busy, waits=True)
                return [failure for failures in found for failure in failures or []]
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
            packets, costs, failed = result
            failures += failed
            if self._write(fleet, packets):
                trained = {stem for kind, stem, *_ in packets if kind == "runs"}
                self._report([run for run in fleet if run.key in trained], max(costs, default=0))
        return failures

    def _write(self, fleet: list[Run], packets: list[files.Packet]) -> bool:
        """Write what a worker made, but for runs that another process has finished meanwhile.

        False if it was asked to stop before it had the locks.
        """
        with ExitStack() as locks:
            if not self._have_all(fleet, locks):
                return False
            done = {run.key for run in fleet} - {run.key for run in self._unfinished(fleet)}
            for packet in packets:
                _, stem, *_ = packet
                if stem not in done:
                    self.store.write_packet(packet)
        return True

    def _report(self, fleet: list[Run], seconds: float) -> None:
        for run in fleet:
            self.finished += 1
            self.costs.append(seconds)
            if self.progress:
                self.progress(f"{self.finished}/{self.wanted} {run.label} in {seconds:.0f} s")

    def work(self, fleet: list[Run], threads: int, waits: bool = True) -> list[str] | None:
        """Train one fleet unless another process has; a fleet that fails is halved until the
        failing run stands alone, which is tried twice.

        Returns the failures, one sentence each; None where another process is at one of its runs
        and this one is not to wait for it.
        """
        for _ in range(2):
            with ExitStack() as locks:
                if not self._have_all(fleet, locks, waits):
                    return [] if waits else None
                mine = self._unfinished(fleet)
                if self._should_stop() or not mine:
                    return []
                error = self._train(mine, threads)
            if error is None:
                return []
            if len(mine) > 1:  # out of memory, or one of them is broken
                return self._work_on_halves(mine, threads)
        return [_failure(mine[0], error)]

    def _train(self, mine: list[Run], threads: int) -> Exception | None:
        """Train runs whose locks are held; return what went wrong."""
        try:
            together = Fleet(mine, self.store, self.machine, self.keep)
            self._report(mine, together.train(threads, self._should_stop))
        except Interrupted:
            pass
        except Exception as error:
            return error
        return None

    def _work_on_halves(self, mine: list[Run], threads: int) -> list[str]:
        """Train both halves of a fleet that failed; its checkpoint is no use to them."""
        self.store.forget_checkpoints({fleet_key(mine)})
        if self.machine.device.startswith("cuda"):
            torch.cuda.empty_cache()
        halves = mine[: len(mine) // 2], mine[len(mine) // 2 :]
        return [failure for half in halves for failure in self.work(half, threads) or []]

    def _have_all(self, fleet: list[Run], locks: ExitStack, waits: bool = True) -> bool:
        """Take the locks of a fleet, in one order for all, so that no two processes wait for each
        other; False where another process has one and this is not to wait, or is to stop before it
        has let go.
        """
        for run in sorted(fleet, key=lambda r: r.key):
            lock = self.store.lock(run)
            while not lock.is_locked:
                try:
                    lock.acquire(timeout=LOOK_AGAIN if waits else 0)
                except filelock.Timeout:
                    if not waits or self._should_stop():
                        return False
            locks.callback(lock.release)
        return True


def _failure(run: Run, error: Exception) -> str:
    return f"{run.label} ({run.key}): {type(error).__name__}: {error}"


def train_alone(fleet: list[Run], donors: list[files.Packet], machine: Machine, keep: Keep):
    """Train a fleet on a worker; return (files to send back, seconds of each member that ended,
    failures, one sentence each).
    """
    provenance(machine.device)  # now, before anybody edits the code that is about to run
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder, published=None)
        for packet in donors:
            store.write_packet(packet)
        alone = Pass(store, machine, keep)
        failures = alone.work(fleet, threads=1) or []
        return _packets(Path(folder), {run.key for run in fleet}), alone.costs, failures


def _packets(folder: Path, keys: set[str]) -> list[files.Packet]:
    """The files of a store that belong to some runs, and all records of provenance."""
    found = []
    for path in folder.glob("*/*.*.*"):
        kind, (stem, _, suffix) = path.parent.name, path.name.split(".")
        if kind == "provenance" or (kind in ("runs", "weights", "snapshots") and stem in keys):
            found.append((kind, stem, suffix, path.read_bytes()))
    return found
