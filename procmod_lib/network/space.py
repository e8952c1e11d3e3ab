"""Working space of the CPU kernel.

One block of memory, cut into named buffers of LANES sequences each.
"""

from collections import namedtuple

import numpy as np
from numba import njit

from procmod_lib.network.gpt2 import Architecture
from procmod_lib.network.layers import FAST
from procmod_lib.network.vector import LANES, splat, store

Kept = namedtuple(
    "Kept",
    "x unit1 rstd1 a1 q kv mixed x2 unit2 rstd2 a2 probs wide slope asking base unitf rstdf af",
)
"""What the way forward keeps for the way back.

For each layer the stream, normalised inputs, queries, keys and values, ...
"""

Spare = namedtuple("Spare", "z da dx dx2 dmix dq dkv dwide ds cells")
"""Working space that is used over and over: logits and gradients."""

Rows = namedtuple("Rows", "lanes asked bound causal low high until")
"""Which rows lie in which lane, which inputs each query sees, and the least and the greatest of
them over the lanes.
"""


@njit(**FAST)
def choose_rows(rows, order, first, positions, queries):
    """Put the next rows of ``order`` into the lanes.

    Return how many times the longest of them has.
    """
    time = 0
    for l in range(LANES):
        rows.lanes[l] = order[first + l] if first + l < len(order) else -1
        for w in range(queries):
            rows.asked[w, l] = positions[max(rows.lanes[l], 0), w]
            rows.bound[w * LANES + l] = rows.asked[w, l]
            time = max(time, rows.asked[w, l] + 1)
    for w in range(queries):
        rows.low[w], rows.high[w] = rows.asked[w].min(), rows.asked[w].max()
    return time


@njit(**FAST)
def allocate(free, rows, vectors):
    """The next unused rows of vectors of ``free``: (memory, how much of it is used)."""
    memory, used = free
    first = used[0]
    used[0] += rows * vectors * LANES
    return memory[first : used[0]].reshape(rows, vectors * LANES)


@njit(**FAST)
def kept_for(free, dims, longest, queries):
    """Space for what the way forward keeps."""
    vocab, layers, heads, d = dims
    most = max(longest, queries)
    flat, wide = most * (d + 1), most * (4 * d + 1)
    x = allocate(free, layers + 1, flat)
    unit1, unit2 = allocate(free, layers, flat), allocate(free, layers, flat)
    rstd1, rstd2 = allocate(free, layers, most), allocate(free, layers, most)
    a1, a2 = allocate(free, layers, flat), allocate(free, layers, flat)
    q, mixed, x2 = (
        allocate(free, layers, flat),
        allocate(free, layers, flat),
        allocate(free, layers, flat),
    )
    kv = allocate(free, layers, most * (2 * d + 1))
    probs = allocate(free, layers, heads * most * longest)
    hidden, slope = allocate(free, layers, wide), allocate(free, layers, wide)
    ends, rstdf = allocate(free, 4, flat), allocate(free, 1, queries)[0]
    asking, base, unitf, af = ends[0], ends[1], ends[2], ends[3]
    first = x, unit1, rstd1, a1, q, kv, mixed, x2, unit2, rstd2, a2, probs, hidden, slope
    return Kept(*first, asking, base, unitf, rstdf, af)


@njit(**FAST)
def spare_for(free, dims, longest, queries, bits):
    """Space for logits and gradients."""
    vocab, layers, heads, d = dims
    most = max(longest, queries)
    work = allocate(free, 5, most * (d + 1))
    dkv, dwide = allocate(free, 1, most * (2 * d + 1))[0], allocate(free, 1, most * (4 * d + 1))[0]
    z, ds = allocate(free, 1, queries * (vocab + 1))[0], allocate(free, 1, 2 * longest)[0]
    cells = allocate(free, 1, longest * (vocab + 1) if bits else 0)[0]
    return Spare(z, work[0], work[1], work[2], work[3], work[4], dkv, dwide, ds, cells)


@njit(**FAST)
def rows_for(free, longest, queries):
    """Space for the choice of rows; what a causal query sees is filled in."""
    most = max(longest, queries)
    limits, ends = allocate(free, 2, most), np.zeros((3, most), np.int64)
    bound, causal = limits[0], limits[1]
    low, high, until = ends[0], ends[1], ends[2]
    for t in range(longest):
        until[t] = t
        store(causal, t * LANES, splat(np.float32(t)))
    return Rows(
        np.empty(LANES, np.int64),
        np.zeros((queries, LANES), np.int64),
        bound,
        causal,
        low,
        high,
        until,
    )


def memory_for(arch: Architecture, queries: int, longest: int) -> np.ndarray:
    """Return working space for :func:`forward_backward`, on a cache line's boundary so that no
    vector lies across two.

    Kept from call to call: an allocation of this size goes back to the system each time, and
    touching it anew costs a fifth of a step."""
    most, wide = max(longest, queries), 4 * arch.width + 1
    each = most * (
        13 * wide + arch.heads * longest
    )  # vectors a layer, and as many again for what is used over and over
    vectors = (arch.layers + 1) * each + 10 * most * wide + (queries + longest) * (arch.vocab + 1)
    memory = np.empty(vectors * LANES + 16, np.float32)
    return memory[-memory.ctypes.data % 64 // 4 :]
