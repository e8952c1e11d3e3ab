"""The CPU kernel: loss and exact gradient of a tiny GPT-2, eight or sixteen sequences at a time, inside the cache.

PyTorch is slow on models this small: each operator goes through memory, and a head dimension of 4 leaves its attention idle.
Here LANES sequences of like length go together through the whole network, forward and backward. Every array is
(time, feature, lane) with one vector register a (time, feature), so attention needs no padding, computes next to nothing of the
future, and arithmetic crosses lanes only where a gradient is summed.

The numbers equal those of :mod:`procmod_lib.model` up to rounding (tests/test_kernel.py).
"""

import numpy as np
from numba import njit

from procmod_lib.network.gpt2 import Architecture
from procmod_lib.network.layers import FAST, attend, attend_back, embed, embed_back, gelu, give, linear, norm, norm_back, outer, score, score_bits, take
from procmod_lib.network.vector import LANES, load, splat, store, total

MADE_OF = "e7607a2e4548"  # sha256 of vector.py and layers.py: numba's cache sees changes of this file only, so it changes when they do


def supports(arch: Architecture, dropout: float) -> bool:
    """Whether the kernel can train this: no dropout, head dimension a multiple of 4, a vocabulary of 4 or more."""
    return dropout == 0.0 and arch.width // arch.heads % 4 == 0 and arch.vocab >= 4


@njit(**FAST)
def pass_through(p, at, g, dims, tokens, positions, targets, weights, order, loss, hit, train, memory):
    """Send the rows in ``order`` through the network; write loss and hit and, to train, add their gradient to g.

    Args:
        p, g: (P,) weights and gradient. at: offset in them of every parameter, in the order of Architecture.shapes.
        dims: (V, layers, heads, D). tokens: (n, T) int32, or (n, T, cells) bits. positions: (n, W) int32. targets: (n, W), or
            (n, W, cells) for bits. weights: (n, W), what each
            output's loss counts in the gradient. order: rows, those of like length side by side. loss, hit: (n, W) results.
        memory: working space, from :func:`memory_for`.
    """
    vocab, layers, heads, d = dims
    spare = memory, np.zeros(1, np.int64)
    queries, longest = positions.shape[1], tokens.shape[1]
    last, most, bits = layers - 1, max(longest, queries), tokens.ndim == 3  # known when compiled: one kernel for each kind of input
    flat, wide_flat = most * (d + 1), most * (4 * d + 1)
    # what each layer keeps for its way back
    x, unit1, rstd1, a1 = space(spare, layers + 1, flat), space(spare, layers, flat), space(spare, layers, most), space(spare, layers, flat)
    q, kv, mixed = space(spare, layers, flat), space(spare, layers, most * (2 * d + 1)), space(spare, layers, flat)
    x2, unit2, rstd2, a2 = space(spare, layers, flat), space(spare, layers, flat), space(spare, layers, most), space(spare, layers, flat)
    probs, wide, slope = space(spare, layers, heads * most * longest), space(spare, layers, wide_flat), space(spare, layers, wide_flat)
    # what is used over and over
    work, dkv, dwide = space(spare, 9, flat), space(spare, 1, most * (2 * d + 1))[0], space(spare, 1, wide_flat)[0]
    asking, xq, unitf, af, da, dx, dx2, dmix, dq = work[0], work[1], work[2], work[3], work[4], work[5], work[6], work[7], work[8]
    z, cells = space(spare, 1, queries * (vocab + 1))[0], space(spare, 1, longest * (vocab + 1) if bits else 0)[0]
    ds, rstdf = space(spare, 1, 2 * longest)[0], space(spare, 1, queries)[0]
    lanes, asked = np.empty(LANES, np.int64), np.zeros((queries, LANES), np.int64)
    bound, causal = space(spare, 2, most)  # the last key that each lane of each query sees
    low, high, until = np.zeros((3, most), np.int64)
    for t in range(longest):
        until[t] = t
        store(causal, t * LANES, splat(np.float32(t)))
    f = 2 + 12 * layers
    head = at[0] if len(at) == f + 3 else at[f + 2]  # tied, or a head of its own

    for first in range(0, len(order), LANES):
        time = 0
        for l in range(LANES):
            lanes[l] = order[first + l] if first + l < len(order) else -1
            for w in range(queries):
                asked[w, l] = positions[max(lanes[l], 0), w]
                bound[w * LANES + l] = asked[w, l]
                time = max(time, asked[w, l] + 1)
        for w in range(queries):
            low[w], high[w] = asked[w].min(), asked[w].max()

        if bits:
            for t in range(time):
                for i in range(d):
                    store(x[0], (t * (d + 1) + i) * LANES, splat(p[at[1] + t * d + i]))
                for l in range(LANES):
                    for c in range(vocab):
                        cells[(t * (vocab + 1) + c) * LANES + l] = tokens[max(lanes[l], 0), t, c]
            linear(cells, x[0], x[0], time, vocab, d, p, at[0], d, 1, -1, True)
        else:
            embed(x[0], tokens, lanes, p, at[0], at[1], time, d)
        for layer in range(layers):
            b, a, base = 2 + 12 * layer, a1[layer], x[layer]
            norm(base, unit1[layer], rstd1[layer], a, time, d, p, at[b], at[b + 1])
            linear(a, a, kv[layer], time, d, 2 * d, p, at[b + 2] + d, 3 * d, 1, at[b + 3] + d, False)
            m, limit, lo, hi = time, causal, until, until  # times that go on from here, and what they see
            if layer == last:
                take(a, asked, asking, queries, d)
                take(base, asked, xq, queries, d)
                m, limit, lo, hi, a, base = queries, bound, low, high, asking, xq
            linear(a, a, q[layer], m, d, d, p, at[b + 2], 3 * d, 1, at[b + 3], False)
            attend(q[layer], kv[layer], limit, lo, hi, probs[layer], longest, mixed[layer], m, heads, d)
            linear(mixed[layer], base, x2[layer], m, d, d, p, at[b + 4], d, 1, at[b + 5], True)
            norm(x2[layer], unit2[layer], rstd2[layer], a2[layer], m, d, p, at[b + 6], at[b + 7])
            linear(a2[layer], a, wide[layer], m, d, 4 * d, p, at[b + 8], 4 * d, 1, at[b + 9], False)
            gelu(wide[layer], slope[layer], m, 4 * d)
            linear(wide[layer], x2[layer], x[layer + 1], m, 4 * d, d, p, at[b + 10], d, 1, at[b + 11], True)
        norm(x[layers], unitf, rstdf, af, queries, d, p, at[f], at[f + 1])
        linear(af, af, z, queries, d, vocab, p, head, 1, d, -1, False)
        if bits:
            score_bits(z, targets, lanes, weights, loss, hit, queries, vocab)
        else:
            score(z, targets, lanes, weights, loss, hit, queries, vocab)
        if not train:
            continue

        outer(af, z, queries, d, vocab, g, head, 1, d, -1)
        linear(z, z, da, queries, vocab, d, p, head, d, 1, -1, False)
        dx[: queries * (d + 1) * LANES] = 0
        norm_back(da, unitf, rstdf, dx, queries, d, p, g, at[f], at[f + 1])
        for layer in range(layers - 1, -1, -1):
            b, a, m, hi = 2 + 12 * layer, a1[layer], time, until
            if layer == last:
                a, m, hi = asking, queries, high
            outer(wide[layer], dx, m, 4 * d, d, g, at[b + 10], d, 1, at[b + 11])
            linear(dx, dx, dwide, m, d, 4 * d, p, at[b + 10], 1, d, -1, False)
            for i in range(0, m * (4 * d + 1) * LANES, LANES):
                store(dwide, i, load(dwide, i) * load(slope[layer], i))
            outer(a2[layer], dwide, m, d, 4 * d, g, at[b + 8], 4 * d, 1, at[b + 9])
            linear(dwide, dx, da, m, 4 * d, d, p, at[b + 8], 1, 4 * d, -1, False)
            norm_back(da, unit2[layer], rstd2[layer], dx, m, d, p, g, at[b + 6], at[b + 7])
            # dx is now the gradient of the stream after attention
            outer(mixed[layer], dx, m, d, d, g, at[b + 4], d, 1, at[b + 5])
            linear(dx, dx, dmix, m, d, d, p, at[b + 4], 1, d, -1, False)
            dkv[: time * (2 * d + 1) * LANES] = 0
            attend_back(q[layer], kv[layer], mixed[layer], probs[layer], longest, dmix, hi, dq, dkv, ds, m, heads, d)
            outer(a, dq, m, d, d, g, at[b + 2], 3 * d, 1, at[b + 3])
            outer(a1[layer], dkv, time, d, 2 * d, g, at[b + 2] + d, 3 * d, 1, at[b + 3] + d)
            linear(dkv, dkv, da, time, 2 * d, d, p, at[b + 2] + d, 1, 3 * d, -1, False)
            if layer == last:
                linear(dq, dq, dmix, m, d, d, p, at[b + 2], 1, 3 * d, -1, False)
                give(dmix, asked, da, m, d)
                dx2[: time * (d + 1) * LANES] = 0
                give(dx, asked, dx2, m, d)
                dx, dx2 = dx2, dx
            else:
                linear(dq, da, da, m, d, d, p, at[b + 2], 1, 3 * d, -1, True)
            norm_back(da, unit1[layer], rstd1[layer], dx, time, d, p, g, at[b], at[b + 1])
        for i in range(time * d):
            g[at[1] + i] += total(load(dx, (i // d * (d + 1) + i % d) * LANES))
        if bits:
            outer(cells, dx, time, vocab, d, g, at[0], d, 1, -1)
        else:
            embed_back(dx, tokens, lanes, g, at[0], time, d)


@njit(**FAST)
def space(spare, rows, vectors):
    """The next unused rows of vectors of ``spare``: (memory, how much of it is used)."""
    memory, used = spare
    first = used[0]
    used[0] += rows * vectors * LANES
    return memory[first : used[0]].reshape(rows, vectors * LANES)


def memory_for(arch: Architecture, queries: int, longest: int) -> np.ndarray:
    """Return working space for :func:`pass_through`, on a cache line's boundary so that no vector lies across two.

    Kept from call to call: an allocation of this size goes back to the system each time, and touching it anew costs a fifth of a step.
    """
    most, wide = max(longest, queries), 4 * arch.width + 1
    each = most * (13 * wide + arch.heads * longest)  # vectors a layer, and as many again for what is used over and over
    vectors = (arch.layers + 1) * each + 10 * most * wide + (queries + longest) * (arch.vocab + 1)
    memory = np.empty(vectors * LANES + 16, np.float32)
    return memory[-memory.ctypes.data % 64 // 4 :]
