"""Every sample obeys an independent statement of its rule, and a changed one does not."""

import numpy as np
import pytest
from checkers import CHECKS, NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

from procmod_lib.randomness import stream
from procmod_lib.tasks import make_task


def test_every_task_has_an_independent_checker():
    missing = [f"check_{name}" for name in NAMES if name not in CHECKS]
    assert missing == [], "write these functions in tests/tasks/checkers.py: task, row -> bool"


integers = st.integers

PARAMETERS = {
    "identity": dict(
        symbols=integers(9, 40),
        list_length=integers(4, 25),
        lengths=st.sampled_from(["fixed", "all", "curriculum"]),
    ),
    "stack": dict(symbols=integers(6, 40), operations=integers(5, 30)),
    "dyck": dict(k=integers(2, 20), brackets=integers(5, 40).map(lambda n: 2 * n)),
    "dyck_shuffle": dict(
        k=integers(2, 20), brackets=integers(5, 40).map(lambda n: 2 * n), max_depth=integers(1, 20)
    ),
    "eca": dict(
        rule=integers(0, 255),
        rows=integers(3, 12),
        cells=integers(12, 20),
        universe=integers(20, 30),
        steps=integers(12, 30),
    ),
    "haystack": dict(pairs=integers(3, 30), values=integers(20, 127), vocab_size=st.just(256)),
    "addition": dict(digits=integers(2, 11)),
    "reversed_addition": dict(digits=integers(2, 11)),
    "multiplication": dict(digits=integers(2, 7)),
    "sorting": dict(items=integers(3, 30), values=integers(9, 200)),
}
for _name in ("set", "reverse", "sort", "union", "delete"):
    PARAMETERS[_name] = PARAMETERS["identity"]


@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_independent_checker_accepts_every_sample(name, data):
    """1,000 samples at each of ten random sets of parameters."""
    task = make_task(name, **{k: data.draw(v) for k, v in PARAMETERS.get(name, {}).items()})
    batch = task.batch(1000, "train", data.draw(integers(0, 9)))
    assert batch.tokens.shape[:2] == (1000, task.length)
    assert batch.tokens.min() >= 0
    assert batch.tokens.max() < max(2, task.vocab)
    for row in batch.tokens:
        assert CHECKS[name](task, row), row.tolist()
    scored = batch.targets.reshape(1000, batch.positions.shape[1], -1)[:, :, 0] >= 0
    row, column = np.nonzero(scored)
    after = batch.tokens[row, batch.positions[row, column] + 1]
    assert np.array_equal(after, batch.targets[row, column])
    assert np.array_equal(scored, batch.reference | batch.answer)
    assert scored.any(1).all()


@pytest.mark.parametrize("name", CHECKS)
def test_independent_checker_rejects_mutated_samples(name):
    """A wrong token among the scored ones breaks the rule (brackets: any wrong token)."""
    task = (
        make_task(name)
        if name != "eca"
        else make_task(name, rows=8, cells=12, universe=16, steps=20)
    )
    batch, rng = task.batch(300, "train", 5), stream("mutation", name)
    caught = 0
    for tokens, positions, targets in zip(
        batch.tokens.copy(),
        batch.positions,
        batch.targets.reshape(300, batch.positions.shape[1], -1),
    ):
        at = rng.choice(positions[targets[:, 0] >= 0]) + 1
        if name == "eca":
            tokens[at, 5] ^= 1
        else:
            tokens[at] = (tokens[at] + 1 + rng.integers(task.vocab - 1)) % task.vocab
        try:
            caught += not CHECKS[name](task, tokens)
        except (ValueError, AssertionError, IndexError, KeyError):
            caught += 1
    limit = {
        "dyck_shuffle": 60,
        "addition": 270,
        "reversed_addition": 280,
        "multiplication": 270,
    }.get(name, 300)
    assert caught >= limit, (
        caught
    )  # the pad after the stop may be any pad; a shuffle language forgives many changes
