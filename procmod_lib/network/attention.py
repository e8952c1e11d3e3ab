"""Causal attention of LANES sequences at once, forward and backward.

Buffers are as in :mod:`procmod_lib.network.layers`. Two queries go together, w and u = w + 1; an
odd last query is computed twice, to the same numbers, and counts once on the way back. Each pass
over the keys does all that it can while their probabilities are in registers.
"""

import math

import numpy as np
from numba import njit

from procmod_lib.network.dropout import keep
from procmod_lib.network.layers import FAST, add4, dot4, load4, store4, times4
from procmod_lib.network.vector import LANES, exp, load, maximum, minimum, splat, store


@njit(**FAST)
def cell(t, i, d):
    """Where the vector of time t, feature i of d begins."""
    return (t * (d + 1) + i) * LANES


@njit(**FAST)
def attend(q, kv, limit, low, high, probs, room, out, queries, heads, d, noise, site):
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
        noise: of dropout, or None.
        site: where this layer's numbers of it begin.
    """
    hd = d // heads
    for h in range(heads):
        for w in range(0, queries, 2):
            u = min(w + 1, queries - 1)
            n, free = max(high[w], high[u]) + 1, min(low[w], low[u]) + 1
            pw, pu = (h * queries + w) * room * LANES, (h * queries + u) * room * LANES
            spots = site + (h * room + w) * room, site + (h * room + u) * room
            scores(q, kv, probs, pw, pu, w, u, n, h * hd, hd, d)
            mask(probs, pw, pu, w, u, free, n, limit)
            most_a, most_b = greatest(probs, pw, pu, n)
            a, b = exponentials(probs, pw, pu, n, most_a, most_b)
            mix(kv, probs, pw, pu, a, b, out, w, u, n, h * hd, hd, d, noise, spots)


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
def mask(probs, pw, pu, w, u, free, n, limit):
    """Take from two queries the keys above their limit; those before ``free`` every lane sees."""
    zero, far = splat(np.float32(0.0)), splat(np.float32(1e30))
    limit_a, limit_b = load(limit, w * LANES), load(limit, u * LANES)
    for s in range(free, n):
        here = splat(np.float32(s))
        over_a, over_b = minimum(limit_a - here, zero), minimum(limit_b - here, zero)
        za = load(probs, pw + s * LANES) + over_a * far
        if u > w:
            store(probs, pu + s * LANES, load(probs, pu + s * LANES) + over_b * far)
        store(probs, pw + s * LANES, za)


@njit(**FAST)
def greatest(probs, pw, pu, n):
    """The greatest score of two queries, lane by lane."""
    most_a, most_b = load(probs, pw), load(probs, pu)
    for s in range(1, n):
        most_a = maximum(most_a, load(probs, pw + s * LANES))
        most_b = maximum(most_b, load(probs, pu + s * LANES))
    return most_a, most_b


@njit(**FAST)
def exponentials(probs, pw, pu, n, most_a, most_b):
    """Scores of two queries to exponentials, in place; returns one over the sum of each."""
    one = splat(np.float32(1.0))
    mass_a = mass_b = splat(np.float32(0.0))
    for s in range(n):
        za = exp(load(probs, pw + s * LANES) - most_a)
        zb = exp(load(probs, pu + s * LANES) - most_b)
        mass_a, mass_b = mass_a + za, mass_b + zb
        store(probs, pw + s * LANES, za)
        store(probs, pu + s * LANES, zb)
    return one / mass_a, one / mass_b


@njit(**FAST)
def mix(kv, probs, pw, pu, share_a, share_b, out, w, u, n, first, hd, d, noise, spots):
    """What two queries read: their probabilities times n values.

    The exponentials in ``probs`` become probabilities on the way, by the shares; what dropout takes
    from them is not kept.
    """
    zero = splat(np.float32(0.0))
    for e in range(first, first + hd, 4):
        a = b = zero, zero, zero, zero
        for s in range(n):
            value = load4(kv, cell(s, d + e, 2 * d))
            za, zb = load(probs, pw + s * LANES), load(probs, pu + s * LANES)
            if e == first:
                za, zb = za * share_a, zb * share_b
                store(probs, pw + s * LANES, za)
                store(probs, pu + s * LANES, zb)
            if noise is not None:
                za = za * keep(noise, spots[0] + s)
                zb = zb * keep(noise, spots[1] + s)
            a, b = add4(a, za, value), add4(b, zb, value)
        store4(out, cell(w, e, d), a)
        store4(out, cell(u, e, d), b)


@njit(**FAST)
def attend_back(q, kv, out, probs, room, dout, high, dq, dkv, ds, queries, heads, d, noise, site):
    """Gradient of :func:`attend`: sets dq (W, D), adds to dkv (T, 2 D); ds (2 T,) is spare."""
    hd = d // heads
    for h in range(heads):
        for w in range(0, queries, 2):
            u, first = min(w + 1, queries - 1), h * hd
            n = max(high[w], high[u]) + 1
            pw, pu = (h * queries + w) * room * LANES, (h * queries + u) * room * LANES
            spots = site + (h * room + w) * room, site + (h * room + u) * room
            twin = splat(np.float32(u > w))  # an odd last query counts once
            dot_a = dot_b = splat(np.float32(0.0))
            for i in range(first, first + hd):
                dot_a = dot_a + load(dout, cell(w, i, d)) * load(out, cell(w, i, d))
                dot_b = dot_b + load(dout, cell(u, i, d)) * load(out, cell(u, i, d))
            if hd == 4:
                dots, place = (dot_a, dot_b), (w, u, n, first, d)
                back4(q, kv, probs, pw, pu, dout, twin, dots, dq, dkv, place, noise, spots)
                continue
            values_back(kv, probs, pw, pu, dout, twin, dkv, ds, w, u, n, first, hd, d, noise, spots)
            keys_back(q, kv, probs, pw, pu, twin, dot_a, dot_b, dq, dkv, ds, w, u, n, first, hd, d)


@njit(**FAST)
def back4(q, kv, probs, pw, pu, dout, twin, dots, dq, dkv, place, noise, spots):
    """:func:`values_back` and :func:`keys_back` in one pass, for heads that are 4 wide."""
    w, u, n, first, d = place
    scale, zero = splat(np.float32(1.0 / math.sqrt(4))), splat(np.float32(0.0))
    a, b = load4(dout, cell(w, first, d)), times4(load4(dout, cell(u, first, d)), twin)
    qa = times4(load4(q, cell(w, first, d)), scale)
    qb = times4(load4(q, cell(u, first, d)), scale * twin)
    sum_a = sum_b = zero, zero, zero, zero
    for s in range(n):
        k, v = cell(s, first, 2 * d), cell(s, d + first, 2 * d)
        key, value = load4(kv, k), load4(kv, v)
        za, zb = load(probs, pw + s * LANES), load(probs, pu + s * LANES)
        ga, gb = dot4(a, value), dot4(b, value)
        if noise is None:
            store4(dkv, v, add4(add4(load4(dkv, v), za, a), zb, b))
        else:
            ma, mb = keep(noise, spots[0] + s), keep(noise, spots[1] + s)
            store4(dkv, v, add4(add4(load4(dkv, v), za * ma, a), zb * mb, b))
            ga, gb = ga * ma, gb * mb
        ga, gb = za * (ga - dots[0]), zb * (gb - dots[1])
        sum_a, sum_b = add4(sum_a, ga, key), add4(sum_b, gb, key)
        store4(dkv, k, add4(add4(load4(dkv, k), ga, qa), gb, qb))
    store4(dq, cell(u, first, d), times4(sum_b, scale))
    store4(dq, cell(w, first, d), times4(sum_a, scale))


@njit(**FAST)
def values_back(kv, probs, pw, pu, dout, twin, dkv, ds, w, u, n, first, hd, d, noise, spots):
    """Gradient of the values, added to dkv, and of the probabilities of two queries, into ds."""
    for e in range(first, first + hd, 4):
        a, b = load4(dout, cell(w, e, d)), times4(load4(dout, cell(u, e, d)), twin)
        for s in range(n):
            at = cell(s, d + e, 2 * d)
            value = load4(kv, at)
            ga, gb = dot4(a, value), dot4(b, value)
            za, zb = load(probs, pw + s * LANES), load(probs, pu + s * LANES)
            if noise is not None:
                ma, mb = keep(noise, spots[0] + s), keep(noise, spots[1] + s)
                ga, gb, za, zb = ga * ma, gb * mb, za * ma, zb * mb
            if e > first:
                ga, gb = ga + load(ds, 2 * s * LANES), gb + load(ds, (2 * s + 1) * LANES)
            store(ds, 2 * s * LANES, ga)
            store(ds, (2 * s + 1) * LANES, gb)
            store4(dkv, at, add4(add4(load4(dkv, at), za, a), zb, b))


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
