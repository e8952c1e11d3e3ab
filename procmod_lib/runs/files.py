"""Files that are whole or absent.

Atomic writes, a digest in every name, damaged files set aside.
"""

import hashlib
import json
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
from safetensors.numpy import load

DIGEST = 12  # hexadecimal digits of sha256 in a file's name

Packet = tuple[str, str, str, bytes]
"""A file on its way from one store to another: (folder, stem, suffix, content)."""


def _usual_mode() -> int:
    """What a new file of this process may be read and written by."""
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


MODE = _usual_mode()  # asked once: between the two calls every file of the process is under 022


def digest(content: bytes | Path) -> str:
    """The digest of bytes, or of a file's bytes, as it stands in a file's name."""
    whole = content.read_bytes() if isinstance(content, Path) else content
    return hashlib.sha256(whole).hexdigest()[:DIGEST]


def write(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """Write ``stem.digest.suffix`` at once or not at all, then remove older versions of it.

    Return its path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{stem}.{digest(content)}.{suffix}"
    older = [path for path in folder.glob(f"{stem}.*.{suffix}") if path != target]
    put(target, content)
    for old in older:  # looked up before: of two who write at once neither removes the other's
        old.unlink(missing_ok=True)
    return target


def put(target: Path, content: bytes) -> None:
    """Write a file at once or not at all."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.chmod(temporary, MODE)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(folder: Path, stem: str, suffix: str) -> bytes | None:
    """Return the content of ``stem.*.suffix`` if it is there and matches the digest in its name.

    A file that does not match is named in a warning and moved to ``damaged`` (left in place in a
    read-only folder)."""
    for path in sorted(folder.glob(f"{stem}.*.{suffix}")):
        content = read_one(path)
        if content is not None:
            return content
    return None


def read_one(path: Path) -> bytes | None:
    """Return the content of a file if it matches the digest in its name, see :func:`read`.

    Where another process has just replaced the file, what stands in its place.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        stem, *_, suffix = path.name.split(".")
        return read(path.parent, stem, suffix)
    if digest(content) == path.name.split(".")[-2]:
        return content
    set_aside(path, "its content does not match the digest in its name")
    return None


def listed(folder: Path, suffix: str) -> dict[str, Path]:
    """The files of a folder by stem, from one look at it; of several versions any."""
    if not folder.is_dir():
        return {}
    names = (entry.name for entry in os.scandir(folder))
    return {n.split(".")[0]: folder / n for n in names if n.endswith(f".{suffix}")}


def set_aside(path: Path, why: str) -> None:
    """Move a damaged file out of the way and say so."""
    room = path.parent.parent / "damaged"
    try:
        room.mkdir(exist_ok=True)
        os.replace(path, room / path.name)
        warnings.warn(
            f"{path.name} is damaged ({why}); it was moved to {room} and will be computed again.",
            stacklevel=2,
        )
    except OSError:
        warnings.warn(
            f"{path} is damaged ({why}); it is left where it is and not used.", stacklevel=2
        )


def unpack_tensors(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return (tensors, metadata) of safetensors bytes."""
    size = int.from_bytes(content[:8], "little")
    return load(content), json.loads(content[8 : 8 + size]).get("__metadata__", {})
