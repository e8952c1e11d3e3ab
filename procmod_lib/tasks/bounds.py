"""What a score can be.

Guessing at one end, the best possible at the other, both computed from samples of a task.
"""

from functools import lru_cache

import numpy as np

from procmod_lib.tasks.task import Batch, Task

LEARNT = 0.8
"""A source counts as learnt when its score has come this share of the way from guessing to what a
model can reach.
"""
SUCCESS = 0.9
"""A run on a diagnostic succeeds when its last score is at least this."""


@lru_cache(maxsize=1)
def sample(task: Task) -> Batch:
    """The 1,000 samples from which the bounds of a task are computed."""
    return task.batch(1000, "validation", 1)


def guess(task: Task) -> float:
    """Accuracy of always giving the commonest scored token (for rows of bits, the commoner bit)."""
    batch = sample(task)
    targets = batch.targets[batch.reference]
    return float(np.bincount(targets.reshape(-1)).max() / targets.size)


def best(task: Task) -> float:
    """The highest expected accuracy that any model can have, from the probabilities by which the
    task draws.

    >>> from procmod_lib.tasks.brackets import Dyck
    >>> # half of the time a bracket may open: 1 in 2, at best
    >>> round(best(Dyck(k=16, brackets=40)), 2)
    0.52
    """
    return task.best(sample(task))


def has_learnt(task: Task, width: int, score: float) -> bool:
    """Whether a model of a width has learnt a task: its score has come :data:`LEARNT` of the
    :func:`way`.
    """
    return way(task, width, score) >= LEARNT


def way(task: Task, width: int, score: float) -> float:
    """How far a score has come from guessing (0) to what a model of a width can reach (1).

    That is the best possible; but ``width`` numbers hold no more than as many cells of a row, so
    for an automaton it is the best possible in ``width`` of its cells and a guess in the others.
    """
    low = guess(task)
    share = min(1.0, width / task.vocab) if task.kind == "bits" else 1.0
    return (score - low) / ((best(task) - low) * share)
