"""Causal attention of LANES sequences at once, forward and backward.

Buffers are as in :mod:`procmod_lib.network.layers`. Two queries go together, w and u = w + 1; an
odd last query is computed twice, to the same numbers, and counts once on the way back.
"""

import math

import numpy as np
from numba import njit

from procmod_lib.network.layers import FAST, add4, dot4, load4, store4, times4
from procmod_lib.network.vector import LANES, exp, load, maximum, minimum, splat, store


@njit(**FAST)
def cell(t, i, d):
    """Where the vector of time t, feature i of d begins."""
    return (t * (d + 1) + i) * LANES


@njit(**FAST)
def attend(q, kv, limit, low, high, probs, room, out, queries, heads, d):
    """Attention of W queries.

    Args:
        q: (W, D) queries.
        kv: (T, 2 D) keys and values.
        limit: query w of lane l sees keys 0..limit[w, l].
        low: the least limit of each query over the lanes.
        high: the greatest limit of each query over the lanes.
        probs: the probabilities, which are kept.
        room: rows of probs for each head and query.
        out: (W, D) results.
        queries: W.
        heads: H.
        d: D.
    """
    hd = d // heads
    for h in range(heads):
        for w in range(0, queries, 2):
            u = min(w + 1, queries - 1)
            n = max(high[w], high[u]) + 1
            pw, pu = (h * queries + w) * room * LANES, (h * queries + u) * room * LANES
            scores(q, kv, probs, pw, pu, w, u, n, h * hd, hd, d)
            softmax(probs, pw, n, limit, w * LANES, low[w])
            if u > w:
                softmax(probs, pu, n, limit, u * LANES, low[u])
            mix(kv, probs, pw, pu, out, w, u, n, h * hd, hd, d)


@njit(**FAST)
def scores(q, kv, probs, pw, pu, w, u, n, first, hd, d):
    """Scaled products of two queries with n keys, over the head's features from ``first`` on."""
    scale = splat(np.float32(1.0 / math.sqrt(hd)))
    for e in range(first, first + hd, 4):
        a = times4(load4(q, cell(w, e, d)), scale)
        b = times4(load4(q, cell(u, e, d)), scale)
        for s in range(n):
            key = load4(kv, cell(s, e, 2 * d))
            za, zb = dot4(a, key), dot4(b, key)
            if e > first:
                za, zb = za + load(probs, pw + s * LANES), zb + load(probs, pu + s * LANES)
            store(probs, pw + s * LANES, za)
            store(probs, pu + s * LANES, zb)


@njit(**FAST)
def mix(kv, probs, pw, pu, out, w, u, n, first, hd, d):
    """What two queries read: their probabilities times n values."""
    zero = splat(np.float32(0.0))
    for e in range(first, first + hd, 4):
        a = b = zero, zero, zero, zero
        for s in range(n):
            value = load4(kv, cell(s, d + e, 2 * d))
            a = add4(a, load(probs, pw + s * LANES), value)
            b = add4(b, load(probs, pu + s * LANES), value)
        store4(out, cell(w, e, d), a)
        store4(out, cell(u, e, d), b)


@njit(**FAST)
def softmax(probs, row, n, limit, at, low):
    """Softmax over n keys, in place.

    Keys above limit[l] get nothing; those up to ``low`` are below every limit.
    """
    for s in range(low + 1, n):
        over = minimum(load(limit, at) - splat(np.float32(s)), splat(np.float32(0.0)))
        z = load(probs, row + s * LANES) + over * splat(np.float32(1e30))
        store(probs, row + s * LANES, z)
    most, mass = load(probs, row), splat(np.float32(0.0))
    for s in range(1, n):
        most = maximum(most, load(probs, row + s * LANES))
    for s in range(n):
        z = exp(load(probs, row + s * LANES) - most)
        mass = mass + z
        store(probs, row + s * LANES, z)
    mass = splat(np.float32(1.0)) / mass
    for s in range(n):
        store(probs, row + s * LANES, load(probs, row + s * LANES) * mass)


@njit(**FAST)
def attend_back(q, kv, out, probs, room, dout, high, dq, dkv, ds, queries, heads, d):
    """Gradient of :func:`attend`: sets dq (W, D), adds to dkv (T, 2 D); ds (2 T,) is spare."""
    hd = d // heads
    for h in range(heads):
        for w in range(0, queries, 2):
            u, first = min(w + 1, queries - 1), h * hd
            n = max(high[w], high[u]) + 1
            pw, pu = (h * queries + w) * room * LANES, (h * queries + u) * room * LANES
            twin = splat(np.float32(u > w))  # an odd last query counts once
            dot_a = dot_b = splat(np.float32(0.0))
            for i in range(first, first + hd):
                dot_a = dot_a + load(dout, cell(w, i, d)) * load(out, cell(w, i, d))
                dot_b = dot_b + load(dout, cell(u, i, d)) * load(out, cell(u, i, d))
            values_back(kv, probs, pw, pu, dout, twin, dkv, ds, w, u, n, first, hd, d)
            keys_back(q, kv, probs, pw, pu, twin, dot_a, dot_b, dq, dkv, ds, w, u, n, first, hd, d)


@njit(**FAST)
def values_back(kv, probs, pw, pu, dout, twin, dkv, ds, w, u, n, first, hd, d):
    """Gradient of the values, added to dkv, and of the probabilities of two queries, into ds."""
    for e in range(first, first + hd, 4):
        a, b = load4(dout, cell(w, e, d)), times4(load4(dout, cell(u, e, d)), twin)
        for s in range(n):
            at = cell(s, d + e, 2 * d)
            value = load4(kv, at)
            ga, gb = dot4(a, value), dot4(b, value)
            if e > first:
                ga, gb = ga + load(ds, 2 * s * LANES), gb + load(ds, (2 * s + 1) * LANES)
            store(ds, 2 * s * LANES, ga)
            store(ds, (2 * s + 1) * LANES, gb)
            seen = add4(load4(dkv, at), load(probs, pw + s * LANES), a)
            store4(dkv, at, add4(seen, load(probs, pu + s * LANES), b))


@njit(**FAST)
def keys_back(q, kv, probs, pw, pu, twin, dot_a, dot_b, dq, dkv, ds, w, u, n, first, hd, d):
    """Gradient of the keys, added to dkv, and that of two queries, into dq."""
    scale, zero = splat(np.float32(1.0 / math.sqrt(hd))), splat(np.float32(0.0))
    for e in range(first, first + hd, 4):
        a = times4(load4(q, cell(w, e, d)), scale)
        b = times4(load4(q, cell(u, e, d)), scale * twin)
        sum_a = sum_b = zero, zero, zero, zero
        for s in range(n):
            at = cell(s, e, 2 * d)
            key = load4(kv, at)
            ga = load(probs, pw + s * LANES) * (load(ds, 2 * s * LANES) - dot_a)
            gb = load(probs, pu + s * LANES) * (load(ds, (2 * s + 1) * LANES) - dot_b)
            sum_a, sum_b = add4(sum_a, ga, key), add4(sum_b, gb, key)
            store4(dkv, at, add4(add4(load4(dkv, at), ga, a), gb, b))
        store4(dq, cell(u, e, d), times4(sum_b, scale))
        store4(dq, cell(w, e, d), times4(sum_a, scale))
