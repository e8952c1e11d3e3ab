"""Right answers to the workshop's exercises."""

import numpy as np

from procmod_lib.workshop import rules, surgery

# Right answers, written as a student would; the notebooks hold their own.


def copy_lists(n, length, symbols, rng):
    lists = rng.integers(1, symbols + 1, (n, length))
    return np.concatenate([lists, np.zeros((n, 1), int), lists], 1)


def haystack(n, rng):
    rows = []
    for _ in range(n):
        keys, values = rng.permutation(np.arange(10, 15)), rng.integers(1, 10, 5)
        asked = rng.integers(5)
        pairs = np.stack([keys, values], 1).ravel()
        rows.append([*pairs, keys[asked] + 5, values[asked]])
    return np.array(rows)


def scored(length):
    mask = np.zeros(length, bool)
    mask[-2] = True
    return mask


def guess(pairs):
    return float(np.mean(1 / np.arange(1, pairs + 1)))


def attention_only(fresh, donor):
    return {n: (donor if ".attn." in n else fresh)[n].copy() for n in fresh}


def shuffle(tensor, rng):
    return rng.permutation(tensor.ravel()).reshape(tensor.shape)


def random_donor(tensor, rng):
    numbers = rng.normal(size=tensor.shape)
    return numbers * np.linalg.norm(tensor) / np.linalg.norm(numbers)


def loud_head(fresh, spread, rng, layer=1, head=0, blocks=(0, 1, 2), rows=True):
    new = {n: t.copy() for n, t in fresh.items()}
    joint, out = (new[f"h.{layer}.attn.{name}.weight"] for name in ("c_attn", "c_proj"))
    for block in blocks:
        at = slice(16 * block + 4 * head, 16 * block + 4 * head + 4)
        joint[:, at] = rng.normal(0, spread, (16, 4))
    if rows:
        out[4 * head : 4 * head + 4] = rng.normal(0, spread, (4, 16))
    return new


CHECKS = {
    rules.check_copy: copy_lists,
    rules.check_haystack: haystack,
    rules.check_scored: scored,
    rules.check_guess: guess,
    surgery.check_attention_only: attention_only,
    surgery.check_shuffle: shuffle,
    surgery.check_random_donor: random_donor,
    surgery.check_loud_head: loud_head,
}
