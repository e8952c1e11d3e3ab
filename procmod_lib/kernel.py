"""The CPU kernel: loss and exact gradient of a tiny GPT-2, eight or sixteen sequences at a time, inside the cache.

PyTorch is slow on models this small: each operator goes through memory, and a head dimension of 4 leaves its attention idle.
Here LANES sequences of like length go together through the whole network, forward and backward. Every array is
(time, feature, lane) with one vector register a (time, feature), so attention needs no padding, computes nothing of the
future, and no arithmetic ever crosses lanes.

The numbers equal those of :mod:`procmod_lib.model` up to rounding (tests/test_kernel.py).
In the code, buffers are flat and ``(t * d + i) * LANES`` is where the vector of time t, feature i begins.
"""

import math

import numpy as np
from numba import njit

from .model import Architecture
from .vector import FLAGS, LANES, exp, load, maximum, splat, sqrt, store, total

VECTOR = "e89926886e57"  # sha256 of vector.py: numba's cache sees changes of this file only, so this file changes when that one does
FAST = dict(nogil=True, fastmath=set(FLAGS), cache=True, error_model="numpy")


def supports(arch: Architecture, dropout: float) -> bool:
    """Whether the kernel can train this: no dropout, head dimension a multiple of 4."""
    return dropout == 0.0 and arch.width // arch.heads % 4 == 0


@njit(**FAST)
def load4(x, i):
    """Four vectors of x from i on; in this file a tuple of four vectors is what stays in registers."""
    return load(x, i), load(x, i + LANES), load(x, i + 2 * LANES), load(x, i + 3 * LANES)


@njit(**FAST)
def store4(x, i, v):
    store(x, i, v[0]), store(x, i + LANES, v[1]), store(x, i + 2 * LANES, v[2]), store(x, i + 3 * LANES, v[3])


@njit(**FAST)
def splat4(p, i, step):
    """Four numbers of p, ``step`` apart, each in every lane of its own vector."""
    return splat(p[i]), splat(p[i + step]), splat(p[i + 2 * step]), splat(p[i + 3 * step])


@njit(**FAST)
def add4(a, z, x):
    """a + z x, for four vectors a and x."""
    return a[0] + z * x[0], a[1] + z * x[1], a[2] + z * x[2], a[3] + z * x[3]


@njit(**FAST)
def dot4(a, x):
    return (a[0] * x[0] + a[1] * x[1]) + (a[2] * x[2] + a[3] * x[3])


@njit(**FAST)
def linear(x, y, times, inputs, outputs, p, at, step_in, step_out, bias, keep):
    """y[t, o] = sum over i of w[i, o] x[t, i], plus the bias p[bias + o] if bias >= 0, plus y[t, o] itself if ``keep``.

    The weight w[i, o] is p[at + i * step_in + o * step_out], so the same lines serve the way forward and the way back.
    Four outputs at two times are in flight together: eight sums that never leave their registers.
    """
    zero, one = splat(np.float32(0.0)), splat(np.float32(1.0))
    none = zero, zero, zero, zero
    for t in range(0, times, 2):
        u = min(t + 1, times - 1)  # an odd last time is computed twice, to the same numbers
        xt, xu, yt, yu = t * inputs * LANES, u * inputs * LANES, t * outputs * LANES, u * outputs * LANES
        for o in range(0, outputs - 3, 4):
            a, b, ya, yb = none, none, yt + o * LANES, yu + o * LANES
            for i in range(inputs):
                w = splat4(p, at + o * step_out + i * step_in, step_out)
                a, b = add4(a, load(x, xt + i * LANES), w), add4(b, load(x, xu + i * LANES), w)
            if bias >= 0:
                w = splat4(p, bias + o, 1)
                a, b = add4(a, one, w), add4(b, one, w)
            if keep:
                a, b = add4(a, one, load4(y, ya)), add4(b, one, load4(y, yb))
            store4(y, ya, a), store4(y, yb, b)
        for o in range(outputs - outputs % 4, outputs):
            a0 = b0 = zero if bias < 0 else splat(p[bias + o])
            for i in range(inputs):
                w0 = splat(p[at + i * step_in + o * step_out])
                a0, b0 = a0 + w0 * load(x, xt + i * LANES), b0 + w0 * load(x, xu + i * LANES)
            if keep:
                a0, b0 = a0 + load(y, yt + o * LANES), b0 + load(y, yu + o * LANES)
            store(y, yt + o * LANES, a0), store(y, yu + o * LANES, b0)


@njit(**FAST)
def outer(x, dy, times, inputs, outputs, g, at, step_in, step_out, bias):
    """Gradient of :func:`linear`'s weights and bias: g[at + i step_in + o step_out] += sum over t, lanes of x[t, i] dy[t, o]."""
    zero, one = splat(np.float32(0.0)), splat(np.float32(1.0))
    for o in range(0, outputs, 4):
        four = o + 4 <= outputs
        for i in range(0, inputs, 2):
            j = min(i + 1, inputs - 1)
            if four:
                a = b = zero, zero, zero, zero
                for t in range(times):
                    d = load4(dy, (t * outputs + o) * LANES)
                    a = add4(a, load(x, (t * inputs + i) * LANES), d)
                    b = add4(b, load(x, (t * inputs + j) * LANES), d)
                _gain4(g, at + i * step_in + o * step_out, step_out, a)
                if j > i:
                    _gain4(g, at + j * step_in + o * step_out, step_out, b)
            for r in range(0 if four else o, 0 if four else outputs):
                a0 = b0 = zero
                for t in range(times):
                    d0 = load(dy, (t * outputs + r) * LANES)
                    a0 = a0 + load(x, (t * inputs + i) * LANES) * d0
                    b0 = b0 + load(x, (t * inputs + j) * LANES) * d0
                g[at + i * step_in + r * step_out] += total(a0)
                if j > i:
                    g[at + j * step_in + r * step_out] += total(b0)
        for r in range(o, min(o + 4, outputs) if bias >= 0 else o):
            a0 = zero
            for t in range(times):
                a0 = a0 + one * load(dy, (t * outputs + r) * LANES)
            g[bias + r] += total(a0)


@njit(**FAST)
def _gain4(g, i, step, v):
    g[i] += total(v[0])
    g[i + step] += total(v[1])
    g[i + 2 * step] += total(v[2])
    g[i + 3 * step] += total(v[3])


@njit(**FAST)
def norm(x, unit, rstd, y, times, d, p, weight, bias):
    """LayerNorm of x (times, d) into y; keeps the normalised x and 1 / std for the way back."""
    share, tiny, one = splat(np.float32(1.0 / d)), splat(np.float32(1e-5)), splat(np.float32(1.0))
    for t in range(times):
        mean = spread = splat(np.float32(0.0))
        for i in range(t * d, t * d + d):
            mean = mean + load(x, i * LANES)
        mean = mean * share
        for i in range(t * d, t * d + d):
            z = load(x, i * LANES) - mean
            spread = spread + z * z
        r = one / sqrt(spread * share + tiny)
        store(rstd, t * LANES, r)
        for i in range(d):
            z = (load(x, (t * d + i) * LANES) - mean) * r
            store(unit, (t * d + i) * LANES, z)
            store(y, (t * d + i) * LANES, z * splat(p[weight + i]) + splat(p[bias + i]))


@njit(**FAST)
def norm_back(dy, unit, rstd, dx, times, d, p, g, weight, bias):
    """dx (times, d) += gradient through LayerNorm; adds to the gradients of its weight and bias."""
    share, zero = splat(np.float32(1.0 / d)), splat(np.float32(0.0))
    for i in range(d):
        dw = db = zero
        for t in range(times):
            z = load(dy, (t * d + i) * LANES)
            dw, db = dw + z * load(unit, (t * d + i) * LANES), db + z
        g[weight + i] += total(dw)
        g[bias + i] += total(db)
    for t in range(times):
        first = second = zero
        for i in range(d):
            z = load(dy, (t * d + i) * LANES) * splat(p[weight + i])
            first, second = first + z, second + z * load(unit, (t * d + i) * LANES)
        first, second, r = first * share, second * share, load(rstd, t * LANES)
        for i in range(d):
            at = (t * d + i) * LANES
            z = load(dy, at) * splat(p[weight + i]) - first - load(unit, at) * second
            store(dx, at, load(dx, at) + r * z)


@njit(**FAST)
def gelu(a, slope, n):
    """Replace n vectors of a by tanh-GELU of them and keep the slope; x times sigmoid(2u) is the same function."""
    one, c = splat(np.float32(1.0)), splat(np.float32(-1.5957691216))  # -2 sqrt(2 / pi)
    cubic, triple = splat(np.float32(0.044715)), splat(np.float32(-1.5957691216 * 0.134145))
    for i in range(0, n * LANES, LANES):
        x = load(a, i)
        s = one / (one + exp(c * (x + cubic * x * x * x)))
        store(a, i, x * s)
        store(slope, i, s - x * s * (one - s) * (c + triple * x * x))


@njit(**FAST)
def attend(q, k, v, limit, low, high, start, probs, room, out, queries, heads, d):
    """Attention of W queries: q, out (W, d), k, v (T, d); query w of lane l sees keys 0..limit[w, l].

    Probabilities are kept, head by head ``room`` rows apart, those of query w from row start[w] on.
    """
    hd = d // heads
    scale, zero = splat(np.float32(1.0 / math.sqrt(hd))), splat(np.float32(0.0))
    for h in range(heads):
        for w in range(queries):
            n = high[w] + 1
            row = (h * room + start[w]) * LANES
            for e in range(h * hd, h * hd + hd, 4):
                ask = load4(q, (w * d + e) * LANES)
                for s in range(n):
                    z = dot4(ask, load4(k, (s * d + e) * LANES)) * scale
                    if e > h * hd:
                        z = z + load(probs, row + s * LANES)
                    store(probs, row + s * LANES, z)
            for s in range(low[w] + 1, n):
                for l in range(LANES):
                    if s > limit[w, l]:
                        probs[row + s * LANES + l] = -1e30
            most, mass = load(probs, row), zero
            for s in range(1, n):
                most = maximum(most, load(probs, row + s * LANES))
            for s in range(n):
                z = exp(load(probs, row + s * LANES) - most)
                mass = mass + z
                store(probs, row + s * LANES, z)
            mass = splat(np.float32(1.0)) / mass
            for s in range(n):
                store(probs, row + s * LANES, load(probs, row + s * LANES) * mass)
            for e in range(h * hd, h * hd + hd, 4):
                mix = zero, zero, zero, zero
                for s in range(n):
                    mix = add4(mix, load(probs, row + s * LANES), load4(v, (s * d + e) * LANES))
                store4(out, (w * d + e) * LANES, mix)


@njit(**FAST)
def attend_back(q, k, v, out, probs, room, dout, high, start, dq, dk, dv, ds, queries, heads, d):
    """Gradient of :func:`attend`: sets dq (W, d), adds to dk and dv (T, d); ds is working space (T,)."""
    hd = d // heads
    scale, zero = splat(np.float32(1.0 / math.sqrt(hd))), splat(np.float32(0.0))
    for h in range(heads):
        for w in range(queries):
            n = high[w] + 1
            row, dot = (h * room + start[w]) * LANES, zero
            for e in range(w * d + h * hd, w * d + h * hd + hd):
                dot = dot + load(dout, e * LANES) * load(out, e * LANES)
            for e in range(h * hd, h * hd + hd, 4):
                back = load4(dout, (w * d + e) * LANES)
                for s in range(n):
                    at = (s * d + e) * LANES
                    g = dot4(back, load4(v, at))
                    if e > h * hd:
                        g = g + load(ds, s * LANES)
                    store(ds, s * LANES, g)
                    store4(dv, at, add4(load4(dv, at), load(probs, row + s * LANES), back))
            for e in range(h * hd, h * hd + hd, 4):
                ask, sum4 = load4(q, (w * d + e) * LANES), (zero, zero, zero, zero)
                for s in range(n):
                    at = (s * d + e) * LANES
                    g = load(probs, row + s * LANES) * (load(ds, s * LANES) - dot) * scale
                    sum4 = add4(sum4, g, load4(k, at))
                    store4(dk, at, add4(load4(dk, at), g, ask))
                store4(dq, (w * d + e) * LANES, sum4)


@njit(**FAST)
def take(x, limit, y, queries, d):
    """y (W, d): x (T, d) at time limit[w, l] of each lane."""
    for w in range(queries):
        for i in range(d):
            for l in range(LANES):
                y[(w * d + i) * LANES + l] = x[(limit[w, l] * d + i) * LANES + l]


@njit(**FAST)
def give(dy, limit, dx, queries, d):
    """dx (T, d) += dy (W, d) at time limit[w, l] of each lane: the way back of :func:`take`."""
    for w in range(queries):
        for i in range(d):
            for l in range(LANES):
                dx[(limit[w, l] * d + i) * LANES + l] += dy[(w * d + i) * LANES + l]


@njit(**FAST)
def score(z, targets, lanes, weights, loss, hit, queries, vocab):
    """Cross-entropy of logits z (W, vocab): writes loss and hit (n, W), turns z into the gradient with respect to it."""
    share = np.zeros(LANES, np.float32)
    for w in range(queries):
        at = w * vocab * LANES
        most, mass = load(z, at), splat(np.float32(0.0))
        for o in range(1, vocab):
            most = maximum(most, load(z, at + o * LANES))
        top = np.empty(LANES, np.float32)
        store(top, 0, most)
        share[:] = 0
        for l in range(LANES):
            r = lanes[l]
            if r >= 0 and targets[r, w] >= 0:
                share[l] = weights[r, w]
                gold = z[at + targets[r, w] * LANES + l]
                loss[r, w] = top[l] - gold
                hit[r, w] = gold == top[l]
                for o in range(targets[r, w] if gold == top[l] else 0):
                    if z[at + o * LANES + l] == top[l]:
                        hit[r, w] = 0  # of equal logits the first is the answer
        for o in range(vocab):
            e = exp(load(z, at + o * LANES) - most)
            mass = mass + e
            store(z, at + o * LANES, e)
        store(top, 0, mass)
        part = load(share, 0) / mass
        for o in range(vocab):
            store(z, at + o * LANES, load(z, at + o * LANES) * part)
        for l in range(LANES):
            r = lanes[l]
            if r >= 0 and targets[r, w] >= 0:
                loss[r, w] += math.log(top[l])
                z[at + targets[r, w] * LANES + l] -= share[l]


@njit(**FAST)
def score_bits(z, targets, lanes, weights, loss, hit, queries, cells):
    """As :func:`score` for rows of bits, targets (n, W, cells): mean binary cross-entropy, and the share of right bits."""
    for w in range(queries):
        for l in range(LANES):
            r = lanes[l]
            scored = r >= 0 and targets[r, w, 0] >= 0
            for o in range(cells):
                at = (w * cells + o) * LANES + l
                y = z[at]
                z[at] = 0
                if scored:
                    small = math.exp(-abs(y))
                    bit = targets[r, w, o] > 0
                    loss[r, w] += (max(y, np.float32(0.0)) - (y if bit else np.float32(0.0)) + math.log1p(small)) / cells
                    hit[r, w] += ((y > 0) == bit) / np.float32(cells)
                    chance = (np.float32(1.0) if y > 0 else np.float32(small)) / (np.float32(1.0) + np.float32(small))
                    z[at] = (chance - (np.float32(1.0) if bit else np.float32(0.0))) * weights[r, w] / cells


@njit(**FAST)
def _room(rows, n):
    return np.empty((rows, n * LANES), np.float32)


@njit(**FAST)
def pass_through(p, at, g, dims, tokens, positions, targets, weights, order, loss, hit, train):
    """Send the rows in ``order`` through the network; write loss and hit and, to train, add their gradient to g.

    Args:
        p, g: (P,) weights and gradient. at: offset in them of every parameter, in the order of Architecture.shapes.
        dims: (V, layers, heads, D). tokens: (n, T) int32, or (n, T, cells) bits. positions: (n, W) int32. targets: (n, W), or
            (n, W, cells) for bits. weights: (n, W), what each
            output's loss counts in the gradient. order: rows, those of like length side by side. loss, hit: (n, W) results.
    """
    vocab, layers, heads, d = dims
    queries, longest = positions.shape[1], tokens.shape[1]
    last, most, bits = layers - 1, max(longest, queries), tokens.ndim == 3  # known when compiled: one kernel for each kind of input
    cells = _room(1, longest * vocab if bits else 0)[0]
    room = max(longest * (longest + 1) // 2, queries * longest)
    # what each layer keeps for its way back
    x, unit1, rstd1, a1 = _room(layers + 1, most * d), _room(layers, most * d), _room(layers, most), _room(layers, most * d)
    q, k, v, mixed = _room(layers, most * d), _room(layers, most * d), _room(layers, most * d), _room(layers, most * d)
    probs, x2 = _room(layers, heads * room), _room(layers, most * d)
    unit2, rstd2, a2 = _room(layers, most * d), _room(layers, most), _room(layers, most * d)
    wide, slope = _room(layers, 4 * most * d), _room(layers, 4 * most * d)
    work = _room(10, most * d)
    aq, dx, dx2, da, dmix, dq, dk, dv, unitf, af = work[0], work[1], work[2], work[3], work[4], work[5], work[6], work[7], work[8], work[9]
    dwide, z, ds, rstdf = _room(1, 4 * most * d)[0], _room(1, queries * vocab)[0], _room(1, longest)[0], _room(1, queries)[0]
    lanes, asked = np.empty(LANES, np.int64), np.zeros((queries, LANES), np.int64)
    causal, until = np.zeros((longest, LANES), np.int64), np.arange(longest)
    begin = until * (until + 1) // 2
    low, high, start = np.zeros(queries, np.int64), np.zeros(queries, np.int64), np.zeros(queries, np.int64)
    f = 2 + 12 * layers
    head = at[0] if len(at) == f + 3 else at[f + 2]  # tied, or a head of its own

    for first in range(0, len(order), LANES):
        time = 0
        for l in range(LANES):
            lanes[l] = order[first + l] if first + l < len(order) else -1
            for w in range(queries):
                asked[w, l] = positions[max(lanes[l], 0), w]
                time = max(time, asked[w, l] + 1)
        filled = 0
        for w in range(queries):
            low[w], high[w], start[w] = asked[w].min(), asked[w].max(), filled
            filled += high[w] + 1

        for t in range(time):
            for l in range(LANES):
                for i in range(d):
                    x[0, (t * d + i) * LANES + l] = p[at[1] + t * d + i]
                if bits:
                    for c in range(vocab):
                        cells[(t * vocab + c) * LANES + l] = tokens[max(lanes[l], 0), t, c]
                else:
                    token = at[0] + tokens[max(lanes[l], 0), t] * d
                    for i in range(d):
                        x[0, (t * d + i) * LANES + l] += p[token + i]
        if bits:
            linear(cells, x[0], time, vocab, d, p, at[0], d, 1, -1, True)
        for layer in range(layers):
            b = 2 + 12 * layer
            m = queries if layer == last else time  # times that go on from here
            norm(x[layer], unit1[layer], rstd1[layer], a1[layer], time, d, p, at[b], at[b + 1])
            linear(a1[layer], k[layer], time, d, d, p, at[b + 2] + d, 3 * d, 1, at[b + 3] + d, False)
            linear(a1[layer], v[layer], time, d, d, p, at[b + 2] + 2 * d, 3 * d, 1, at[b + 3] + 2 * d, False)
            if layer == last:
                take(a1[layer], asked, aq, m, d)
                linear(aq, q[layer], m, d, d, p, at[b + 2], 3 * d, 1, at[b + 3], False)
                attend(q[layer], k[layer], v[layer], asked, low, high, start, probs[layer], room, mixed[layer], m, heads, d)
                take(x[layer], asked, x2[layer], m, d)
            else:
                linear(a1[layer], q[layer], m, d, d, p, at[b + 2], 3 * d, 1, at[b + 3], False)
                attend(q[layer], k[layer], v[layer], causal, until, until, begin, probs[layer], room, mixed[layer], m, heads, d)
                x2[layer, : m * d * LANES] = x[layer, : m * d * LANES]
            linear(mixed[layer], x2[layer], m, d, d, p, at[b + 4], d, 1, at[b + 5], True)
            norm(x2[layer], unit2[layer], rstd2[layer], a2[layer], m, d, p, at[b + 6], at[b + 7])
            linear(a2[layer], wide[layer], m, d, 4 * d, p, at[b + 8], 4 * d, 1, at[b + 9], False)
            gelu(wide[layer], slope[layer], 4 * m * d)
            x[layer + 1, : m * d * LANES] = x2[layer, : m * d * LANES]
            linear(wide[layer], x[layer + 1], m, 4 * d, d, p, at[b + 10], d, 1, at[b + 11], True)
        norm(x[layers], unitf, rstdf, af, queries, d, p, at[f], at[f + 1])
        linear(af, z, queries, d, vocab, p, head, 1, d, -1, False)
        if bits:
            score_bits(z, targets, lanes, weights, loss, hit, queries, vocab)
        else:
            score(z, targets, lanes, weights, loss, hit, queries, vocab)
        if not train:
            continue

        outer(af, z, queries, d, vocab, g, head, 1, d, -1)
        linear(z, da, queries, vocab, d, p, head, d, 1, -1, False)
        dx[: queries * d * LANES] = 0
        norm_back(da, unitf, rstdf, dx, queries, d, p, g, at[f], at[f + 1])
        for layer in range(layers - 1, -1, -1):
            b = 2 + 12 * layer
            m = queries if layer == last else time
            outer(wide[layer], dx, m, 4 * d, d, g, at[b + 10], d, 1, at[b + 11])
            linear(dx, dwide, m, d, 4 * d, p, at[b + 10], 1, d, -1, False)
            for i in range(0, 4 * m * d * LANES, LANES):
                store(dwide, i, load(dwide, i) * load(slope[layer], i))
            outer(a2[layer], dwide, m, d, 4 * d, g, at[b + 8], 4 * d, 1, at[b + 9])
            linear(dwide, da, m, 4 * d, d, p, at[b + 8], 1, 4 * d, -1, False)
            norm_back(da, unit2[layer], rstd2[layer], dx, m, d, p, g, at[b + 6], at[b + 7])
            # dx is now the gradient of the stream after attention
            outer(mixed[layer], dx, m, d, d, g, at[b + 4], d, 1, at[b + 5])
            linear(dx, dmix, m, d, d, p, at[b + 4], 1, d, -1, False)
            dk[: time * d * LANES] = 0
            dv[: time * d * LANES] = 0
            if layer == last:
                attend_back(q[layer], k[layer], v[layer], mixed[layer], probs[layer], room, dmix, high, start, dq, dk, dv, ds, m, heads, d)
                outer(aq, dq, m, d, d, g, at[b + 2], 3 * d, 1, at[b + 3])
            else:
                attend_back(q[layer], k[layer], v[layer], mixed[layer], probs[layer], room, dmix, until, begin, dq, dk, dv, ds, m, heads, d)
                outer(a1[layer], dq, m, d, d, g, at[b + 2], 3 * d, 1, at[b + 3])
            outer(a1[layer], dk, time, d, d, g, at[b + 2] + d, 3 * d, 1, at[b + 3] + d)
            outer(a1[layer], dv, time, d, d, g, at[b + 2] + 2 * d, 3 * d, 1, at[b + 3] + 2 * d)
            linear(dk, da, time, d, d, p, at[b + 2] + d, 1, 3 * d, -1, False)
            linear(dv, da, time, d, d, p, at[b + 2] + 2 * d, 1, 3 * d, -1, True)
            if layer == last:
                linear(dq, dmix, m, d, d, p, at[b + 2], 1, 3 * d, -1, False)
                give(dmix, asked, da, m, d)
                dx2[: time * d * LANES] = 0
                give(dx, asked, dx2, m, d)
                dx, dx2 = dx2, dx
            else:
                linear(dq, da, m, d, d, p, at[b + 2], 1, 3 * d, -1, True)
            norm_back(da, unit1[layer], rstd1[layer], dx, time, d, p, g, at[b], at[b + 1])
        for t in range(time):
            for l in range(LANES):
                for i in range(d if lanes[l] >= 0 else 0):
                    g[at[1] + t * d + i] += dx[(t * d + i) * LANES + l]
                    if not bits:
                        g[at[0] + tokens[lanes[l], t] * d + i] += dx[(t * d + i) * LANES + l]
        if bits:
            outer(cells, dx, time, vocab, d, g, at[0], d, 1, -1)
