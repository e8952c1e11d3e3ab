"""What a file of somebody else's store must be before anything of it is written into ours."""

import hashlib
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError

from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs import files, packs
from procmod_lib.runs.run import CEILING, COMPLETE, NO_BETTER, NON_FINITE, key_of

KINDS = {
    "provenance": ("json", re.compile(r"[0-9a-f]{12}")),
    "weights": ("safetensors", re.compile(r"[0-9a-f]{16}")),
    "snapshots": ("safetensors", re.compile(r"[0-9a-f]{16}")),
    "runs": ("parquet", re.compile(r"[0-9a-f]{16}")),
}
"""Of each folder: the suffix of its files, and what their stems look like."""

PLAIN: tuple[Callable, ...] = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_integer,
    pa.types.is_floating,
)
"""What a column may hold."""

EARLY = (CEILING, NO_BETTER, NON_FINITE)
STATUSES = (COMPLETE, *EARLY)
"""How a run may end; before its last step, or at it."""

LARGEST = 2**31  # bytes of one file
UNSOUND = (
    ValueError,
    KeyError,
    TypeError,
    OSError,
    RecursionError,
    pa.ArrowException,
    SafetensorError,
)


def sound_parts(folder: Path, columns: list[str]) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield (kind, stem, suffix, content) of every file of a store that is what it says.

    A pack is given in its runs. What is not sound is left out, and named in a warning: names that
    are no keys, links, files that are too large or do not match their digest, specs that do not
    hash to their key, columns that a run does not have, weights of another shape than their spec's.

    Args:
        folder: of the other store.
        columns: of a run's table.
    """
    if not (folder / "runs").is_dir():
        raise ValueError(f"other must be the folder of a store, got {str(folder)!r}.")
    for kind, (suffix, _) in KINDS.items():
        for path in sorted((folder / kind).glob("*")):
            if path.name.startswith("."):
                continue
            try:
                parts = _parts(path, kind, columns)
            except UNSOUND as error:
                warnings.warn(f"{kind}/{path.name} is left out: {error}", stacklevel=3)
                continue
            for stem, part in parts:
                yield kind, stem, suffix, part


def _parts(path: Path, kind: str, columns: list[str]) -> list[tuple[str, bytes]]:
    """The (stem, content) pairs of one file; raises ValueError where it is not sound."""
    suffix, stems = KINDS[kind]
    stem, digest, ending = _name(path, suffix)
    if path.is_symlink() or not path.is_file():
        raise ValueError("it is no plain file.")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes.")
    content = path.read_bytes()
    if files.digest(content) != digest:
        raise ValueError("its content does not match the digest in its name.")
    if kind == "runs" and stem == packs.STEM:
        return list(_sound_runs(path, _runs(content, columns)))
    if not stems.fullmatch(stem):
        raise ValueError(f"{stem!r} is no name that a store writes.")
    if kind == "runs":
        ((key, run),) = _runs(content, columns)
        content = _checked(key, run)
        if key != stem:
            raise ValueError(f"it holds the run {key!r}.")
    elif kind == "provenance":
        if not _is_record(json.loads(content)):
            raise ValueError("it does not say where results come from.")
        if hashlib.sha256(content).hexdigest()[: len(stem)] != stem:
            raise ValueError("its name is not the hash of its content.")
    else:
        tensors, about = files.unpack_tensors(content)
        _check_spec(stem, about["spec"])
        arch = Architecture(**json.loads(about["spec"])["architecture"])
        sizes = {name: tensor.shape for name, tensor in tensors.items()}
        if kind == "weights" and sizes != arch.shapes:
            raise ValueError("its tensors are not those of its spec's architecture.")
        if kind == "snapshots" and set(sizes.values()) != {(arch.size,)}:
            raise ValueError("its tensors are not whole models of its spec's architecture.")
        if kind == "snapshots" and not all(map(str.isdecimal, sizes)):
            raise ValueError("its tensors are not named by steps.")
    return [(stem, content)]


def _is_record(found) -> bool:
    """Whether something is a provenance record, of today or of edition 1."""
    asked = {"commit", "dirty", "versions", "device", "cores"}
    return isinstance(found, dict) and asked <= found.keys() and isinstance(found["versions"], dict)


def _sound_runs(path: Path, runs: list[tuple[str, pd.DataFrame]]) -> Iterator[tuple[str, bytes]]:
    """Those of the runs of a pack that are sound; the others are named in a warning."""
    for key, run in runs:
        try:
            yield key, _checked(key, run)
        except UNSOUND as error:
            warnings.warn(f"run {key} of runs/{path.name} is left out: {error}", stacklevel=4)


def _name(path: Path, suffix: str) -> list[str]:
    parts = path.name.split(".")
    if len(parts) != 3 or parts[2] != suffix:
        raise ValueError(f"its name is not stem.digest.{suffix}.")
    return parts


def _runs(content: bytes, columns: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """The runs of a file by their keys; raises ValueError where its columns are not a run's."""
    schema = pq.read_schema(io.BytesIO(content))
    names = [name for name in schema.names if not name.startswith("__index")]
    if set(names) != set(columns):
        raise ValueError(f"its columns are {', '.join(names)}.")
    for field in schema:
        if not any(is_kind(field.type) for is_kind in PLAIN):
            raise ValueError(f"its column {field.name} holds {field.type}.")
    table = pd.read_parquet(io.BytesIO(content))
    return [(str(key), run.reset_index(drop=True)[columns]) for key, run in table.groupby("key")]


def _checked(key: str, run: pd.DataFrame) -> bytes:
    """The file of one run; raises ValueError where it is not what its spec says."""
    for spec in run["spec"].unique():
        _check_spec(key, spec)
    _check_rows(run)
    return packs.parquet(run)


def _check_rows(run: pd.DataFrame) -> None:
    """Raise ValueError where the rows of a run say something else than its spec, or are not all."""
    spec = json.loads(run["spec"].iloc[0])
    said = {
        "diagnostic": spec["task"]["task"],
        "initial_condition": spec["initial_condition"],
        "seed": spec["seed"],
    }
    for column, value in said.items():
        if (run[column] != value).any():
            raise ValueError(f"{column} is not that of its spec, {value!r}.")
    if not run["step"].is_unique:
        raise ValueError("a step stands in it twice.")
    if set(run["status"]) - set(STATUSES) or run["status"].nunique() != 1:
        raise ValueError(f"its status is none of {', '.join(STATUSES)}.")
    is_early = run["status"].iloc[0] in EARLY
    if run["step"].max() != spec["budget"]["steps"] and not is_early:
        raise ValueError(f"it ends at step {run['step'].max()} of {spec['budget']['steps']}.")


def _check_spec(key: str, spec: str) -> None:
    """Raise ValueError unless a spec hashes to its key."""
    if key_of(json.loads(spec)) != key:
        raise ValueError(f"the spec of {key!r} does not hash to it.")
