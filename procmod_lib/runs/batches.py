"""The batches of a run, step by step."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from procmod_lib.randomness import stream
from procmod_lib.runs.budget import Budget
from procmod_lib.tasks import Batch, Task
from procmod_lib.tasks.task import OF_A_SAMPLE


class Pools:
    """The pool of each seed, made when it is first drawn from; one that is drawn from another task,
    such as longer lists, takes the place of the last.
    """

    def __init__(self) -> None:
        self._latest: dict[int, tuple[Task, Batch]] = {}

    def of(self, task: Task, count: int, seed: int) -> Batch:
        """``count`` sequences of a task."""
        if seed not in self._latest or self._latest[seed][0] != task:
            self._latest[seed] = task, task.batch(count, "train", seed)
        return self._latest[seed][1]


def draw(
    task: Task,
    budget: Budget,
    seeds: list[int],
    answer_mask: str,
    length: int,
    step: int,
    pools: Pools,
) -> dict[int, Batch]:
    """One batch for each different seed, shared by all models that have it.

    Args:
        task: what is learnt.
        budget: how many samples a step, and from how large a pool.
        seeds: of the models.
        answer_mask: ``"reference"`` or ``"full"``.
        length: of the lists of a curriculum, else 0.
        step: from 0.
        pools: those that this training has drawn, and will draw, from.
    """
    path: tuple[int, ...] = (step,)
    if length:  # of a curriculum
        task, path = task.at_length(length), (length, step)
    batches = {
        seed: from_pool(task, budget, seed, path, pools)
        if budget.pool
        else task.batch(budget.batch, "train", seed, *path)
        for seed in sorted(set(seeds))
    }
    return {seed: batch.trained_on(answer_mask) for seed, batch in batches.items()}


def from_pool(task: Task, budget: Budget, seed: int, path: tuple[int, ...], pools: Pools) -> Batch:
    """The batch of a step from a pool that moves on by one sequence each time it has been seen.

    That is how the released loop draws: sequence i of epoch e has the random seed e + i, and an
    epoch is shuffled.
    """
    epoch, nth = divmod(path[-1], budget.pool // budget.batch)
    sequences = pools.of(task, budget.pool + budget.steps // (budget.pool // budget.batch), seed)
    order = stream("order", task.name, seed, *path[:-1], epoch).permutation(budget.pool)
    rows = epoch + order[nth * budget.batch : (nth + 1) * budget.batch]
    return Batch(*(getattr(sequences, name)[rows] for name in OF_A_SAMPLE))


def drawn_ahead(draw: Callable, device: str) -> Callable:
    """Return ``draw``; on a GPU one that draws the next step's batches while the device is busy
    with this one's.
    """
    if device == "cpu":
        return draw
    pool = ThreadPoolExecutor(1)
    waiting: dict[tuple[int, int], Future] = {}

    def upcoming(length: int, step: int) -> dict[int, Batch]:
        future = waiting.pop((length, step), None) or pool.submit(draw, length, step)
        waiting.clear()
        waiting[length, step + 1] = pool.submit(draw, length, step + 1)
        return future.result()

    return upcoming
