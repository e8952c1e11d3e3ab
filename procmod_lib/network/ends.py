"""Both ends of the network for LANES sequences at once: embeddings, and loss with its gradient."""

import math

import numpy as np
from numba import njit

from procmod_lib.network.layers import FAST
from procmod_lib.network.vector import LANES, exp, load, maximum, splat, store


@njit(**FAST)
def embed(x, tokens, lanes, p, wte, wpe, time, d):
    """x (time, d): the embedding of each lane's tokens, plus that of the position."""
    for t in range(time):
        for l in range(LANES):
            token = wte + tokens[max(lanes[l], 0), t] * d
            for i in range(d):
                x[(t * (d + 1) + i) * LANES + l] = p[token + i]
        for i in range(d):
            at = (t * (d + 1) + i) * LANES
            store(x, at, load(x, at) + splat(p[wpe + t * d + i]))


@njit(**FAST)
def embed_back(dx, tokens, lanes, g, wte, time, d):
    """Add dx (time, d) to the gradients of the tokens' embeddings."""
    for t in range(time):
        for l in range(LANES):
            token = wte + tokens[max(lanes[l], 0), t] * d
            for i in range(d if lanes[l] >= 0 else 0):
                g[token + i] += dx[(t * (d + 1) + i) * LANES + l]


@njit(**FAST)
def score(z, targets, lanes, weights, loss, hit, queries, vocab):
    """Cross-entropy of logits z (W, vocab).

    Writes loss and hit (n, W), turns z into the gradient with respect to it.
    """
    share = np.zeros(LANES, np.float32)
    for w in range(queries):
        at = w * (vocab + 1) * LANES
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
    """As :func:`score` for rows of bits, targets (n, W, cells).

    Mean binary cross-entropy, and the share of right bits.
    """
    for w in range(queries):
        for l in range(LANES):
            r = lanes[l]
            scored = r >= 0 and targets[r, w, 0] >= 0
            for o in range(cells):
                at = (w * (cells + 1) + o) * LANES + l
                y = z[at]
                z[at] = 0
                if scored:
                    small = math.exp(-abs(y))
                    bit = targets[r, w, o] > 0
                    loss[r, w] += (
                        max(y, np.float32(0.0))
                        - (y if bit else np.float32(0.0))
                        + math.log1p(small)
                    ) / cells
                    hit[r, w] += ((y > 0) == bit) / np.float32(cells)
                    chance = (np.float32(1.0) if y > 0 else np.float32(small)) / (
                        np.float32(1.0) + np.float32(small)
                    )
                    z[at] = (
                        (chance - (np.float32(1.0) if bit else np.float32(0.0)))
                        * weights[r, w]
                        / cells
                    )
