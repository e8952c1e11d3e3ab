"""What a score can be: guessing at one end, the best possible at the other, both computed from samples of a task."""

from functools import lru_cache

import numpy as np

from procmod_lib.tasks.automaton import Automaton
from procmod_lib.tasks.brackets import Dyck, DyckShuffle
from procmod_lib.tasks.task import Batch, Task


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
    """The highest expected accuracy that any model can have, from the probabilities by which the task draws.

    Lists and STACK are decided by their input: 1. After a bracket, the likelier of the best opening and the best closing one. In a crop
    of an automaton every cell but the two at the edges is decided by the row above; those take the likelier bit given the cells that show.

    >>> from procmod_lib.tasks.brackets import Dyck
    >>> round(best(Dyck(k=16, brackets=40)), 2)                         # half of the time a bracket may open: 1 in 2, at best
    0.52
    """
    batch = sample(task)
    if isinstance(task, Dyck | DyckShuffle):
        return float(_brackets(task, batch).mean())
    return _rows(task, batch) if isinstance(task, Automaton) else 1.0


def way(task: Task, width: int, score: float) -> float:
    """How far a score has come from guessing (0) to what a model can reach (1).

    That is the best possible; but ``width`` numbers hold no more than as many cells of a row, so for an automaton it is
    the best possible in ``width`` of its cells and a guess in the others.
    """
    low = guess(task)
    reach = (best(task) - low) * (min(1.0, width / task.cells) if task.kind == "bits" else 1.0)
    return (score - low) / reach


def _brackets(task, batch: Batch) -> np.ndarray:
    """Probability of the likeliest next token after each prefix, (n, T - 1)."""
    tokens = batch.tokens
    opens = tokens < task.k
    depth = np.cumsum(np.where(opens, 1, -1), 1)[:, :-1]  # brackets open after each prefix
    kind = np.arange(task.k)
    count = np.cumsum((tokens[:, :, None] == kind).astype(int) - (tokens[:, :, None] == task.k + kind), 1)[:, :-1].max(2)
    if isinstance(task, Dyck):
        left = task.brackets - 1 - np.arange(depth.shape[1])
        open_chance, close_best = np.where(depth == 0, 1.0, np.where(depth == left, 0.0, 0.5)), 1.0
    else:
        open_chance, close_best = np.where(depth == 0, 1.0, np.where(depth == task.max_depth, 0.0, 0.5)), count / np.maximum(depth, 1)
    return np.maximum(open_chance / task.k, (1 - open_chance) * close_best)


def _rows(task: Automaton, batch: Batch) -> float:
    above, below = batch.tokens[:, :-1], batch.tokens[:, 1:]
    right = task.cells - 2.0  # the cells inside
    for edge, neighbour in ((0, 1), (-1, -2)):
        seen = 2 * above[:, :, edge] + above[:, :, neighbour] if task.cells > 1 else above[:, :, edge]
        ones = [below[:, :, edge][seen == value].mean() for value in np.unique(seen)]
        share = [np.mean(seen == value) for value in np.unique(seen)]
        right += sum(s * max(p, 1 - p) for s, p in zip(share, ones))
    return float(right / task.cells) if task.cells < task.universe else 1.0
