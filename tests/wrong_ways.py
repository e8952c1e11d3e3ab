"""Functions that solve an exercise of the workshop wrongly."""

import numpy as np
from answers import (
    attention_only,
    haystack,
    loud_head,
    shuffle,
)


def changed(rows, at, value):
    rows = rows.copy()
    rows[:, at] = value
    return rows


def spoil(fresh, donor):
    fresh["wte.weight"][:] = 0
    return attention_only(fresh, donor)


def with_norms(fresh, donor):
    new = attention_only(fresh, donor)
    return new | {n: donor[n].copy() for n in new if "ln_1" in n or "mlp" in n}


def weights_alone(fresh, donor):
    new = attention_only(fresh, donor)
    return new | {n: fresh[n].copy() for n in new if n.endswith("c_proj.weight")}


def with_biases(fresh, donor):
    new = attention_only(fresh, donor)
    new["h.0.attn.c_attn.bias"][:] = 1
    return new


def shared(fresh, donor):
    return {n: donor[n] if ".attn." in n else fresh[n].copy() for n in fresh}


def in_place(tensor, rng):
    rng.shuffle(tensor.reshape(-1))
    return tensor


def in_order(n, rng):
    """Keys always 10 to 14."""
    rows = haystack(n, rng)
    return ask(np.arange(10, 15) * np.ones((n, 1), int), rows[:, 1:10:2], rng)


def few_values(n, rng):
    """Values 1 to 8."""
    rows = haystack(n, rng)
    return ask(rows[:, 0:10:2], np.minimum(rows[:, 1:10:2], 8), rng)


def four_places(n, rng):
    """The last place is never asked for."""
    rows = haystack(n, rng)
    return ask(rows[:, 0:10:2], rows[:, 1:10:2], rng, places=4)


def ask(keys, values, rng, places=5):
    """Rows of these keys and values with a question and its answer."""
    n = len(keys)
    asked, row = rng.integers(places, size=n), np.arange(n)
    pairs = np.stack([keys, values], 2).reshape(n, 10)
    last = np.stack([keys[row, asked] + 5, values[row, asked]], 1)
    return np.concatenate([pairs, last], 1)


def shared_fresh(fresh, donor):
    return {n: donor[n].copy() if ".attn." in n else fresh[n] for n in fresh}


def uniform(tensor, rng):
    numbers = rng.uniform(-1, 1, tensor.shape)
    return numbers * np.linalg.norm(tensor) / np.linalg.norm(numbers)


def tied_halves(fresh, spread, rng):
    new = loud_head(fresh, spread, rng)
    joint = new["h.1.attn.c_attn.weight"]
    joint[:, 16:20] = joint[:, 0:4]
    return new


OWN = np.random.default_rng(7)  # a generator of the student's own, in place of rng


def one_value(n, rng):
    """One value behind all keys of a row."""
    rows = haystack(n, rng)
    return ask(rows[:, 0:10:2], rng.integers(1, 10, (n, 1)) * np.ones((1, 5), int), rng)


def in_turn(n, rng):
    """Asks for the places in turn."""
    rows, row = haystack(n, rng), np.arange(n)
    rows[:, -2] = rows[row, 2 * (row % 5)] + 5
    rows[:, -1] = rows[row, 2 * (row % 5) + 1]
    return rows


def own_values(n, rng):
    values = np.random.default_rng(0).integers(1, 10, (n, 5))
    return ask(haystack(n, rng)[:, 0:10:2], values, rng)


def own_keys(n, rng):
    keys = haystack(n, np.random.default_rng(0))[:, 0:10:2]
    return ask(keys, haystack(n, rng)[:, 1:10:2], rng)


def asked_at(rows, place):
    """The same pairs, asked at these places (n,)."""
    rows, row = rows.copy(), np.arange(len(rows))
    rows[:, -2], rows[:, -1] = rows[row, 2 * place] + 5, rows[row, 2 * place + 1]
    return rows


def mostly_last(n, rng):
    place = np.where(rng.random(n) < 0.8, 4, rng.integers(5, size=n))
    return asked_at(haystack(n, rng), place)


def the_largest(n, rng):
    rows = haystack(n, rng)
    return asked_at(rows, rows[:, 1:10:2].argmax(1))


def within_blocks(tensor, rng):
    parts = np.split(tensor, 3, axis=1)
    return np.concatenate([shuffle(part, rng) for part in parts], axis=1)


def statistics_alone(tensor, rng):
    return rng.normal(tensor.mean(), tensor.std(), tensor.shape)


def quiet_output(fresh, spread, rng):
    new = loud_head(fresh, spread, rng)
    new["h.1.attn.c_proj.weight"][:4] = rng.normal(0, 0.02, (4, 16))
    return new


def quiet_values(fresh, spread, rng):
    new = loud_head(fresh, spread, rng)
    new["h.1.attn.c_attn.weight"][:, 32:36] = rng.normal(0, 0.02, (16, 4))
    return new


def rows_and_columns(tensor, rng):
    return rng.permutation(rng.permutation(tensor, axis=0), axis=1)


def one_swap(tensor, rng):
    flat, (a, b) = tensor.ravel().copy(), rng.choice(tensor.size, 2, replace=False)
    flat[[a, b]] = flat[[b, a]]
    return flat.reshape(tensor.shape)


def pieces_of_eight(tensor, rng):
    return rng.permutation(tensor.reshape(-1, 8)).reshape(tensor.shape)


def one_row_again(tensor, rng):
    return scaled(tensor, np.tile(rng.normal(size=tensor.shape[1]), (len(tensor), 1)))


def scaled(tensor, numbers):
    return numbers * np.linalg.norm(tensor) / np.linalg.norm(numbers)


def row_by_row(tensor, rng):
    return np.stack([scaled(row, rng.normal(size=row.shape)) for row in tensor])


def one_row(fresh, spread, rng):
    new = loud_head(fresh, spread, rng)
    new["h.1.attn.c_attn.weight"][:, :4] = rng.normal(0, spread, 4)
    return new


def added(fresh, spread, rng):
    new = loud_head(fresh, spread, rng)
    new["h.1.attn.c_attn.weight"][:, :4] += fresh["h.1.attn.c_attn.weight"][:, :4]
    return new


def flat_numbers(fresh, spread, rng):
    new, most = loud_head(fresh, spread, rng), spread * 3**0.5
    for block in (0, 16, 32):
        new["h.1.attn.c_attn.weight"][:, block : block + 4] = rng.uniform(-most, most, (16, 4))
    new["h.1.attn.c_proj.weight"][:4] = rng.uniform(-most, most, (4, 16))
    return new


def columns_of_output(fresh, spread, rng):
    new = loud_head(fresh, spread, rng, rows=False)
    new["h.1.attn.c_proj.weight"][:, :4] = rng.normal(0, spread, (16, 4))
    return new
