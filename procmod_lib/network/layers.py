"""The layers of GPT-2, forward and backward, for LANES sequences at once: what
:mod:`procmod_lib.network.kernel` is made of.

Buffers are flat, and ``(t * (d + 1) + i) * LANES`` is where the vector of time t, feature i of d
begins: a row is one vector longer than it needs to be, since with rows of a power of two all times
would fall on the same few lines of the cache."""

import numpy as np
from numba import njit

from procmod_lib.network.vector import (
    FLAGS,
    LANES,
    exp,
    load,
    splat,
    sqrt,
    store,
    total,
)

FAST = dict(nogil=True, fastmath=set(FLAGS), cache=True, error_model="numpy")


@njit(**FAST)
def load4(x, i):
    """Four vectors of x from i on.

    In this file a tuple of four vectors is what stays in registers.
    """
    return load(x, i), load(x, i + LANES), load(x, i + 2 * LANES), load(x, i + 3 * LANES)


@njit(**FAST)
def store4(x, i, v):
    """Put four vectors into x from i on."""
    store(x, i, v[0])
    store(x, i + LANES, v[1])
    store(x, i + 2 * LANES, v[2])
    store(x, i + 3 * LANES, v[3])


@njit(**FAST)
def splat4(p, i, step):
    """Four numbers of p, ``step`` apart, each in every lane of its own vector."""
    return splat(p[i]), splat(p[i + step]), splat(p[i + 2 * step]), splat(p[i + 3 * step])


@njit(**FAST)
def add4(a, z, x):
    """a + z x, for four vectors a and x."""
    return a[0] + z * x[0], a[1] + z * x[1], a[2] + z * x[2], a[3] + z * x[3]


@njit(**FAST)
def times4(a, z):
    """Four vectors a, each times z."""
    return a[0] * z, a[1] * z, a[2] * z, a[3] * z


@njit(**FAST)
def dot4(a, x):
    """The sum of four products, lane by lane."""
    return (a[0] * x[0] + a[1] * x[1]) + (a[2] * x[2] + a[3] * x[3])


@njit(**FAST)
def linear(x, base, y, times, inputs, outputs, p, at, step_in, step_out, bias, keep):
    """y[t, o] = sum over i of w[i, o] x[t, i], plus the bias p[bias + o] if bias >= 0, plus base[t,
    o] if ``keep`` (outputs a multiple of 4).

    The weight w[i, o] is p[at + i * step_in + o * step_out], so the same lines serve the way
    forward and the way back.
    Four outputs at two times are in flight together: eight sums that never leave their registers.
    """
    zero, one = splat(np.float32(0.0)), splat(np.float32(1.0))
    none = zero, zero, zero, zero
    for t in range(0, times, 2):
        u = min(t + 1, times - 1)  # an odd last time is computed twice, to the same numbers
        xt, xu, yt, yu = (
            t * (inputs + 1) * LANES,
            u * (inputs + 1) * LANES,
            t * (outputs + 1) * LANES,
            u * (outputs + 1) * LANES,
        )
        for four in range(0, outputs, 4):
            o = min(four, outputs - 4)  # and so are outputs of the last four that were there before
            a, b, ya, yb = none, none, yt + o * LANES, yu + o * LANES
            for i in range(inputs):
                w = splat4(p, at + o * step_out + i * step_in, step_out)
                a, b = add4(a, load(x, xt + i * LANES), w), add4(b, load(x, xu + i * LANES), w)
            if bias >= 0:
                w = splat4(p, bias + o, 1)
                a, b = add4(a, one, w), add4(b, one, w)
            if keep:
                a, b = add4(a, one, load4(base, ya)), add4(b, one, load4(base, yb))
            store4(y, ya, a), store4(y, yb, b)


@njit(**FAST)
def weight_gradient(x, dy, times, inputs, outputs, g, at, step_in, step_out, bias):
    """Add the gradient of :func:`linear`'s weights and bias to ``g``: the sum over t and lanes of
    x[t, i] dy[t, o] to g[at + i step_in + o step_out].
    """
    zero, xs, ys = splat(np.float32(0.0)), (inputs + 1) * LANES, (outputs + 1) * LANES
    for four in range(0, outputs, 4):
        o = min(four, outputs - 4)
        new = (
            splat(np.float32(four == o)),
            splat(np.float32(four - o < 2)),
            splat(np.float32(four - o < 3)),
        )  # not among the last four
        for i in range(0, inputs, 2):
            j = min(i + 1, inputs - 1)
            a = b = zero, zero, zero, zero
            for t in range(times):
                d = load4(dy, t * ys + o * LANES)
                a, b = (
                    add4(a, load(x, t * xs + i * LANES), d),
                    add4(b, load(x, t * xs + j * LANES), d),
                )
            gain4(g, at + i * step_in + o * step_out, step_out, a, new)
            if j > i:
                gain4(g, at + j * step_in + o * step_out, step_out, b, new)
    for o in range(outputs if bias >= 0 else 0):
        sums = zero
        for t in range(times):
            sums = sums + load(dy, t * ys + o * LANES)
        g[bias + o] += total(sums)


@njit(**FAST)
def gain4(g, i, step, v, new):
    """Add to g[i], g[i + step], ... the sums over the lanes of four vectors, of the first three
    times 1 or 0.
    """
    g[i] += total(v[0] * new[0])
    g[i + step] += total(v[1] * new[1])
    g[i + 2 * step] += total(v[2] * new[2])
    g[i + 3 * step] += total(v[3])


@njit(**FAST)
def norm(x, unit, rstd, y, times, d, p, weight, bias):
    """LayerNorm of x (times, d) into y; keeps the normalised x and 1 / std for the way back."""
    share, tiny, one = splat(np.float32(1.0 / d)), splat(np.float32(1e-5)), splat(np.float32(1.0))
    for t in range(times):
        row, mean = t * (d + 1), splat(np.float32(0.0))
        spread = mean
        for i in range(row, row + d):
            mean = mean + load(x, i * LANES)
        mean = mean * share
        for i in range(row, row + d):
            z = load(x, i * LANES) - mean
            spread = spread + z * z
        r = one / sqrt(spread * share + tiny)
        store(rstd, t * LANES, r)
        for i in range(d):
            z = (load(x, (row + i) * LANES) - mean) * r
            store(unit, (row + i) * LANES, z)
            store(y, (row + i) * LANES, z * splat(p[weight + i]) + splat(p[bias + i]))


@njit(**FAST)
def norm_back(dy, unit, rstd, dx, times, d, p, g, weight, bias):
    """dx (times, d) += gradient through LayerNorm; adds to the gradients of its weight and bias."""
    share, zero = splat(np.float32(1.0 / d)), splat(np.float32(0.0))
    for i in range(d):
        dw = db = zero
        for t in range(times):
            z = load(dy, (t * (d + 1) + i) * LANES)
            dw, db = dw + z * load(unit, (t * (d + 1) + i) * LANES), db + z
        g[weight + i] += total(dw)
        g[bias + i] += total(db)
    for t in range(times):
        first, second, row = zero, zero, t * (d + 1)
        for i in range(d):
            z = load(dy, (row + i) * LANES) * splat(p[weight + i])
            first, second = first + z, second + z * load(unit, (row + i) * LANES)
        first, second, r = first * share, second * share, load(rstd, t * LANES)
        for i in range(d):
            at = (row + i) * LANES
            z = load(dy, at) * splat(p[weight + i]) - first - load(unit, at) * second
            store(dx, at, load(dx, at) + r * z)


@njit(**FAST)
def gelu(a, slope, times, width):
    """Replace a (times, width) by its tanh-GELU and keep the slope.

    It is computed as x times sigmoid(2u), which is the same function.
    """
    one, c = splat(np.float32(1.0)), splat(np.float32(-1.5957691216))  # -2 sqrt(2 / pi)
    cubic, triple = splat(np.float32(0.044715)), splat(np.float32(-1.5957691216 * 0.134145))
    for t in range(times):
        for i in range(t * (width + 1) * LANES, (t * (width + 1) + width) * LANES, LANES):
            x = load(a, i)
            s = one / (one + exp(c * (x + cubic * x * x * x)))
            store(a, i, x * s)
            store(slope, i, s - x * s * (one - s) * (c + triple * x * x))


@njit(**FAST)
def gather(x, limit, y, queries, d):
    """y (W, d): x (T, d) at time limit[w, l] of each lane."""
    for w in range(queries):
        for i in range(d):
            for l in range(LANES):
                y[(w * (d + 1) + i) * LANES + l] = x[(limit[w, l] * (d + 1) + i) * LANES + l]


@njit(**FAST)
def scatter(dy, limit, dx, queries, d):
    """dx (T, d) += dy (W, d) at time limit[w, l] of each lane: the way back of :func:`gather`."""
    for w in range(queries):
        for i in range(d):
            for l in range(LANES):
                dx[(limit[w, l] * (d + 1) + i) * LANES + l] += dy[(w * (d + 1) + i) * LANES + l]
