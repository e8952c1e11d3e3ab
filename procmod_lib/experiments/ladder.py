"""The closest replication: the smallest change of the released loop with which a source is learnt.

The rule stands on the page "Fixed in advance"; it looks at the source's own score alone.
"""

from collections.abc import Callable

import pandas as pd

from procmod_lib.experiments.make_runs import SMALL_MODEL, reference_run
from procmod_lib.experiments.parameters import check_one_of
from procmod_lib.experiments.settings import LADDER, Rung
from procmod_lib.runs.curves import final_scores
from procmod_lib.runs.run import Run
from procmod_lib.tasks import SOURCES, bounds

PILOTS = (100, 101, 102)
"""Seeds of the models that climb; they are used for nothing else."""


def rungs(curriculum: bool) -> list[Rung]:
    """The rungs of one ladder, in the order in which they are tried."""
    return [Rung(rate, dropout, curriculum) for rate, dropout in LADDER]


def pilots(source: str, rung: Rung) -> list[Run]:
    """The three pilot models of a source on one rung."""
    return [reference_run(source, *rung, seed=seed, shape=SMALL_MODEL) for seed in PILOTS]


def climb(source: str, curriculum: bool, is_learnt: Callable[[Run], bool]) -> Rung | None:
    """The first rung on which all pilots learn their source, or None.

    Args:
        source: its name.
        curriculum: whether lists lengthen as they are learnt.
        is_learnt: trains a pilot, or looks it up, and says whether it has learnt. A rung ends at
            the first pilot that has not.
    """
    for rung in rungs(curriculum):
        if all(is_learnt(run) for run in pilots(source, rung)):
            return rung
    return None


def ladders(source: str) -> list[bool]:
    """The ladders that a source climbs: one length, and a curriculum where it has lists."""
    check_one_of("source", source, SOURCES)
    return [False, True] if SOURCES[source]().full_length else [False]


def choose(source: str, is_learnt: Callable[[Run], bool]) -> Rung | None:
    """The rung of the closest replication: of the two ladders the one with the smaller rate.

    With equal rates dropout goes before none, and one length before the curriculum.
    """
    reached = [climb(source, curriculum, is_learnt) for curriculum in ladders(source)]
    found = [rung for rung in reached if rung is not None]
    return min(found, key=lambda rung: (rung.rate, -rung.dropout, rung.curriculum), default=None)


def all_pilots(source: str) -> list[Run]:
    """Every pilot that the rule may ask for, in its order."""
    return [
        run
        for curriculum in ladders(source)
        for rung in rungs(curriculum)
        for run in pilots(source, rung)
    ]


def has_learnt(run: Run, table: pd.DataFrame) -> bool:
    """Whether the run has learnt its source by the book's rule; its result is in the table."""
    score = final_scores(table)[run.key]
    return bounds.has_learnt(run.task, run.arch.width, score)
