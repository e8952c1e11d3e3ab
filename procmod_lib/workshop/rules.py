"""Checks of session A, rules and needles: a source, a diagnostic, a mask and a bound."""

from collections.abc import Callable

import numpy as np

from procmod_lib.workshop.verdict import Wrong, check, expect, expect_drawn

PAIRS, VALUES = 5, 9


def _array(answer, shape: tuple[int, ...], what: str) -> np.ndarray:
    expect(answer is not None, f"{what} is None; the function must return something.")
    array = np.asarray(answer)
    expect(array.shape == shape, f"{what} must have the shape {shape}, it has {array.shape}.")
    expect(np.issubdtype(array.dtype, np.integer), f"{what} must be whole numbers.")
    return array


def _draws(make: Callable, shape: tuple[int, ...], what: str) -> np.ndarray:
    """A batch, checked to follow the generator that it was given and nothing else."""
    drawn = [_array(make(np.random.default_rng(seed)), shape, what) for seed in (1, 1, 2)]
    expect_drawn(*drawn, "samples")
    first = drawn[0]
    expect(
        len({tuple(row) for row in first.reshape(len(first), -1)}) > 1,
        "every sample is the same: draw each anew.",
    )
    return first


@check(
    "a source is a rule of a few lines, and a model that predicts the second half has to look back."
)
def check_copy(copy_lists: Callable) -> None:
    """``copy_lists(n, length, symbols, rng)`` returns (n, 2 length + 1): list, 0, list again."""
    for length, symbols in ((6, 8), (4, 5)):
        _check_copies(copy_lists, length, symbols)


def _check_copies(copy_lists: Callable, length: int, symbols: int) -> None:
    n = 64
    what = f"the batch with length={length}"
    tokens = _draws(lambda rng: copy_lists(n, length, symbols, rng), (n, 2 * length + 1), what)
    left, middle, right = tokens[:, :length], tokens[:, length], tokens[:, length + 1 :]
    expect((middle == 0).all(), f"the separator 0 must stand at place {length} of every row.")
    expect(
        (left >= 1).all() and (left <= symbols).all(),
        f"the tokens of a list must be 1 to {symbols}; 0 is the separator.",
    )
    expect(
        not np.array_equal(right, left[:, ::-1]) or np.array_equal(right, left),
        "the second half is the first one backwards; IDENTITY copies it in order.",
    )
    expect(np.array_equal(right, left), "the second half must be the first one again.")
    expect(len(np.unique(left)) == symbols, f"some of the tokens 1 to {symbols} never come.")
    expect(len({tuple(row) for row in left}) > n // 2, "most lists are alike: draw each row anew.")


@check("a model is asked for one token, and must find where its key stood.")
def check_haystack(haystack: Callable) -> None:
    """``haystack(n, rng)`` returns (n, 12): five pairs of a key and a value, a query, the value.

    Keys are 10 to 14, each once a row; values are 1 to 9; a query is its key plus 5.
    """
    n = 256
    tokens = _draws(lambda rng: haystack(n, rng), (n, 2 * PAIRS + 2), "the batch")
    keys, values = tokens[:, 0 : 2 * PAIRS : 2], tokens[:, 1 : 2 * PAIRS : 2]
    _check_pairs(keys, values)
    asked, answer = tokens[:, -2] - PAIRS, tokens[:, -1]
    expect(
        all(key in row for key, row in zip(asked, keys.tolist(), strict=True)),
        "the question must be the number of one of the row's keys plus 5.",
    )
    place = (keys == asked[:, None]).argmax(1)
    expect(
        np.array_equal(values[np.arange(n), place], answer),
        "the last token must be the value that stood behind the key that is asked for.",
    )
    places = len(set(place.tolist()))
    expect(
        places > 1, "the same place is always asked for: a model could answer by position alone."
    )
    expect(places == PAIRS, f"only {places} of the {PAIRS} places are ever asked for.")
    counts = np.bincount(place, minlength=PAIRS)
    expect(
        counts.max() < 2 * n / PAIRS and counts.min() > n / PAIRS / 2,
        "some places are asked for much more often than others: draw the place evenly.",
    )
    expect(
        (answer == values.max(1)).mean() < 0.6,
        "the answer is the largest value nearly always: then no key is needed.",
    )
    other = _array(haystack(n, np.random.default_rng(2)), tokens.shape, "the batch")
    elsewhere = (other[:, 0 : 2 * PAIRS : 2] == other[:, -2:-1] - PAIRS).argmax(1)
    drawn = {
        "keys": (keys, other[:, 0 : 2 * PAIRS : 2]),
        "values": (values, other[:, 1 : 2 * PAIRS : 2]),
        "places that are asked for": (place, elsewhere),
    }
    for what, (one, another) in drawn.items():
        expect(
            not np.array_equal(one, another),
            f"the {what} are the same with every generator: draw them from rng too.",
        )


def _check_pairs(keys: np.ndarray, values: np.ndarray) -> None:
    """Expect keys (n, 5), each once a row and in random order, and values (n, 5)."""
    low, high = VALUES + 1, VALUES + PAIRS
    expect(
        (keys >= low).all() and (keys <= high).all(),
        f"keys must be {low} to {high}, at even places.",
    )
    expect((values >= 1).all() and (values <= VALUES).all(), f"values must be 1 to {VALUES}.")
    expect(len(np.unique(values)) == VALUES, f"some of the values 1 to {VALUES} never come.")
    expect(
        all(len(set(row)) == PAIRS for row in keys.tolist()),
        "a key occurs twice in the same row: then the question has two answers.",
    )
    expect(
        len({tuple(row) for row in keys.tolist()}) > PAIRS,
        "the keys always stand in the same order: then the question gives the place away.",
    )
    expect(
        len({tuple(row) for row in values.tolist()}) > PAIRS,
        "the values are the same in every row: draw them anew.",
    )
    expect(
        any(len(set(row)) > 1 for row in values.tolist()),
        "one value stands behind all keys of a row: then nothing has to be found.",
    )


@check("only what is scored teaches: one output of this row in twelve.")
def check_scored(scored: Callable) -> None:
    """``scored(length)`` returns (length,) True where the *output* of a HAYSTACK row is scored."""
    for length in (2 * PAIRS + 2, 8):
        mask = scored(length)
        expect(mask is not None, "the mask is None; the function must return something.")
        mask = np.asarray(mask)
        expect(
            mask.shape == (length,), f"the mask must have the shape ({length},), not {mask.shape}."
        )
        expect(mask.dtype == bool, "the mask must be True and False.")
        expect(mask.any(), "nothing is scored: then nothing is learnt.")
        expect(
            not mask[-1],
            "the output at the last place would predict what comes after the answer.",
        )
        expect(
            mask.sum() == 1 and bool(mask[-2]),
            "one output is scored: which token does the model see last before it names the value?",
        )


@check("a score means something only between guessing and the best; here the best is 100 %.")
def check_guess(guess: Callable) -> None:
    """``guess(pairs)`` returns the accuracy of naming any value in sight, for 1 to ``pairs`` pairs.

    The number of pairs is uniform from 1 to ``pairs``; values do not repeat.
    """
    for pairs in (5, 30, 1):
        value = _number(guess(pairs))
        shares = 1 / np.arange(1, pairs + 1)
        if pairs > 1:
            for known, sentence in (
                (1 / pairs, "that is the share where all rows have the most pairs."),
                (2 / (pairs + 1), "that is one over the mean number of pairs: average the shares."),
                (shares.sum(), "that is the sum of the shares: each comes in one row of `pairs`."),
            ):
                expect(abs(value - known) > 1e-9, sentence)
        named = f"with {pairs} pair{'s' if pairs > 1 else ''}"
        expect(0 < value <= 1, f"{named} it must be above 0 and at most 1.")
        error = abs(value - shares.mean())
        close = "close: give the exact mean of the shares, neither rounded nor simulated."
        expect(not 1e-6 <= error < 0.01, close)
        expect(error < 1e-6, f"{named} it is not {value:.3f}.")


def _number(answer) -> float:
    expect(answer is not None, "the answer is None; the function must return a number.")
    try:
        value = float(answer)
    except (TypeError, ValueError):
        raise Wrong("the answer must be a number.") from None
    expect(np.isfinite(value), f"the answer is {value}; it must be a finite number.")
    return value
