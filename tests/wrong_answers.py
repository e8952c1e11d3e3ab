"""Wrong answers to the workshop's exercises, and the words that say why."""

import numpy as np
from answers import (
    attention_only,
    copy_lists,
    guess,
    haystack,
    loud_head,
    random_donor,
    shuffle,
)

from procmod_lib.workshop import rules, surgery


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


WRONG = [
    (rules.check_copy, lambda n, m, s, r: None, "is None"),
    (rules.check_copy, lambda n, m, s, r: np.zeros((n, 2 * m + 1), int), "draw the random numbers"),
    (rules.check_copy, lambda n, m, s, r: copy_lists(n, m, s, r)[:, :-1], "must have the shape"),
    (
        rules.check_copy,
        lambda n, m, s, r: copy_lists(n, m, s, np.random.default_rng(0)),
        "draw the random numbers from rng",
    ),
    (rules.check_copy, lambda n, m, s, r: copy_lists(n, m, s - 1, r), "never come"),
    (
        rules.check_copy,
        lambda n, m, s, r: np.concatenate(
            [(x := r.integers(1, s + 1, (n, m))), np.zeros((n, 1), int), x[:, ::-1]], 1
        ),
        "backwards",
    ),
    (rules.check_copy, lambda n, m, s, r: copy_lists(n, m, s, r) - 1, "separator 0 must stand"),
    (rules.check_copy, lambda n, m, s, r: copy_lists(n, 6, s, r), "with length=4 must have"),
    (rules.check_copy, lambda n, m, s, r: copy_lists(n, m, 8, r), "must be 1 to 5"),
    (rules.check_haystack, lambda n, r: np.zeros((n, 12), int), "draw the random numbers"),
    (rules.check_haystack, lambda n, r: haystack(n, r)[:, :11], "must have the shape"),
    (rules.check_haystack, lambda n, r: changed(haystack(n, r), 2, 10), "stands twice"),
    (rules.check_haystack, lambda n, r: changed(haystack(n, r), 10, 15), "last token must be"),
    (rules.check_haystack, lambda n, r: haystack(n, r) - np.eye(12, dtype=int)[10] * 5, "plus 5"),
    (rules.check_haystack, lambda n, r: haystack(n, r).astype(float), "whole numbers"),
    (rules.check_haystack, in_order, "always stand in the same order"),
    (rules.check_haystack, four_places, "only 4 of the 5 places are ever asked for"),
    (rules.check_haystack, few_values, "some of the values 1 to 9 never come"),
    (rules.check_haystack, one_value, "then nothing has to be found"),
    (rules.check_haystack, in_turn, "the same with every generator"),
    (rules.check_scored, lambda length: np.ones(length, bool), "after the answer"),
    (rules.check_scored, lambda length: np.zeros(length, bool), "nothing is scored"),
    (rules.check_scored, lambda length: np.arange(length) == length - 1, "after the answer"),
    (rules.check_scored, lambda length: np.arange(length) == 0, "one output is scored"),
    (rules.check_scored, lambda length: np.arange(length), "must be True and False"),
    (rules.check_scored, lambda length: None, "the mask is None"),
    (rules.check_guess, lambda pairs: 1 / pairs, "have the most pairs"),
    (rules.check_guess, lambda pairs: 0.5, "it is not 0.500"),
    (rules.check_guess, lambda pairs: None, "is None"),
    (rules.check_guess, lambda pairs: "half", "must be a number"),
    (rules.check_guess, lambda pairs: float("nan"), "is nan; it must be a finite number"),
    (rules.check_guess, lambda pairs: 2 / (pairs + 1), "one over the mean"),
    (rules.check_guess, lambda pairs: pairs * guess(pairs), "the sum of the shares"),
    (rules.check_guess, lambda pairs: guess(pairs) if pairs > 1 else 0.9, "1 pair it is not 0.9"),
    (rules.check_guess, lambda pairs: 100 * guess(pairs), "at most 1"),
    (surgery.check_attention_only, lambda f, d: f, "was not copied"),
    (surgery.check_attention_only, lambda f, d: {n: t.copy() for n, t in d.items()}, "stay fresh"),
    (surgery.check_attention_only, with_norms, "must stay fresh"),
    (surgery.check_attention_only, weights_alone, "was not copied"),
    (surgery.check_attention_only, with_biases, "c_attn.bias belongs to attention"),
    (surgery.check_attention_only, spoil, "fresh model was changed"),
    (surgery.check_attention_only, shared, "a tensor of the donor itself"),
    (surgery.check_attention_only, shared_fresh, "a tensor of the fresh model itself"),
    (surgery.check_attention_only, lambda f, d: None, "must return a dict"),
    (surgery.check_shuffle, lambda t, r: t.copy(), "nothing was changed"),
    (surgery.check_shuffle, in_place, "that was given was changed"),
    (surgery.check_shuffle, lambda t, r: r.permutation(t), "whole rows"),
    (surgery.check_shuffle, lambda t, r: r.permuted(t, axis=1), "row or column"),
    (surgery.check_shuffle, rows_and_columns, "row or column"),
    (surgery.check_shuffle, one_swap, "stayed where they were"),
    (surgery.check_shuffle, pieces_of_eight, "neighbours still"),
    (surgery.check_shuffle, lambda t, r: r.shuffle(t.copy()), "is None"),
    (surgery.check_shuffle, random_donor, "are not those of the tensor"),
    (surgery.check_shuffle, lambda t, r: shuffle(t, np.random.default_rng(3)), "two generators"),
    (surgery.check_shuffle, lambda t, r: shuffle(t, OWN), "two calls"),
    (surgery.check_random_donor, shuffle, "that is a shuffle"),
    (surgery.check_random_donor, lambda t, r: r.normal(size=t.shape), "the norm must be"),
    (surgery.check_random_donor, uniform, "are not normal"),
    (surgery.check_random_donor, lambda t, r: np.full(t.shape, t.std()), "two generators"),
    (surgery.check_random_donor, lambda t, r: t * (1 + 1e-4 * r.normal()), "shines through"),
    (surgery.check_random_donor, lambda t, r: random_donor(t, r)[:8], "shape must stay"),
    (surgery.check_random_donor, lambda t, r: t * r.choice([-1, 1], t.shape), "shines through"),
    (surgery.check_random_donor, lambda t, r: scaled(t, np.abs(r.normal(size=t.shape))), "mean"),
    (surgery.check_random_donor, lambda t, r: scaled(t, r.laplace(size=t.shape) ** 3), "large"),
    (surgery.check_random_donor, one_row_again, "more than once"),
    (surgery.check_random_donor, row_by_row, "keep that of the whole alone"),
    (surgery.check_random_donor, lambda t, r: random_donor(t, OWN), "two calls"),
    (surgery.check_loud_head, lambda f, s, r: f, "nothing was changed"),
    (surgery.check_loud_head, lambda f, s, r: loud_head(f, s, r, layer=0), "counted from 0"),
    (surgery.check_loud_head, lambda f, s, r: loud_head(f, s, r, blocks=(0,)), "side by side"),
    (surgery.check_loud_head, lambda f, s, r: loud_head(f, s, r, head=1), "side by side"),
    (surgery.check_loud_head, lambda f, s, r: loud_head(f, s, r, rows=False), "first four rows"),
    (surgery.check_loud_head, lambda f, s, r: loud_head(f, 0.03, r), "standard deviation is 0.03"),
    (surgery.check_loud_head, tied_halves, "same numbers"),
    (surgery.check_loud_head, one_row, "same numbers"),
    (surgery.check_loud_head, lambda f, s, r: loud_head(f, 0.3, r), "and should be 0.1"),
    (surgery.check_loud_head, added, "depends on the weights that were there"),
    (surgery.check_loud_head, flat_numbers, "are not normal"),
    (surgery.check_loud_head, columns_of_output, "a head writes through rows"),
    (surgery.check_loud_head, lambda f, s, r: loud_head(f, s, OWN), "two calls"),
]
