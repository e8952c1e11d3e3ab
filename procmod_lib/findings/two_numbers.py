"""Which starts were expected to carry HAYSTACK before their first step, and which do.

Both rules, and how many seeds each asks for, stand on the page "Fixed in advance".
"""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from procmod_lib.initial import Condition
from procmod_lib.network.inside import start_numbers
from procmod_lib.report import figures
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, of_runs
from procmod_lib.report.tables import grid, label
from procmod_lib.runs.fleet import initial_weights
from procmod_lib.runs.store import Failed
from procmod_lib.tasks import Batch

LOOKED_AT = 100
"""Samples on which both numbers are measured."""

TOKENS, WRITE = (0.3, 0.5), (0.05, 0.25)
"""The bounds of the first rule: below the lower one it expects failure, success from both upper
ones on.
"""

SEEDS = 6
"""Of each start; with fewer nothing is judged."""

SUCCEEDS, FAILS, SILENT = "succeeds", "fails", "says nothing"


def from_two_numbers(condition: Condition, tokens: float, write: float) -> str:
    """What the first rule says of a start, whatever it is, from its two numbers.

    Args:
        condition: the start; not looked at.
        tokens: its share of tokens, see :func:`procmod_lib.network.inside.start_numbers`.
        write: its selective write.

    >>> from_two_numbers(None, 0.98, 9.0), from_two_numbers(None, 0.08, 0.5)
    ('succeeds', 'fails')
    >>> from_two_numbers(None, 0.98, 0.1)
    'says nothing'
    """
    if tokens >= TOKENS[1] and write >= WRITE[1]:
        return SUCCEEDS
    return FAILS if tokens < TOKENS[0] or write < WRITE[0] else SILENT


def from_both_halves(condition: Condition, tokens: float, write: float) -> str:
    """What the second rule says of one loud head over a quiet first layer, whatever its numbers.

    >>> from procmod_lib.initial import parse
    >>> from_both_halves(parse("loud=1.0 head=1.0 tensors=query+value"), 0.0, 0.0)
    'succeeds'
    """
    loud = set((condition["tensors"] or "query+value").split("+"))
    has_both = loud & {"query", "key"} and loud & {"value", "output"}
    return SUCCEEDS if has_both else FAILS


class Rule(NamedTuple):
    """What is expected of a start, and the share of seeds that must succeed where success is."""

    says: Callable[[Condition, float, float], str]
    share: float

    def held(self, said: str, successes: int, n: int) -> bool:
        """Whether a prediction held: enough seeds succeed, or at most one in six.

        >>> FIRST.held(SUCCEEDS, 5, 6), FIRST.held(FAILS, 2, 6)
        (True, False)
        """
        return successes / n >= self.share if said == SUCCEEDS else successes / n <= 1 / 6


FIRST = Rule(from_two_numbers, 5 / 6)
SECOND = Rule(from_both_halves, 1 / 2)


class Predictions:
    """What a rule says of the starts of some runs of HAYSTACK, and how these ended.

    Attributes:
        section: the runs.
        rule: by which they are judged.
    """

    def __init__(self, section: Section, rule: Rule = FIRST):
        self.section, self.rule = section, rule

    @cached_property
    def starts(self) -> pd.DataFrame:
        """One row a start: its two numbers, the mean over seeds; how its runs ended, what is said.

        A start whose source is not in the store is left out.
        """
        section = self.section
        ends = section.summary.set_index("initial_condition") if len(section) else section.summary
        batch = section.runs[0].task.batch(LOOKED_AT, "test", 0)
        rows = []
        for condition in dict.fromkeys(run.condition for run in section.runs):
            numbers = _numbers(section, condition, batch)
            if numbers is None:
                continue
            tokens, write = numbers
            row = {"condition": str(condition), "tokens": tokens, "write": write}
            there = str(condition) in ends.index
            row |= {c: ends.loc[str(condition), c] if there else 0 for c in ("successes", "n")}
            rows.append(row | {"said": self.rule.says(condition, tokens, write)})
        columns = ["condition", "tokens", "write", "successes", "n", "said"]
        return pd.DataFrame(rows, columns=columns)

    def table(self) -> Markdown:
        """A row a start: its two numbers, what the rule says, what happened."""
        rows = []
        for row in self.starts.itertuples():
            outcome = word = NOT_MEASURED
            if row.n:
                outcome = of_runs(row.successes, row.n)
                word = "yes" if self.rule.held(row.said, row.successes, row.n) else "**no**"
                word = "" if row.said == SILENT or row.n < SEEDS else word
            numbers = f"{row.tokens:.2f}", f"{row.write:.3f}"
            rows.append([label(row.condition), *numbers, row.said, outcome, word])
        heads = ["start", "share of tokens", "selective write", "the rule says"]
        return grid([*heads, "runs above 90 % (Wilson interval)", "held"], rows)

    def in_words(self) -> str:
        """How many predictions held, of those whose runs are in the store."""
        judged = self._judged()
        if not len(judged):
            return NOT_MEASURED
        return f"{judged.held.sum()} of {len(judged)} (n = {judged.n.min()} seeds each)"

    def _judged(self) -> pd.DataFrame:
        """The starts of which something was said and whose runs are all in the store; whether it
        held.
        """
        judged = self.starts[(self.starts.n >= SEEDS) & (self.starts.said != SILENT)]
        held = [self.rule.held(row.said, row.successes, row.n) for row in judged.itertuples()]
        return judged.assign(held=np.array(held, dtype=bool))

    def drawn(self, group: str, is_judged: bool = True) -> pd.DataFrame:
        """The rows of a figure: the starts as a group, and which were predicted wrongly.

        Args:
            group: one of ``report.figures.inside.GROUPS``.
            is_judged: whether they were predicted; else none was wrong.
        """
        judged = self._judged()
        wrong = judged.index[~judged.held] if is_judged else []
        return self.starts.assign(group=group, wrong=self.starts.index.isin(wrong))


def _numbers(section: Section, condition: Condition, batch: Batch) -> np.ndarray | None:
    """Both numbers of a start, the mean over its seeds; None where a source is not in the store."""
    mine = [run for run in section.runs if run.condition == condition]
    try:
        starts = [initial_weights(run, section.store)[0] for run in mine]
    except Failed:
        return None
    return np.mean([start_numbers(flat, mine[0].arch, batch) for flat in starts], axis=0)


def draw_starts(known: Predictions, first: Predictions, second: Predictions) -> Figure | None:
    """Both numbers of every start: of those known, and of those that the two rules predicted."""
    rows = [
        known.drawn("known", is_judged=False),
        first.drawn("first rule"),
        second.drawn("second rule"),
    ]
    return figures.draw_starts(pd.concat(rows, ignore_index=True), TOKENS[0], WRITE)
