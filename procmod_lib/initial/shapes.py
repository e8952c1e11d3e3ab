"""What a source has to give a model of another shape."""

import re

import numpy as np

from procmod_lib.network.gpt2 import Architecture, part_of, views


def donated(weights: np.ndarray, there: Architecture, here: Architecture) -> dict[str, np.ndarray]:
    """Return what a donor of architecture ``there`` has to give for each tensor of a model of
    architecture ``here``.

    Every row of the token embedding and of the head is the mean token vector; positions are given
    where the donor has enough. Where the shapes differ, layers and features (so heads, where they
    are equally wide) that the donor lacks repeat from its first on, those that it has too many are
    left out, and a linear map is multiplied by sqrt(donor's inputs / inputs), so that its outputs
    keep their size.

    Args:
        weights: (P',) the donor's weights.
        there: the donor's shape.
        here: the new model's shape.

    Returns:
        Parameter name -> tensor in the new model's shape; ``wpe.weight`` is absent where the donor
        has too few positions.
    """
    donor, out = views(weights, there), {}
    donor["wte.weight"] = donor["lm_head.weight"] = donor["wte.weight"].mean(0, keepdims=True)
    for name, shape in here.shapes.items():
        if name == "wpe.weight" and there.positions < here.positions:
            continue
        theirs = donor[
            re.sub(r"(?<=^h\.)\d+", lambda layer: str(int(layer[0]) % there.layers), name)
        ]
        out[name] = _fitted(theirs, shape, 3 if ".c_attn." in name else 1)
        if part_of(name) in "AF" and len(shape) == 2:
            out[name] = out[name] * np.float32(np.sqrt(len(theirs) / shape[0]))
    return out


def _fitted(tensor: np.ndarray, shape: tuple[int, ...], blocks: int) -> np.ndarray:
    """Repeat or crop a tensor to ``shape``.

    The last axis is made of ``blocks`` (queries, keys, values) that are mapped one by one.
    """
    apart = (blocks, -1) if blocks > 1 else (-1,)
    old, new = (z.reshape(*z.shape[:-1], *apart) for z in (tensor, np.empty(shape)))
    return old[np.ix_(*(np.arange(n) % m for n, m in zip(new.shape, old.shape)))].reshape(shape)
