"""Many finished runs in one Parquet file, so that a large store stays quick to read and small to
publish.
"""

import io
import json
import os
from collections.abc import Callable, Iterable, Set
from functools import lru_cache, wraps
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from procmod_lib.runs import files

STEM = "pack"
AT_ONCE = 2_000  # single runs that are put into one pack without being asked
ROWS = 100_000  # rows a row group: what one filtered read takes at least


def again(read: Callable) -> Callable:
    """Decorate a function that reads packs: where another process has just put a newer pack in
    the place of one, it reads again.
    """

    @wraps(read)
    def patient(*arguments):
        for _ in range(5):
            try:
                return read(*arguments)
            except FileNotFoundError:
                continue
        return read(*arguments)

    return patient


def pack(folder: Path) -> int:
    """Gather all single runs of a store and its packs into one pack; returns the number of runs in
    it.

    The pack is complete on disk before any single file is removed.
    """
    paths = list((folder / "runs").glob("*.parquet"))
    contents = {path: files.read_one(path) for path in paths}
    content, count = _gathered(contents)
    if not count:
        return 0
    files.write(folder / "runs", STEM, "parquet", content)
    _remove_singles(contents)
    return count


def pack_singles(folder: Path) -> None:
    """Gather single runs into packs beside those that are there, which are left as they are."""
    listed = files.listed(folder / "runs", "parquet")
    singles = [path for stem, path in sorted(listed.items()) if stem != STEM]
    for first in range(0, len(singles), AT_ONCE):
        contents = {path: files.read_one(path) for path in singles[first : first + AT_ONCE]}
        content, count = _gathered(contents)
        if count:
            files.put(folder / "runs" / f"{STEM}.{files.digest(content)}.parquet", content)
            _remove_singles(contents)


def _gathered(contents: dict[Path, bytes | None]) -> tuple[bytes, int]:
    """One pack of what some files hold, and how many runs are in it.

    Of a run that several hold one version is kept, whole: that of a single file, which is newer,
    before a pack's. Rows are sorted, so a filtered read takes only its own row groups.
    """
    found = [contents[path] for path in _singles_first(contents)]
    sound = [pd.read_parquet(io.BytesIO(content)) for content in found if content]
    if not sound:
        return b"", 0
    table = first_of_each(sound)
    keys = sorted(table["key"].unique())
    rows = table.sort_values(["diagnostic", "initial_condition", "seed", "key", "step"])
    arrow = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(
        {"keys": json.dumps(keys)}
    )
    buffer = io.BytesIO()
    pq.write_table(arrow, buffer, compression="zstd", row_group_size=ROWS)
    return buffer.getvalue(), len(keys)


def _singles_first(paths: Iterable[Path]) -> list[Path]:
    """The files of single runs, then packs."""
    return sorted(paths, key=lambda path: (path.name.startswith(f"{STEM}."), path.name))


def first_of_each(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of some tables, each run's from the first that holds it and from no other."""
    parts: list[pd.DataFrame] = []
    known: set[str] = set()
    for table in tables:
        parts.append(table[~table["key"].isin(known)])
        known |= set(table["key"])
    return pd.concat(parts, ignore_index=True)


def _remove_singles(contents: dict[Path, bytes | None]) -> None:
    """Remove the files of single runs that are now in a pack; what was damaged is in none."""
    for path, content in contents.items():
        if content and not path.name.startswith(f"{STEM}."):
            path.unlink(missing_ok=True)


def parquet(table: pd.DataFrame) -> bytes:
    """Return the bytes of a Parquet file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, compression="zstd")
    return buffer.getvalue()


@again
def keys_of(folder: Path) -> set[str]:
    """Return the keys of all runs in the packs of a store."""
    paths = (folder / "runs").glob(f"{STEM}.*.parquet")
    return {key for path in paths for key in _keys(path, os.stat(path).st_mtime_ns)}


@again
def find_many(folder: Path, keys: set[str], diagnostics: set[str]) -> dict[str, pd.DataFrame]:
    """Return the tables of those of some runs that the packs of a store hold; each pack is read
    once.

    ``diagnostics`` are those of the runs: packs are sorted by it, so little is read in vain.
    """
    found: dict[str, pd.DataFrame] = {}
    for path in (folder / "runs").glob(f"{STEM}.*.parquet"):
        here = (keys - found.keys()) & _keys(path, os.stat(path).st_mtime_ns)
        if here:
            filters = [("diagnostic", "in", sorted(diagnostics)), ("key", "in", sorted(here))]
            table = pd.read_parquet(path, filters=filters)
            found |= {str(key): run.reset_index(drop=True) for key, run in table.groupby("key")}
    return found


@again
def rows(folder: Path, equals: dict, known: Set[str]) -> tuple[list[pd.DataFrame], set[str]]:
    """Return (tables, keys): the rows of a store's runs, packed and single, where columns equal
    values, and the keys of all runs that it holds, whatever their rows.

    Args:
        folder: of the store.
        equals: values by column.
        known: keys of runs that are left out; of each other run one version has a say.
    """
    filters = [(column, "==", value) for column, value in equals.items()] or None
    tables, seen = [], set(known)
    for path in _singles_first((folder / "runs").glob("*.parquet")):
        source: Path | io.BytesIO = path
        if path.name.startswith(f"{STEM}."):
            keys: Set[str] = _keys(path, os.stat(path).st_mtime_ns)
        else:
            keys = {path.name.split(".")[0]}
            content = files.read(path.parent, *keys, "parquet")
            if content is None and not path.exists():  # it went into a pack just made
                raise FileNotFoundError(path)
            keys, source = (keys, io.BytesIO(content)) if content else (set(), path)
        if keys - seen:
            table = pd.read_parquet(source, filters=filters)
            tables.append(table[~table["key"].isin(seen)])
        seen |= keys
    return tables, seen


@lru_cache(maxsize=64)
def _keys(path: Path, changed: int) -> frozenset:
    """Keys of the runs in a pack.

    Empty, with the pack set aside, where it does not match the digest in its name.
    """
    if files.digest(path) != path.name.split(".")[-2]:
        files.set_aside(path, "its content does not match the digest in its name")
        return frozenset()
    return frozenset(json.loads(pq.read_schema(path).metadata[b"keys"]))
