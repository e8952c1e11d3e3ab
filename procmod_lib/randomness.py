"""Random streams: every random number of the book comes from a named, independent stream.

A stream is named by a path such as ``("data", "haystack", "train", 3, 120)``.
Its seed is a hash of the whole path, so neighbouring seeds, splits and steps share nothing,
which ``seed + index`` would not give.
"""

import hashlib
import json

import numpy as np

ROOT = 2505_22308  # one root for the whole project; change it and every number changes


def stream(*path: str | int) -> np.random.Generator:
    """Return the generator that belongs to ``path``, the same one in every process.

    Args:
        path: strings and integers, from the general to the particular: purpose, name, split, seed,
            step.

    Returns:
        A NumPy generator (PCG64).

    >>> bool(stream("data", 0).random() == stream("data", 0).random())
    True
    >>> bool(stream("data", 0).random() == stream("data", 1).random())
    False
    """
    digest = hashlib.sha256(json.dumps([ROOT, *path]).encode()).digest()
    return np.random.Generator(np.random.PCG64(np.frombuffer(digest, np.uint32).tolist()))


def torch_seed(*path: str | int) -> int:
    """Return a 63-bit seed for :func:`torch.manual_seed` from the stream of ``path``."""
    return int(stream(*path).integers(2**63 - 1))


def rehash(uniforms: np.ndarray) -> np.ndarray:
    """Map each row of uniforms (n, k) to a fresh row that depends on that row alone.

    A sample that must be drawn again is then the same whatever the batch it was drawn in
    (SplitMix64's mixing function, Steele et al. 2014).
    """
    bits = uniforms.view(np.uint64)
    counter = np.arange(1, bits.shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = fingerprint(bits)[:, None] + counter
    return (mix(state) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mix(z: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser on unsigned 64-bit integers of any shape."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def fingerprint(rows: np.ndarray) -> np.ndarray:
    """Hash each row of integers (n, k) to 64 bits, shape (n,)."""
    rows = rows.reshape(len(rows), -1).astype(np.uint64, copy=False)
    odd = mix(
        np.arange(1, rows.shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    ) | np.uint64(1)  # unrelated weights
    return mix((rows + np.uint64(1)) @ odd)
