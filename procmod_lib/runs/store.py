"""The store of results: it computes each run once, and knows where each came from."""

import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save

from procmod_lib.initial import initialise
from procmod_lib.network import gpt2 as model
from procmod_lib.runs import files, packs
from procmod_lib.runs.training import SCHEMA, Interrupted, Run, State, fleet_key, split, train

PUBLISHED = Path(__file__).resolve().parent.parent.parent / "book" / "results"
COLUMNS = ["diagnostic", "initial_condition", "preset", "seed", "step", "token_accuracy", "exact_match", "loss", "status",
           "started", "seconds", "key", "provenance", "spec"]  # fmt: skip
CHECKPOINT_SECONDS = 30.0


class Failed(RuntimeError):
    """Some runs could not be computed; the others are in the store."""


class Store:
    """A folder of results and weights, one file a run, and the read-only published one behind it.

    Args:
        folder: where new results go; made if it is missing.
        published: a store that is only read, or None.

    Raises:
        ValueError: the folder cannot be written.
    """

    def __init__(self, folder: str | Path, published: str | Path | None = PUBLISHED):
        self.folder = Path(folder).expanduser().resolve()
        self.published = None if published is None or Path(published).resolve() == self.folder else Path(published)
        try:
            for name in ("runs", "weights", "checkpoints", "locks", "provenance"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            files.write(self.folder / "locks", "writable", "probe", b"")
        except OSError as error:
            raise ValueError(f"store must be a folder that can be written, got {str(folder)!r} ({error.strerror}).") from None

    @property
    def _places(self) -> list[Path]:
        return [self.folder] + ([self.published] if self.published and self.published.is_dir() else [])

    def find(self, run: Run) -> pd.DataFrame | None:
        """Return the table of a finished run, one row an evaluation, or None."""
        for place in self._places:
            content = files.read(place / "runs", run.key, "parquet")
            if content is not None:
                table = pd.read_parquet(io.BytesIO(content))
            elif pack := packs.holding(place, run.key):
                table = pd.read_parquet(pack, filters=[("key", "==", run.key)])
            else:
                continue
            return table.assign(preset=run.preset) if run.preset else table
        return None

    def has(self, run: Run) -> bool:
        """Whether a run is finished, by name alone."""
        return any(self._holds(place, run.key) for place in self._places)

    @staticmethod
    def _holds(place: Path, key: str) -> bool:
        return bool(next((place / "runs").glob(f"{key}.*.parquet"), None) or packs.holding(place, key))

    def _content(self, kind: str, stem: str, suffix: str) -> bytes | None:
        """The bytes of a sound file of this store, or else of the published one."""
        return next((c for place in self._places if (c := files.read(place / kind, stem, suffix)) is not None), None)

    def view(self, **equals) -> pd.DataFrame:
        """Return all rows of the store where columns equal values, for example ``diagnostic="haystack", seed=3``.

        Reads no more of packed runs than the rows asked for; runs not yet packed are read one by one.
        """
        unknown = [c for c in equals if c not in COLUMNS]
        if unknown:
            raise ValueError(f"view has no column {unknown[0]!r}; there are {', '.join(COLUMNS)}.")
        tables = [packs.rows(place, equals) for place in self._places]
        return pd.concat(tables, ignore_index=True).drop_duplicates(["key", "step"])

    def weights(self, run: Run) -> np.ndarray | None:
        """Return the trained weights (P,) of a run, or None."""
        content = self._content("weights", run.key, "safetensors")
        if content is None:
            return None
        tensors, _ = files.unpack_tensors(content)
        return np.concatenate([tensors[n].reshape(-1) for n in run.arch.shapes])

    def origin(self, provenance: str) -> dict:
        """Return the facts behind a provenance id: commit, versions, device; they say so where the record is lost."""
        content, unknown = self._content("provenance", provenance, "json"), "unknown: its record is damaged or missing"
        lost = {"schema": SCHEMA, "commit": unknown, "dirty": False, "versions": {"torch": "unknown"}, "device": "unknown", "cores": 0}
        return lost if content is None else json.loads(content)

    def donor_file(self, run: Run) -> tuple[str, str, str, bytes]:
        """Return a pretrained run's weights as (folder, stem, suffix, content), to send to another machine."""
        content = self._content("weights", run.key, "safetensors")
        if content is None:
            raise Failed(f"the pretrained weights of {run.label} are not in the store")
        return "weights", run.key, "safetensors", content

    def merge(self, other: str | Path) -> int:
        """Copy what another store has and this one lacks; returns the number of files written. Damaged files are left out."""
        written = 0
        for kind in ("provenance", "weights", "runs"):
            for path in sorted((Path(other) / kind).glob("*.*.*")):
                stem, _, suffix = path.name.split(".")
                if (content := files.read(path.parent, stem, suffix)) is None:
                    continue
                for name, part in packs.split(content) if stem == "pack" else [(stem, content)]:
                    there = self._holds(self.folder, name) if kind == "runs" else next((self.folder / kind).glob(f"{name}.*.{suffix}"), None)
                    if not there:
                        files.write(self.folder / kind, name, suffix, part)
                        written += 1
        return written

    def load(self, runs: list[Run]) -> pd.DataFrame:
        """Return the tidy table of those of ``runs`` that are finished: one row per (run, evaluation step)."""
        tables = [t for t in map(self.find, runs) if t is not None]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)

    def ensure(self, runs: list[Run], *, device: str = "cpu", engine: str = "auto", workers: int | None = None,
               keep_weights: bool = False, time_budget: float | None = None, progress=None, scheduler: str | None = None) -> pd.DataFrame:  # fmt: skip
        """Compute what is missing, donors first, and return the table of all ``runs``.

        Each finished run is written at once; an interrupted one goes on from its last checkpoint; several processes may
        work on one folder. On a CPU each core trains a run of its own.

        Args:
            runs: what is wanted. device, engine: see :func:`procmod_lib.training.train`. workers: runs at a time.
            keep_weights: keep the trained weights of these runs too (those of donors always are).
            time_budget: seconds after which everything is checkpointed and the table of what is finished is returned.
            progress: called with one line of text when a run ends. scheduler: None trains here; otherwise the Dask cluster of
                :func:`procmod_lib.cluster.connect`.

        Raises:
            Failed: a run failed twice; the message names it and its error.
        """
        deadline = None if time_budget is None else time.monotonic() + time_budget
        provenance(device)  # now, before anybody edits the code that is about to run
        donors = list({d.key: d for run in runs for _, d in run.donors}.values())
        if donors:
            missing = [d for d in donors if not self._done(d, keep_weights=True)]
            self._forget({d.key for d in donors} - {d.key for d in missing})
            self.ensure(missing, device=device, engine=engine, workers=workers, keep_weights=True, progress=progress, scheduler=scheduler,
                        time_budget=None if deadline is None else deadline - time.monotonic())  # fmt: skip
        for _ in range(3):  # a damaged file is found when it is read, set aside, and computed again
            tables = {r.key: (r, self.find(r)) for r in runs}
            pending = [r for r, table in tables.values() if table is None or (keep_weights and self.weights(r) is None)]
            self._forget(tables.keys() - {r.key for r in pending})
            if not pending or (deadline is not None and time.monotonic() > deadline):
                break
            self._compute(pending, device, engine, workers, keep_weights, deadline, progress, scheduler)
        return self.load(runs)

    def _forget(self, finished: set[str]) -> None:
        """Remove checkpoints that a process killed between its last two writes left of runs now finished."""
        for path in (self.folder / "checkpoints").glob("*.safetensors"):
            if path.name.split(".")[0] in finished:
                path.unlink(missing_ok=True)

    def _done(self, run: Run, keep_weights: bool) -> bool:
        return self.find(run) is not None and (not keep_weights or self.weights(run) is not None)

    def _compute(self, pending, device, engine, workers, keep_weights, deadline, progress, scheduler) -> None:
        """Train what is pending, fleet by fleet, here or on a Dask cluster; raise Failed at the end for those that failed twice."""
        fleets = split(pending, device)
        failures, finished = [], []

        def stop() -> bool:
            return deadline is not None and time.monotonic() > deadline

        def done(run: Run, seconds: float) -> None:
            finished.append(run)
            if progress:
                progress(f"{len(finished)}/{len(pending)} {run.label} in {seconds:.0f} s")

        if scheduler is not None:
            from procmod_lib.runs.cluster import train_on

            failures = train_on(scheduler, self, fleets, device, engine, keep_weights, stop, done)
        else:
            workers = max(1, min(workers or os.cpu_count() or 1, len(fleets))) if device == "cpu" else 1
            threads = max(1, (os.cpu_count() or 1) // workers)
            if device == "cpu":
                torch.set_num_threads(threads)
            with ThreadPoolExecutor(workers) as pool:
                work = [pool.submit(self.work, f, device, engine, threads, keep_weights, stop, done) for f in fleets]
                failures = [failure for future in work for failure in future.result()]
        if failures:
            raise Failed("; ".join(failures))

    def work(self, fleet: list[Run], device, engine, threads, keep_weights, stop, done) -> list[str]:
        """Train one fleet unless another process has; a fleet that fails is halved until the failing run stands alone.

        Returns the failures, one sentence each. A run that fails alone is tried twice.
        """
        for attempt in (1, 2):
            with ExitStack() as locks:
                for run in sorted(fleet, key=lambda r: r.key):  # in one order for all, so that no two processes wait for each other
                    locks.enter_context(filelock.FileLock(self.folder / "locks" / f"{run.key}.lock"))
                mine = [r for r in fleet if not self._done(r, keep_weights)]
                if stop() or not mine:
                    return []
                try:
                    seconds = self._train(mine, device, engine, threads, keep_weights, stop)
                    for run in mine:
                        done(run, seconds)
                    return []
                except Interrupted:
                    return []
                except Exception as error:
                    if len(mine) == 1 and attempt == 2:
                        return [f"{mine[0].label} ({mine[0].key}): {type(error).__name__}: {error}"]
            if len(mine) > 1:  # out of memory, or one of them is broken
                if device.startswith("cuda"):
                    torch.cuda.empty_cache()
                halves = mine[: len(mine) // 2], mine[len(mine) // 2 :]
                return [f for half in halves for f in self.work(half, device, engine, threads, keep_weights, stop, done)]
        return []

    def _train(self, fleet: list[Run], device, engine, threads, keep_weights, stop) -> float:
        """Train a fleet in lock step and write each member; return the seconds that a member cost."""
        started, begun = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        state, frozen, before = self._start(fleet, device)
        first, saved = fleet[0], time.monotonic()

        def checkpoint(state: State) -> None:
            nonlocal saved
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._checkpoint(fleet, state, before + time.monotonic() - begun)
                saved = time.monotonic()

        try:
            train(first.task, first.arch, first.budget, [r.seed for r in fleet], state, frozen, answer_mask=first.answer_mask, device=device,
                  engine=engine, threads=threads, on_step=checkpoint, should_stop=stop)  # fmt: skip
        except Interrupted:
            self._checkpoint(fleet, state, before + time.monotonic() - begun)
            raise
        seconds = (before + time.monotonic() - begun) / len(fleet)
        for i, run in enumerate(fleet):
            if keep_weights:
                tensors = {n: np.ascontiguousarray(v) for n, v in model.views(state.weights[i].cpu().numpy(), run.arch).items()}
                meta = {"spec": json.dumps(run.spec(), sort_keys=True), "provenance": self._provenance(device)}
                files.write(self.folder / "weights", run.key, "safetensors", save(tensors, meta))
            self._write(run, state, i, started, seconds, device)
        for old in (self.folder / "checkpoints").glob(f"{fleet_key(fleet)}.*"):
            old.unlink(missing_ok=True)
        return seconds

    def _start(self, fleet: list[Run], device: str):
        """Return (state, frozen (S, P), seconds spent so far), from the last checkpoint if there is one."""
        begun = [self._initial(run) for run in fleet]
        frozen = np.stack([f for _, f in begun])
        content = files.read(self.folder / "checkpoints", fleet_key(fleet), "safetensors")
        if content is not None:
            tensors, metadata = files.unpack_tensors(content)
            return State.from_tensors(tensors, metadata, device), frozen, float(metadata["seconds"])
        return State.start(np.stack([w for w, _ in begun]), device, fleet[0].task), frozen, 0.0

    def _initial(self, run: Run) -> tuple[np.ndarray, np.ndarray]:
        """Return (weights (P,), frozen (P,)) that a run starts from."""
        donors = {name: (self.weights(donor), donor.arch) for name, donor in run.donors}
        if absent := [name for name, (weights, _) in donors.items() if weights is None]:
            raise Failed(f"the pretrained weights of {', '.join(absent)} are not in the store")
        fresh = model.fresh(run.arch, "init", run.task.name, run.seed)
        return initialise(run.condition, fresh, run.arch, donors, run.seed)[:2]

    def _checkpoint(self, fleet: list[Run], state: State, seconds: float) -> None:
        tensors, metadata = state.to_tensors()
        files.write(self.folder / "checkpoints", fleet_key(fleet), "safetensors", save(tensors, metadata | {"seconds": str(seconds)}))

    def _write(self, run: Run, state: State, member: int, started: str, seconds: float, device: str) -> None:
        table = pd.DataFrame(state.curves[member])
        finite = bool(np.isfinite(table[["loss"]].to_numpy()).all())
        status = "complete" if state.step == run.budget.steps else "ceiling"
        table = table.assign(
            diagnostic=run.task.name, initial_condition=str(run.condition), preset=run.preset, seed=run.seed,
            status=status if finite else "non-finite", started=started, seconds=seconds, key=run.key,
            provenance=self._provenance(device), spec=json.dumps(run.spec(), sort_keys=True),
        )[COLUMNS]  # fmt: skip
        files.write(self.folder / "runs", run.key, "parquet", packs.parquet(table))

    def _provenance(self, device: str) -> str:
        """Write where results come from, once a process and device, and return its id."""
        facts = provenance(device)
        content = json.dumps(facts, indent=1, sort_keys=True).encode()
        name = hashlib.sha256(content).hexdigest()[:12]
        if not list((self.folder / "provenance").glob(f"{name}.*.json")):
            files.write(self.folder / "provenance", name, "json", content)
        return name


_FACTS: dict[str, dict] = {}


def provenance(device: str) -> dict:
    """Return the commit, versions and machine that results come from."""
    if device not in _FACTS:
        here = PUBLISHED.parent.parent

        def git(*words):
            try:
                out = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=30)
                return out.stdout.strip() if out.returncode == 0 else ""
            except OSError:
                return ""

        modules = {n: m.__version__ for n in ("torch", "numpy", "pandas", "numba") if (m := sys.modules.get(n))}
        _FACTS[device] = {
            "schema": SCHEMA, "commit": git("rev-parse", "HEAD") or "unknown",
            "dirty": bool(git("status", "--porcelain", "--", "procmod_lib")), "versions": {"python": platform.python_version(), **modules},
            "device": torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine(), "cores": os.cpu_count(),
        }  # fmt: skip
    return _FACTS[device]
