"""Some runs, what of them is in the store, and parts of that."""

from collections.abc import Callable
from typing import Self

import pandas as pd

from procmod_lib.initial import Condition, parse
from procmod_lib.report import statistics
from procmod_lib.runs.curves import final_scores
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import Store


class Selection:
    """Some runs and their table.

    Args:
        runs: what the section is about, whether in the store or not.
        table: the rows of those that are.
        store: where they came from.
    """

    def __init__(self, runs: list[Run], table: pd.DataFrame, store: Store):
        self.runs, self.table, self.store = runs, table, store

    def __len__(self) -> int:
        return len(self.table)

    @property
    def ends(self) -> dict[str, float]:
        """Token accuracy at the end of every run that is there, by its key."""
        return final_scores(self.table)

    # A part of it

    @property
    def is_complete(self) -> bool:
        """Whether there are runs, and all of them are in the table."""
        return bool(self.runs) and {run.key for run in self.runs} <= set(self.table.key)

    def where(self, keep: Callable[[Run], bool]) -> Self:
        """The section of those runs only that ``keep`` is true of."""
        runs = [run for run in self.runs if keep(run)]
        return type(self)(
            runs, self.table[self.table.key.isin([run.key for run in runs])], self.store
        )

    def until(self, step: int) -> Self:
        """The section as its runs stood after so many steps."""
        return type(self)(self.runs, self.table[self.table.step <= step], self.store)

    def on(self, *diagnostics: str) -> Self:
        """The section of some diagnostics only."""
        return self.where(lambda run: run.task.name in diagnostics)

    def off(self, *diagnostics: str) -> Self:
        """The section of all diagnostics but some."""
        return self.where(lambda run: run.task.name not in diagnostics)

    def of(self, *conditions: str) -> Self:
        """The section of some initial conditions only."""
        wanted = {parse(condition) for condition in conditions}
        return self.where(lambda run: run.condition in wanted)

    def first(self) -> Self:
        """The section of the first diagnostic only."""
        return self.on(self.runs[0].task.name)

    # What is in it

    @property
    def summary(self) -> pd.DataFrame:
        """See :func:`procmod_lib.report.statistics.summary`."""
        return statistics.summary(self.table)

    @property
    def chance(self) -> float | None:
        """The chance of the first run's task."""
        return self.runs[0].task.chance() if self.runs else None

    @property
    def conditions(self) -> list[Condition]:
        """The initial conditions that are in the store, in the order of the table."""
        return [parse(text) for text in dict.fromkeys(self.table.initial_condition)]

    def differences(self, baseline: str = "scratch", condition: str | None = None) -> pd.DataFrame:
        """Paired differences from a baseline, of one condition or of all."""
        table = self.table
        if condition is not None:
            table = table[
                table.initial_condition.isin([str(parse(condition)), str(parse(baseline))])
            ]
        return statistics.paired_differences(table, str(parse(baseline)))

    def difference(self, condition: str, baseline: str = "scratch", fewest: int = 1):
        """The paired difference of one condition from a baseline on one diagnostic, a row; None
        where fewer seeds have both.
        """
        rows = self.differences(baseline, condition).itertuples()
        return next((row for row in rows if row.n >= fewest), None)
