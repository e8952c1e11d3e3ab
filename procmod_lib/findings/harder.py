"""A SORTING on which something can be gained: how many numbers, chosen on no pretraining alone.

The rule stands on the page "Fixed in advance".
"""

import pandas as pd
from IPython.display import Markdown

from procmod_lib.experiments.agenda import HARDER, harder_sorting
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import percent
from procmod_lib.report.tables import grid
from procmod_lib.runs.curves import final_scores

SEEDS = 3
LOWEST, HIGHEST = 0.6, 0.9
"""Between these the mean of the pilots must lie."""


def choose(scores: dict[int, float]) -> int | None:
    """The fewest numbers whose pilots are in between; None where none are, or a smaller number
    is not yet measured.

    Args:
        scores: mean token accuracy of three pilots, by how many numbers they sort.

    >>> choose({24: 0.97, 32: 0.81, 40: 0.62}), choose({24: 0.97})
    (32, None)
    """
    for n in HARDER:
        if n not in scores:
            return None
        if LOWEST <= scores[n] <= HIGHEST:
            return n
    return None


def means(table: pd.DataFrame) -> dict[int, float]:
    """Mean token accuracy of the pilots in a table, of each number that all three have sorted."""
    ends = final_scores(table)
    found = {n: [ends[run.key] for run in harder_sorting(n) if run.key in ends] for n in HARDER}
    return {n: sum(v) / len(v) for n, v in found.items() if len(v) == SEEDS}


def pilots_table(section: Section) -> Markdown:
    """A row a number of items: the pilots' mean, and whether the rule takes it."""
    found = means(section.table)
    taken, rows = choose(found), []
    for items in HARDER:
        keys = [run.key for run in harder_sorting(items)]
        part = section.where(lambda run, keys=keys: run.key in keys)
        for row in part.summary.itertuples():
            word = "taken" if items == taken else ""
            rows.append([items, percent(row.mean, row.low, row.high, row.n), word])
    return grid(["numbers", "result without pretraining", "by the rule"], rows)
