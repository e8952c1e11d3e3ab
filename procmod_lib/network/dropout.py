"""Dropout in the CPU kernel.

Nothing is stored: whether a number is dropped is a hash of its place and of a key that each row of
a batch has for each step, so the way back asks again. Buffers are as in
:mod:`procmod_lib.network.layers`; where there is no dropout, ``noise`` is None and none of this is
compiled.
"""

from collections import namedtuple

import numpy as np
from numba import njit

from procmod_lib.network.layers import FAST
from procmod_lib.network.vector import LANES, kept, load, store
from procmod_lib.randomness import stream

Noise = namedtuple("Noise", "keys rows bar scale")
"""The keys of the lanes and of the rows of a batch, the 24-bit number below which something is
dropped, and what the rest is multiplied by.
"""

PER_SITE = 1 << 24  # more than any site has numbers to drop
PER_LAYER = 3
EMBEDDING, PROBS, MIXED, MLP = 0, 1, 2, 3  # sites, those of a layer counted from the layer's first


def noise_for(rate: float, rows: int, *path) -> Noise | None:
    """The noise of one batch of so many rows, or None where nothing is dropped.

    Args:
        rate: of dropout.
        rows: samples.
        path: names the random stream.
    """
    if rate == 0:
        return None
    keys = stream("dropout", *path).integers(2**32, size=rows, dtype=np.uint32)
    bar, scale = np.float32(round(rate * 2**24)), np.float32(1 / (1 - rate))
    return Noise(np.zeros(LANES, np.uint32), keys, bar, scale)


@njit(**FAST)
def choose_keys(noise, lanes):
    """Give each lane the key of its row."""
    for l in range(LANES):
        noise.keys[l] = noise.rows[max(lanes[l], 0)]


@njit(**FAST)
def site(layer, which):
    """Where the numbers of one site of a layer begin."""
    return (which + PER_LAYER * layer) * PER_SITE


@njit(**FAST)
def keep(noise, i):
    """0 or the scale, for the number i."""
    return kept(noise.keys, i, noise.bar, noise.scale)


@njit(**FAST)
def drop(x, y, noise, first, times, d):
    """y (times, d): x with numbers dropped. They may be the same."""
    for t in range(times):
        for i in range(t * (d + 1), t * (d + 1) + d):
            store(y, i * LANES, load(x, i * LANES) * keep(noise, first + i))


@njit(**FAST)
def add_dropped(x, y, noise, first, times, d):
    """y (times, d) = x + y with numbers of y dropped."""
    for t in range(times):
        for i in range(t * (d + 1), t * (d + 1) + d):
            z = load(y, i * LANES) * keep(noise, first + i)
            store(y, i * LANES, load(x, i * LANES) + z)
