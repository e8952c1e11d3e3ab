"""The CPU kernel: loss and exact gradient of a tiny GPT-2, eight or sixteen sequences at a time,
inside the cache.

PyTorch is slow on models this small: each operator goes through memory, and a head dimension of 4
leaves its attention idle. Here LANES sequences of like length go together through the whole
network, forward and backward. Every array is (time, feature, lane) with one vector register a
(time, feature), so attention needs no padding, computes next to nothing of the future, and
arithmetic crosses lanes only where a gradient is summed.

The numbers equal those of :mod:`procmod_lib.network.gpt2` up to rounding
(tests/network/test_kernel.py)."""

import numpy as np
from numba import njit

from procmod_lib.network.attention import attend, attend_back
from procmod_lib.network.dropout import (
    EMBEDDING,
    MIXED,
    MLP,
    PROBS,
    add_dropped,
    choose_keys,
    drop,
    site,
)
from procmod_lib.network.ends import embed, embed_back, score, score_bits
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.network.layers import (
    FAST,
    gather,
    gelu,
    linear,
    norm,
    norm_back,
    scatter,
    weight_gradient,
)
from procmod_lib.network.space import choose_rows, kept_for, rows_for, spare_for
from procmod_lib.network.vector import LANES, load, splat, store, total

# numba's cache sees changes of this file only, so it changes whenever its parts do:
# the sha256 of PARTS, one after the other.
MADE_OF = "a619230b17b0"
PARTS = ("vector.py", "layers.py", "dropout.py", "attention.py", "ends.py", "space.py")

# Where a layer's parameters begin in the list of offsets, counted from the layer's first; in the
# order of Architecture.shapes.
LN1_WEIGHT, LN1_BIAS, QKV_WEIGHT, QKV_BIAS, PROJ_WEIGHT, PROJ_BIAS = 0, 1, 2, 3, 4, 5
LN2_WEIGHT, LN2_BIAS, FC_WEIGHT, FC_BIAS, OUT_WEIGHT, OUT_BIAS = 6, 7, 8, 9, 10, 11
PER_LAYER = 12
TOKENS, POSITIONS, FIRST_LAYER = 0, 1, 2


def supports(arch: Architecture) -> bool:
    """Whether the kernel can train this: a head dimension that is a multiple of 4 and a vocabulary
    of 4 or more.
    """
    return arch.width // arch.heads % 4 == 0 and arch.vocab >= 4


@njit(**FAST)
def forward_backward(
    p, at, g, dims, tokens, positions, targets, weights, order, loss, hit, train, memory, noise
):
    """Send the rows in ``order`` through the network; write loss and hit and, to train, add their
    gradient to g.

    Args:
        p: (P,) weights.
        g: (P,) gradient.
        at: offset in them of every parameter, in the order of Architecture.shapes, and P.
        dims: (V, layers, heads, D).
        tokens: (n, T) int32, or (n, T, cells) bits.
        positions: (n, W) int32.
        targets: (n, W), or (n, W, cells) for bits.
        weights: (n, W), what each output's loss counts in the gradient.
        order: rows, those of like length side by side.
        loss: (n, W) result.
        hit: (n, W) result, 1 where an output is right.
        train: whether the gradient is wanted.
        memory: working space, from :func:`procmod_lib.network.space.memory_for`.
        noise: from :func:`procmod_lib.network.dropout.noise_for`; None drops nothing.
    """
    queries, longest = positions.shape[1], tokens.shape[1]
    bits = tokens.ndim == 3  # known when compiled: one kernel for each kind of input
    free = memory, np.zeros(1, np.int64)
    kept = kept_for(free, dims, longest, queries)
    spare = spare_for(free, dims, longest, queries, bits)
    rows = rows_for(free, longest, queries)
    for first in range(0, len(order), LANES):
        time = choose_rows(rows, order, first, positions, queries)
        if bits:
            embed_bits(kept.x[0], spare.cells, tokens, rows.lanes, p, at, time, dims)
        else:
            embed(kept.x[0], tokens, rows.lanes, p, at[TOKENS], at[POSITIONS], time, dims[3])
        if noise is not None:
            choose_keys(noise, rows.lanes)
            drop(kept.x[0], kept.x[0], noise, EMBEDDING, time, dims[3])
        forward(p, at, dims, kept, rows, spare.z, time, longest, queries, noise)
        if bits:
            score_bits(spare.z, targets, rows.lanes, weights, loss, hit, queries, dims[0])
        else:
            score(spare.z, targets, rows.lanes, weights, loss, hit, queries, dims[0])
        if not train:
            continue
        dx = backward(p, at, g, dims, kept, spare, rows, time, longest, queries, noise)
        if noise is not None:
            drop(dx, dx, noise, EMBEDDING, time, dims[3])
        positions_back(dx, g, at[POSITIONS], time, dims[3])
        if bits:
            weight_gradient(spare.cells, dx, time, dims[0], dims[3], g, at[TOKENS], dims[3], 1, -1)
        else:
            embed_back(dx, tokens, rows.lanes, g, at[TOKENS], time, dims[3])


@njit(**FAST)
def forward(p, at, dims, kept, rows, z, time, longest, queries, noise):
    """From the embedded stream kept.x[0] to the logits z (W, V)."""
    vocab, layers, heads, d = dims
    for layer in range(layers):
        b, last = FIRST_LAYER + PER_LAYER * layer, layer == layers - 1
        m = queries if last else time  # times that go on from here
        attention_forward(p, at, b, layer, last, kept, rows, m, time, longest, heads, d, noise)
        mlp_forward(p, at, b, layer, kept, m, d, noise)
    f = FIRST_LAYER + PER_LAYER * layers
    x, unit, rstd = kept.x[layers], kept.unitf, kept.rstdf
    norm(x, unit, rstd, kept.af, queries, d, p, at[f], at[f + 1])
    linear(kept.af, kept.af, z, queries, d, vocab, p, head_offset(at, f), 1, d, -1, False)


@njit(**FAST)
def attention_forward(p, at, b, layer, last, kept, rows, m, time, longest, heads, d, noise):
    """From the stream kept.x[layer] (T, D) to that after attention, kept.x2[layer] (m, D)."""
    base, a, q, kv = kept.x[layer], kept.a1[layer], kept.q[layer], kept.kv[layer]
    weight, bias = at[b + QKV_WEIGHT], at[b + QKV_BIAS]
    unit, rstd, mixed = kept.unit1[layer], kept.rstd1[layer], kept.mixed[layer]
    norm(base, unit, rstd, a, time, d, p, at[b + LN1_WEIGHT], at[b + LN1_BIAS])
    linear(a, a, kv, time, d, 2 * d, p, weight + d, 3 * d, 1, bias + d, False)
    limit, low, high = rows.causal, rows.until, rows.until  # what each query sees
    if last:
        gather(a, rows.asked, kept.asking, m, d)
        gather(base, rows.asked, kept.base, m, d)
        limit, low, high = rows.bound, rows.low, rows.high
        a, base = kept.asking, kept.base
    linear(a, a, q, m, d, d, p, weight, 3 * d, 1, bias, False)
    probs, x2 = kept.probs[layer], kept.x2[layer]
    attend(q, kv, limit, low, high, probs, longest, mixed, m, heads, d, noise, site(layer, PROBS))
    weight, bias = at[b + PROJ_WEIGHT], at[b + PROJ_BIAS]
    linear(mixed, base, x2, m, d, d, p, weight, d, 1, bias, noise is None)
    if noise is not None:
        add_dropped(base, x2, noise, site(layer, MIXED), m, d)


@njit(**FAST)
def mlp_forward(p, at, b, layer, kept, m, d, noise):
    """From the stream after attention, kept.x2[layer] (m, D), to that of the next layer."""
    x2, a2, wide = kept.x2[layer], kept.a2[layer], kept.wide[layer]
    unit, rstd = kept.unit2[layer], kept.rstd2[layer]
    norm(x2, unit, rstd, a2, m, d, p, at[b + LN2_WEIGHT], at[b + LN2_BIAS])
    linear(a2, a2, wide, m, d, 4 * d, p, at[b + FC_WEIGHT], 4 * d, 1, at[b + FC_BIAS], False)
    gelu(wide, kept.slope[layer], m, 4 * d)
    weight, bias = at[b + OUT_WEIGHT], at[b + OUT_BIAS]
    linear(wide, x2, kept.x[layer + 1], m, 4 * d, d, p, weight, d, 1, bias, noise is None)
    if noise is not None:
        add_dropped(x2, kept.x[layer + 1], noise, site(layer, MLP), m, d)


@njit(**FAST)
def backward(p, at, g, dims, kept, spare, rows, time, longest, queries, noise):
    """From the gradient of the logits in spare.z to that of the embedded stream, which is returned.

    Adds to g on the way.
    """
    vocab, layers, heads, d = dims
    f = FIRST_LAYER + PER_LAYER * layers
    head = head_offset(at, f)
    dx, other = spare.dx, spare.dx2
    da, dq, dmix = spare.da, spare.dq, spare.dmix
    weight_gradient(kept.af, spare.z, queries, d, vocab, g, head, 1, d, -1)
    linear(spare.z, spare.z, da, queries, vocab, d, p, head, d, 1, -1, False)
    dx[: queries * (d + 1) * LANES] = 0
    norm_back(da, kept.unitf, kept.rstdf, dx, queries, d, p, g, at[f], at[f + 1])
    for layer in range(layers - 1, -1, -1):
        b, last = FIRST_LAYER + PER_LAYER * layer, layer == layers - 1
        m, weight = queries if last else time, at[b + QKV_WEIGHT]
        sizes = m, time, longest, heads, d
        mlp_back(p, at, g, b, layer, kept, spare, dx, m, d, noise)
        attention_back(p, at, g, b, layer, last, kept, spare, rows, dx, sizes, noise)
        if last:
            linear(dq, dq, dmix, m, d, d, p, weight, 1, 3 * d, -1, False)
            scatter(dmix, rows.asked, da, m, d)
            other[: time * (d + 1) * LANES] = 0
            scatter(dx, rows.asked, other, m, d)
            dx, other = other, dx
        else:
            linear(dq, da, da, m, d, d, p, weight, 1, 3 * d, -1, True)
        unit, rstd = kept.unit1[layer], kept.rstd1[layer]
        norm_back(da, unit, rstd, dx, time, d, p, g, at[b + LN1_WEIGHT], at[b + LN1_BIAS])
    return dx


@njit(**FAST)
def mlp_back(p, at, g, b, layer, kept, spare, dx, m, d, noise):
    """Add the MLP's way back to dx (m, D), the gradient of the stream after it."""
    da, dwide, unit, rstd = spare.da, spare.dwide, kept.unit2[layer], kept.rstd2[layer]
    weight, bias = at[b + OUT_WEIGHT], at[b + OUT_BIAS]
    dy = dx
    if noise is not None:
        dy = da
        drop(dx, dy, noise, site(layer, MLP), m, d)
    weight_gradient(kept.wide[layer], dy, m, 4 * d, d, g, weight, d, 1, bias)
    linear(dy, dy, dwide, m, d, 4 * d, p, weight, 1, d, -1, False)
    for i in range(0, m * (4 * d + 1) * LANES, LANES):
        store(dwide, i, load(dwide, i) * load(kept.slope[layer], i))
    weight, bias = at[b + FC_WEIGHT], at[b + FC_BIAS]
    weight_gradient(kept.a2[layer], dwide, m, d, 4 * d, g, weight, 4 * d, 1, bias)
    linear(dwide, dx, da, m, 4 * d, d, p, weight, 1, 4 * d, -1, False)
    norm_back(da, unit, rstd, dx, m, d, p, g, at[b + LN2_WEIGHT], at[b + LN2_BIAS])


@njit(**FAST)
def attention_back(p, at, g, b, layer, last, kept, spare, rows, dx, sizes, noise):
    """From dx (m, D), the gradient of the stream after attention, to two others.

    These are the gradients of the queries (spare.dq) and of the normed stream (spare.da).
    """
    m, time, longest, heads, d = sizes
    a, high = (kept.asking, rows.high) if last else (kept.a1[layer], rows.until)
    q, kv, mixed, probs = kept.q[layer], kept.kv[layer], kept.mixed[layer], kept.probs[layer]
    dq, dkv, dmix, ds = spare.dq, spare.dkv, spare.dmix, spare.ds
    weight, bias = at[b + PROJ_WEIGHT], at[b + PROJ_BIAS]
    dy, first = dx, site(layer, PROBS)
    if noise is not None:
        dy = spare.da
        drop(dx, dy, noise, site(layer, MIXED), m, d)
    weight_gradient(mixed, dy, m, d, d, g, weight, d, 1, bias)
    linear(dy, dy, dmix, m, d, d, p, weight, 1, d, -1, False)
    dkv[: time * (2 * d + 1) * LANES] = 0
    attend_back(q, kv, mixed, probs, longest, dmix, high, dq, dkv, ds, m, heads, d, noise, first)
    weight, bias = at[b + QKV_WEIGHT], at[b + QKV_BIAS]
    weight_gradient(a, dq, m, d, d, g, weight, 3 * d, 1, bias)
    weight_gradient(kept.a1[layer], dkv, time, d, 2 * d, g, weight + d, 3 * d, 1, bias + d)
    linear(dkv, dkv, spare.da, time, 2 * d, d, p, weight + d, 1, 3 * d, -1, False)


@njit(**FAST)
def head_offset(at, f):
    """Where the output head begins.

    At the token embedding where it is tied, else behind the final norm.
    """
    return at[TOKENS] if len(at) == f + 3 else at[f + 2]


@njit(**FAST)
def embed_bits(x, cells, tokens, lanes, p, at, time, dims):
    """x (time, D): a linear map of each lane's rows of bits, plus the position.

    Keeps the bits in ``cells`` (time, V).
    """
    vocab, d = dims[0], dims[3]
    for t in range(time):
        for i in range(d):
            store(x, (t * (d + 1) + i) * LANES, splat(p[at[POSITIONS] + t * d + i]))
        for l in range(LANES):
            for c in range(vocab):
                cells[(t * (vocab + 1) + c) * LANES + l] = tokens[max(lanes[l], 0), t, c]
    linear(cells, x, x, time, vocab, d, p, at[TOKENS], d, 1, -1, True)


@njit(**FAST)
def positions_back(dx, g, wpe, time, d):
    """Add dx (time, D) to the gradient of the positions."""
    for i in range(time * d):
        g[wpe + i] += total(load(dx, (i // d * (d + 1) + i % d) * LANES))
