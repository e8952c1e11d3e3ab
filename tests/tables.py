"""Runs that ended as a test says, without training."""

from collections.abc import Callable

import pandas as pd

from procmod_lib.report.section import Section
from procmod_lib.runs.run import Run


def table_of(curves: dict, diagnostic: str = "haystack") -> pd.DataFrame:
    """Rows of runs: {(condition, seed): [accuracy, ...]}, an evaluation every 100 steps."""
    return pd.DataFrame(
        {
            "diagnostic": diagnostic,
            "initial_condition": condition,
            "seed": seed,
            "step": 100 * i,
            "token_accuracy": accuracy,
            "key": f"{diagnostic}{condition}{seed}",
            "status": "complete",
        }
        for (condition, seed), accuracies in curves.items()
        for i, accuracy in enumerate(accuracies)
    )


class Bare:
    """A store that holds no weights and no other runs."""

    def weights(self, run):
        return None

    def load(self, runs):
        return []


def without_one(section: Section) -> Section:
    """A section of the same runs, the first of which is missing."""
    left = section.table[section.table.key != section.runs[0].key]
    return Section(section.runs, left, section.store)


def carried(runs: list[Run], counts: dict[str, int | None]) -> Section:
    """Some runs as a section; of each start so many of the first seeds succeed, None is missing."""

    def end(run):
        count = counts.get(str(run.condition))
        return None if count is None else 0.95 if run.seed < count else 0.2

    return ended(runs, end)


def ended(runs: list[Run], end: Callable[[Run], float | None], store=None) -> Section:
    """Some runs as a section, each with the one evaluation ``end(run)``; None is a missing run."""
    rows = [
        (run.key, 10, "complete", run.task.name, str(run.condition), run.preset, run.seed, accuracy)
        for run in runs
        if (accuracy := end(run)) is not None
    ]
    names = ["key", "step", "status", "diagnostic", "initial_condition", "preset", "seed"]
    return Section(runs, pd.DataFrame(rows, columns=[*names, "token_accuracy"]), store)
