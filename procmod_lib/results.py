"""Runs, their keys, and the store that computes each of them once."""

import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
import torch

from . import files, model
from .model import Architecture
from .surgery import Condition, initialise
from .tasks import Task
from .training import Budget, Interrupted, State, train

SCHEMA = 1  # raise it when the meaning of a result changes; older results are then never mixed with new ones
PUBLISHED = Path(__file__).resolve().parent.parent / "book" / "results"
COLUMNS = ["diagnostic", "initial_condition", "preset", "seed", "step", "token_accuracy", "exact_match", "loss", "status",
           "started", "seconds", "key", "provenance", "spec"]  # fmt: skip
CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Run:
    """All that determines one training run and its result.

    Attributes:
        task, arch, budget: what is learnt, by what shape, for how long. seed: names data, initialisation and perturbation.
        condition: the initial condition. donors: (source name, the Run that pretrained it) for each source of the condition.
        answer_mask: which outputs training looks at. preset: a label for the reader, not part of the key.
    """

    task: Task
    arch: Architecture
    budget: Budget
    seed: int
    condition: Condition = Condition()
    donors: tuple[tuple[str, "Run"], ...] = ()
    answer_mask: str = "reference"
    preset: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed must be a whole number, 0 or more, got {self.seed!r}.")
        if self.answer_mask not in ("reference", "full"):
            raise ValueError(f"answer_mask must be 'reference' or 'full', got {self.answer_mask!r}.")
        if set(dict(self.donors)) != set(self.condition.sources):
            raise ValueError(f"donors must be of {self.condition.sources}, got {tuple(dict(self.donors))}.")

    def spec(self) -> dict:
        """Everything the result depends on, as plain JSON values."""
        return {
            "schema": SCHEMA, "task": self.task.spec(), "architecture": self.arch.spec(), "budget": self.budget.spec(),
            "seed": self.seed, "initial_condition": str(self.condition), "answer_mask": self.answer_mask,
            "donors": {name: run.key for name, run in self.donors},
        }  # fmt: skip

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits of the hash of :meth:`spec`."""
        return hashlib.sha256(json.dumps(self.spec(), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        return f"{self.task.name} · {self.condition} · seed {self.seed}"


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
                return table.assign(preset=run.preset) if run.preset else table
        return None

    def has(self, run: Run) -> bool:
        """Whether a run is finished, by file name alone."""
        return any(next((place / "runs").glob(f"{run.key}.*.parquet"), None) for place in self._places)

    def weights(self, run: Run) -> np.ndarray | None:
        """Return the trained weights (P,) of a run, or None."""
        for place in self._places:
            content = files.read(place / "weights", run.key, "safetensors")
            if content is not None:
                tensors, _ = files.unpack_tensors(content)
                return np.concatenate([tensors[n].reshape(-1) for n in run.arch.shapes])
        return None

    def origin(self, provenance: str) -> dict:
        """Return the facts behind a provenance id: commit, versions, device."""
        for place in self._places:
            content = files.read(place / "provenance", provenance, "json")
            if content is not None:
                return json.loads(content)
        raise KeyError(f"provenance {provenance} is in none of {', '.join(map(str, self._places))}")

    def load(self, runs: list[Run]) -> pd.DataFrame:
        """Return the tidy table of those of ``runs`` that are finished: one row per (run, evaluation step)."""
        tables = [t for t in map(self.find, runs) if t is not None]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)

    def ensure(self, runs: list[Run], *, device: str = "cpu", engine: str = "auto", workers: int | None = None,
               keep_weights: bool = False, time_budget: float | None = None, progress=None) -> pd.DataFrame:  # fmt: skip
        """Compute what is missing, donors first, and return the table of all ``runs``.

        Each finished run is written at once; an interrupted one goes on from its last checkpoint; several processes may
        work on one folder. On a CPU each core trains a run of its own.

        Args:
            runs: what is wanted. device, engine: see :func:`procmod_lib.training.train`. workers: runs at a time.
            keep_weights: keep the trained weights of these runs too (those of donors always are).
            time_budget: seconds after which everything is checkpointed and the table of what is finished is returned.
            progress: called with one line of text when a run ends.

        Raises:
            Failed: a run failed twice; the message names it and its error.
        """
        deadline = None if time_budget is None else time.monotonic() + time_budget
        donors = list({d.key: d for run in runs for _, d in run.donors}.values())
        if donors:
            missing = [d for d in donors if self.weights(d) is None]
            self.ensure(missing, device=device, engine=engine, workers=workers, keep_weights=True, progress=progress,
                        time_budget=None if deadline is None else deadline - time.monotonic())  # fmt: skip
        for _ in range(3):  # a damaged file is found when it is read, set aside, and computed again
            tables = {r.key: (r, self.find(r)) for r in runs}
            pending = [r for r, table in tables.values() if table is None or (keep_weights and self.weights(r) is None)]
            if not pending or (deadline is not None and time.monotonic() > deadline):
                break
            self._compute(pending, device, engine, workers, keep_weights, deadline, progress)
        return self.load(runs)

    def _done(self, run: Run, keep_weights: bool) -> bool:
        return self.find(run) is not None and (not keep_weights or self.weights(run) is not None)

    def _compute(self, pending, device, engine, workers, keep_weights, deadline, progress) -> None:
        workers = max(1, min(workers or os.cpu_count() or 1, len(pending))) if device == "cpu" else 1
        threads = max(1, (os.cpu_count() or 1) // workers)
        if device == "cpu":
            torch.set_num_threads(threads)
        failures, finished = [], []

        def stop() -> bool:
            return bool(failures) or (deadline is not None and time.monotonic() > deadline)

        def work(run: Run) -> None:
            for attempt in (1, 2):
                try:
                    with filelock.FileLock(self.folder / "locks" / f"{run.key}.lock"):
                        if stop() or self._done(run, keep_weights):
                            return
                        seconds = self._train(run, device, engine, threads, keep_weights, stop)
                    finished.append(run)
                    if progress:
                        progress(f"{len(finished)}/{len(pending)} {run.label} in {seconds:.0f} s")
                    return
                except Interrupted:
                    return
                except Exception as error:
                    if attempt == 2:
                        failures.append(f"{run.label} ({run.key}): {type(error).__name__}: {error}")

        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(work, run) for run in pending]
            try:
                for future in futures:
                    future.result()
            except KeyboardInterrupt:
                failures.append("interrupted from the keyboard")
                raise
        if failures:
            raise Failed("; ".join(failures))

    def _train(self, run: Run, device, engine, threads, keep_weights, stop) -> float:
        started, begun = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        state, frozen, before = self._start(run, device)
        saved = time.monotonic()

        def checkpoint(state: State) -> None:
            nonlocal saved
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._checkpoint(run, state, before + time.monotonic() - begun)
                saved = time.monotonic()

        try:
            train(run.task, run.arch, run.budget, [run.seed], state, frozen[None], answer_mask=run.answer_mask, device=device,
                  engine=engine, threads=threads, on_step=checkpoint, should_stop=stop)  # fmt: skip
        except Interrupted:
            self._checkpoint(run, state, before + time.monotonic() - begun)
            raise
        seconds = before + time.monotonic() - begun
        if keep_weights:
            tensors = {n: np.ascontiguousarray(v) for n, v in model.views(state.weights[0].cpu().numpy(), run.arch).items()}
            meta = {"spec": json.dumps(run.spec(), sort_keys=True), "provenance": self._provenance(device)}
            files.write(self.folder / "weights", run.key, "safetensors", files.pack_tensors(tensors, meta))
        self._write(run, state, started, seconds, device)
        for old in (self.folder / "checkpoints").glob(f"{run.key}.*"):
            old.unlink(missing_ok=True)
        return seconds

    def _start(self, run: Run, device: str):
        """Return (state, frozen (P,), seconds spent so far), from the last checkpoint if there is one."""
        fresh = model.fresh(run.arch, "init", run.task.name, run.seed)
        donors = {name: (self.weights(donor), donor.arch) for name, donor in run.donors}
        absent = [name for name, (weights, _) in donors.items() if weights is None]
        if absent:
            raise Failed(f"the pretrained weights of {', '.join(absent)} are not in the store")
        weights, frozen, _ = initialise(run.condition, fresh, run.arch, donors, run.seed)
        content = files.read(self.folder / "checkpoints", run.key, "safetensors")
        if content is not None:
            tensors, metadata = files.unpack_tensors(content)
            return State.from_tensors(tensors, metadata, device), frozen, float(metadata["seconds"])
        return State.start(weights[None], device, run.task), frozen, 0.0

    def _checkpoint(self, run: Run, state: State, seconds: float) -> None:
        tensors, metadata = state.to_tensors()
        files.write(self.folder / "checkpoints", run.key, "safetensors",
                    files.pack_tensors(tensors, metadata | {"seconds": str(seconds)}))  # fmt: skip

    def _write(self, run: Run, state: State, started: str, seconds: float, device: str) -> None:
        table = pd.DataFrame(state.curves[0])
        finite = bool(np.isfinite(table[["loss"]].to_numpy()).all())
        status = "complete" if state.step == run.budget.steps else "ceiling"
        table = table.assign(
            diagnostic=run.task.name, initial_condition=str(run.condition), preset=run.preset, seed=run.seed,
            status=status if finite else "non-finite", started=started, seconds=seconds, key=run.key,
            provenance=self._provenance(device), spec=json.dumps(run.spec(), sort_keys=True),
        )[COLUMNS]  # fmt: skip
        buffer = io.BytesIO()
        table.to_parquet(buffer, compression="zstd")
        files.write(self.folder / "runs", run.key, "parquet", buffer.getvalue())

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
        here = Path(__file__).resolve().parent.parent

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
