"""The store of results: one file a run, packs of many, and the read-only published store behind it.

It knows nothing of training.
"""

import hashlib
import io
import json
from numbers import Real
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
from safetensors.numpy import save

from procmod_lib.runs import files, packs, provenance, strangers
from procmod_lib.runs.keep import CURVES, Keep
from procmod_lib.runs.run import Run, each_once

PROJECT = provenance.PROJECT
PUBLISHED = PROJECT / "book" / "results"
FOLDERS = ("runs", "weights", "snapshots", "checkpoints", "locks", "provenance")
MANY = 2000  # runs not yet packed: reading one by one takes longer than packing them
COLUMNS = [
    "diagnostic",
    "initial_condition",
    "preset",
    "seed",
    "step",
    "token_accuracy",
    "exact_match",
    "loss",
    "status",
    "started",
    "seconds",
    "key",
    "provenance",
    "spec",
]
NUMBERS = {"seed", "step", "token_accuracy", "exact_match", "loss", "seconds"}
"""Those of the columns that hold numbers; the others hold text."""


class Failed(RuntimeError):
    """Some runs could not be computed; the others are in the store."""


def folder_of(store: str) -> Path:
    """The folder that a text names: ``published`` is the book's; another relative one is below the
    project, wherever the process was started.

    Raises:
        ValueError: it is no text, or an empty one.
    """
    if not isinstance(store, str) or not store.strip():
        raise ValueError(f"store must be the path of a folder, got {store!r}.")
    return PUBLISHED if store == "published" else PROJECT / _at_home(store)


def _at_home(folder: str | Path) -> Path:
    """The path, with the home folder in place of ``~``."""
    try:
        return Path(folder).expanduser()
    except RuntimeError:  # nobody of that name has one
        raise ValueError(
            f"store must be the path of a folder; nobody has the home of {str(folder)!r}."
        ) from None


def _stems(place: Path, kind: str) -> set[str]:
    """The names of all files of a kind in a folder of results, packed runs among them."""
    suffix, _ = strangers.KINDS[kind]
    alone = files.listed(place / kind, suffix).keys()  # first: packing takes them away last
    return alone | packs.keys_of(place) if kind == "runs" else set(alone)


class Store:
    """A folder of results and weights, one file a run, and the read-only published one behind it.

    Args:
        folder: where new results go; made if it is missing.
        published: a store that is only read, or None.

    Raises:
        ValueError: the folder cannot be written.
    """

    def __init__(self, folder: str | Path, published: str | Path | None = PUBLISHED):
        self.folder = _at_home(folder).resolve()
        is_own = published is not None and Path(published).resolve() == self.folder
        self.published = None if published is None or is_own else Path(published)
        try:
            for name in FOLDERS:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            files.write(self.folder / "locks", "writable", "probe", b"")
        except (OSError, ValueError) as error:  # the latter where a name holds a zero byte
            why = getattr(error, "strerror", error)
            raise ValueError(
                f"store must be a folder that can be written, got {str(folder)!r} ({why})."
            ) from None

    # Reading

    def find(self, run: Run) -> pd.DataFrame | None:
        """Return the table of a finished run, one row an evaluation, or None."""
        table = self.load([run])
        return table if len(table) else None

    def has(self, run: Run) -> bool:
        """Whether a run is finished, by name alone."""
        return not self.missing([run])

    def missing(self, runs: list[Run], keep: Keep = CURVES) -> list[Run]:
        """Those of some runs that are not finished, by name alone; one look for all of them.

        Args:
            runs: what is looked for.
            keep: what must be there beside a curve.
        """
        left = {run.key for run in runs}
        there = [self._stems(kind) for kind in ("runs", *keep.kinds)]
        left -= set.intersection(*there)
        return [run for run in each_once(runs) if run.key in left]

    def load(self, runs: list[Run]) -> pd.DataFrame:
        """Return the tidy table of those of ``runs`` that are finished.

        One row per (run, evaluation step).
        """
        keys, diagnostics = {run.key for run in runs}, {run.task.name for run in runs}
        found: dict[str, pd.DataFrame] = {}
        for place in self._places():
            singles = files.listed(place / "runs", "parquet")
            for key in sorted((keys - found.keys()) & singles.keys()):
                content = files.read_one(singles[key])
                if content is None:  # damaged; another version of it may be sound
                    content = files.read(place / "runs", key, "parquet")
                if content is not None:
                    found[key] = pd.read_parquet(io.BytesIO(content))
            found |= packs.find_many(place, keys - found.keys(), diagnostics)
        tables = [
            found[run.key].assign(preset=run.preset) if run.preset else found[run.key]
            for run in each_once(runs)
            if run.key in found
        ]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)

    def view(self, **equals) -> pd.DataFrame:
        """Return all rows of the store where columns equal values, for example
        ``diagnostic="haystack", seed=3``.

        Of packed runs no more is read than the rows asked for; others are read one by one, and
        packed first where they are many. ``preset`` is that for which a run was first computed.
        """
        for column, value in equals.items():
            if column not in COLUMNS:
                raise ValueError(f"view has no column {column!r}; there are {', '.join(COLUMNS)}.")
            kind, allowed = ("a number", Real) if column in NUMBERS else ("text", str)
            if not isinstance(value, allowed) or isinstance(value, bool):
                raise ValueError(f"view: {column} must be {kind}, got {value!r}.")
        self.tidy()
        tables: list[pd.DataFrame] = []
        known: set[str] = set()
        for place in self._places():
            found, known = packs.rows(place, equals, known)
            tables += [table for table in found if len(table)]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)

    def weights(self, run: Run) -> np.ndarray | None:
        """Return the trained weights (P,) of a run, or None."""
        content = self._content("weights", run.key, "safetensors")
        if content is None:
            return None
        tensors, _ = files.unpack_tensors(content)
        return np.concatenate([tensors[name].reshape(-1) for name in run.arch.shapes])

    def snapshots(self, run: Run) -> dict[int, np.ndarray]:
        """Return the weights (P,) after some steps of a run, by step; empty where none are kept.

        They are kept with half precision: for looking, not for going on.
        """
        content = self._content("snapshots", run.key, "safetensors")
        if content is None:
            return {}
        tensors, _ = files.unpack_tensors(content)
        return {int(step): tensors[step].astype(np.float32) for step in sorted(tensors, key=int)}

    def weights_file(self, run: Run) -> files.Packet:
        """Return a run's weights as a file's parts, to send to another machine."""
        content = self._content("weights", run.key, "safetensors")
        if content is None:
            raise Failed(f"the pretrained weights of {run.label} are not in the store")
        return "weights", run.key, "safetensors", content

    def origin(self, name: str) -> dict:
        """Return the facts behind a provenance id: commit, versions, device.

        They say so where the record is lost.
        """
        content = self._content("provenance", name, "json")
        return provenance.lost() if content is None else json.loads(content)

    def checkpoint(self, name: str) -> tuple[dict, dict] | None:
        """Return (tensors, metadata) of a checkpoint, or None."""
        content = files.read(self.folder / "checkpoints", name, "safetensors")
        return None if content is None else files.unpack_tensors(content)

    # Writing

    def write_run(self, run: Run, table: pd.DataFrame) -> None:
        """Write the table of a finished run; its columns are COLUMNS."""
        files.write(self.folder / "runs", run.key, "parquet", packs.parquet(table[COLUMNS]))

    def write_weights(self, run: Run, tensors: dict[str, np.ndarray], facts: dict) -> None:
        """Write trained weights by parameter name, with their spec and where they come from."""
        about = {"spec": json.dumps(run.spec(), sort_keys=True), "provenance": self.record(facts)}
        content = save({n: np.ascontiguousarray(v) for n, v in tensors.items()}, about)
        files.write(self.folder / "weights", run.key, "safetensors", content)

    def write_snapshots(self, run: Run, taken: dict[int, np.ndarray], facts: dict) -> None:
        """Write the weights (P,) after some steps of a run, by step."""
        about = {"spec": json.dumps(run.spec(), sort_keys=True), "provenance": self.record(facts)}
        tensors = {str(step): flat.astype(np.float16) for step, flat in taken.items()}
        files.write(self.folder / "snapshots", run.key, "safetensors", save(tensors, about))

    def write_checkpoint(self, name: str, tensors: dict, metadata: dict) -> None:
        """Write a checkpoint in place of the one before."""
        files.write(self.folder / "checkpoints", name, "safetensors", save(tensors, metadata))

    def write_packet(self, packet: files.Packet) -> None:
        """Write a file that was made on another machine."""
        kind, stem, suffix, content = packet
        files.write(self.folder / kind, stem, suffix, content)

    def record(self, facts: dict) -> str:
        """Write where results come from, if it is not there yet; return its id."""
        content = json.dumps(facts, indent=1, sort_keys=True).encode()
        name = hashlib.sha256(content).hexdigest()[:12]
        if not list((self.folder / "provenance").glob(f"{name}.*.json")):
            files.write(self.folder / "provenance", name, "json", content)
        return name

    def forget_checkpoints(self, names: set[str]) -> None:
        """Remove checkpoints by name, such as those that a killed process left of runs now
        finished.
        """
        for path in (self.folder / "checkpoints").glob("*.safetensors"):
            if path.name.split(".")[0] in names:
                path.unlink(missing_ok=True)

    def lock(self, run: Run) -> filelock.BaseFileLock:
        """The lock under which a run is trained; whoever holds it is the only one."""
        return filelock.FileLock(self.folder / "locks" / f"{run.key}.lock")

    def merge(self, other: str | Path) -> int:
        """Copy what another store has and this one lacks; returns the number of files written.

        Whatever is not what this project writes is left out and named in a warning, see
        :mod:`procmod_lib.runs.strangers`; raises ValueError where the other is no store.
        """
        written = 0
        with self.packing():
            held = {kind: _stems(self.folder, kind) for kind in strangers.KINDS}
            for kind, stem, suffix, content in strangers.sound_parts(Path(other), COLUMNS):
                if stem not in held[kind]:
                    files.write(self.folder / kind, stem, suffix, content)
                    held[kind].add(stem)
                    written += 1
        return written

    def pack(self) -> int:
        """Put all runs in one file; returns how many. Only one process at a time does."""
        with self.packing():
            return packs.pack(self.folder)

    def tidy(self) -> None:
        """Put very many single runs into packs of their own; does nothing where they are few."""
        if len(files.listed(self.folder / "runs", "parquet")) > MANY:
            with self.packing():
                packs.pack_singles(self.folder)

    def packing(self) -> filelock.BaseFileLock:
        """The lock under which packs are written and other stores are merged."""
        return filelock.FileLock(self.folder / "locks" / "pack.lock")

    def _stems(self, kind: str) -> set[str]:
        """The names of all files of a kind, here and published, packed runs among them."""
        return set().union(*(_stems(place, kind) for place in self._places()))

    def _places(self) -> list[Path]:
        """This store, then the published one."""
        return [self.folder] + (
            [self.published] if self.published and self.published.is_dir() else []
        )

    def _content(self, kind: str, stem: str, suffix: str) -> bytes | None:
        """The bytes of a sound file of this store, or else of the published one."""
        contents = (files.read(place / kind, stem, suffix) for place in self._places())
        return next((content for content in contents if content is not None), None)
