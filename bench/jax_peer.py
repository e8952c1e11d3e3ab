"""JAX by somebody who knows it: one jitted step, optax, logits of scored outputs alone.

Runs in an environment of its own, which ``make bench PEERS=1`` makes; this library is not in it.
Reads the shape and some batches from a file, then takes as many steps as each line of its input
says and answers with the seconds that they took.
"""

import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax


def initial(vocab, positions, layers, width, key):
    """Weights of a GPT-2, as a dict of arrays."""
    shapes = {"wte": (vocab, width), "wpe": (positions, width), "head": (width, vocab)}
    for layer in range(layers):
        shapes |= {
            f"{layer}.qkv": (width, 3 * width),
            f"{layer}.out": (width, width),
            f"{layer}.up": (width, 4 * width),
            f"{layer}.down": (4 * width, width),
        }
    keys = jax.random.split(key, len(shapes))
    weights = {n: 0.02 * jax.random.normal(k, s) for k, (n, s) in zip(keys, shapes.items())}
    for layer in range(layers):
        weights |= {f"{layer}.ln1": jnp.ones(width), f"{layer}.ln2": jnp.ones(width)}
    return weights | {"lnf": jnp.ones(width)}


def norm(x, weight):
    """LayerNorm over the last axis."""
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * weight


def loss_of(weights, tokens, positions, targets, mask, layers, heads):
    """Mean cross-entropy of the scored outputs (n, W)."""
    n, length = tokens.shape
    x = weights["wte"][tokens] + weights["wpe"][:length]  # (n, T, D)
    width = x.shape[-1]
    causal = jnp.tril(jnp.ones((length, length), bool))
    for layer in range(layers):
        qkv = norm(x, weights[f"{layer}.ln1"]) @ weights[f"{layer}.qkv"]
        q, k, v = (
            z.reshape(n, length, heads, width // heads).transpose(0, 2, 1, 3)
            for z in jnp.split(qkv, 3, axis=-1)
        )  # (n, H, T, D / H)
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(width // heads)
        scores = jnp.where(causal, scores, -1e9)
        mixed = (jax.nn.softmax(scores, -1) @ v).transpose(0, 2, 1, 3).reshape(n, length, width)
        x = x + mixed @ weights[f"{layer}.out"]
        if layer == layers - 1:  # from here on only what is scored
            x = jnp.take_along_axis(x, positions[:, :, None], 1)  # (n, W, D)
        wide = jax.nn.gelu(norm(x, weights[f"{layer}.ln2"]) @ weights[f"{layer}.up"])
        x = x + wide @ weights[f"{layer}.down"]
    logits = norm(x, weights["lnf"]) @ weights["head"]
    gold = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, :, None], 2)[:, :, 0]
    return -(gold * mask).sum() / mask.sum()


def main() -> None:
    """Take steps as asked."""
    data = np.load(sys.argv[1])
    vocab, positions, layers, heads, width = (int(v) for v in data["shape"])
    rate = optax.warmup_cosine_decay_schedule(0.0, 1e-3, 500, 10_000)
    rule = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=1e-3))
    weights = initial(vocab, positions, layers, width, jax.random.key(0))
    state = rule.init(weights)

    @jax.jit
    def step(weights, state, tokens, where, targets, mask):
        gradient = jax.grad(loss_of)(weights, tokens, where, targets, mask, layers, heads)
        change, state = rule.update(gradient, state, weights)
        return optax.apply_updates(weights, change), state

    batches = [
        tuple(data[f"{name}{i}"] for name in ("tokens", "positions", "targets", "mask"))
        for i in range(int(data["batches"]))
    ]
    taken = 0
    for line in sys.stdin:
        begun = time.perf_counter()
        for _ in range(int(line)):
            weights, state = step(weights, state, *batches[taken % len(batches)])
            taken += 1
        jax.block_until_ready(weights)
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
