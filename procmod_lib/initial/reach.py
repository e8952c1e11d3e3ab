"""Which tensors of a model a condition replaces, and what of each."""

import numpy as np

from procmod_lib.initial.words import PARTS, WORDS, Copy, Cut, Words, Write
from procmod_lib.network.gpt2 import Architecture, part_of


def source_of(condition: Words, name: str) -> str:
    """The source that this parameter is copied from, or the empty string."""
    part = part_of(name)
    return next((s for word, s in condition.of_kind(Copy).items() if part in WORDS[word].parts), "")


def spread_of(condition: Words, name: str, shape: tuple[int, ...]) -> float:
    """The standard deviation with which this parameter is written by hand, or 0.

    Biases and norms never are.
    """
    for word, value in condition.of_kind(Write).items():
        if part_of(name) in WORDS[word].parts(value) and name.endswith("weight"):
            return float(WORDS[word].spread(value, name, shape))
    return 0.0


def cut(condition: Words, name: str, arch: Architecture):
    """Index of the entries of a tensor that are replaced.

    All (...), some columns or rows, or None for none.
    """
    masks = [WORDS[word].keeps(value, name, arch) for word, value in condition.of_kind(Cut).items()]
    if any(mask is False for mask in masks):
        return None
    masks = [mask for mask in masks if mask is not True]
    if not masks:
        return ...
    kept = np.flatnonzero(np.logical_and.reduce(masks))
    if not len(kept):
        return None
    return (..., kept) if "c_attn" in name else (kept,)


def untouched(condition: Words, arch: Architecture) -> list[str]:
    """The parts that a condition copies or writes, and of which its cuts leave nothing."""
    if not condition.of_kind(Cut):
        return []
    shapes = arch.shapes.items()
    replaced = [n for n, s in shapes if source_of(condition, n) or spread_of(condition, n, s)]
    left = {part_of(name) for name in replaced if cut(condition, name, arch) is not None}
    lost = {part_of(name) for name in replaced} - left
    return [name for name, part in PARTS.items() if part in lost]
