"""What a start does for language modelling: loss early and late, beside no pretraining."""

import pandas as pd
from IPython.display import Markdown

from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED
from procmod_lib.report.tables import bullets, grid, label

EARLY = 250
"""Steps: the first evaluation of a run of 2,000."""
SEEDS = 6


def at_step(table: pd.DataFrame, step: int) -> pd.DataFrame:
    """The rows of one step, in place of each run's last."""
    return table[table.step == step] if len(table) else table


def losses_table(section: Section) -> Markdown:
    """A row a start: mean loss and its paired difference from no pretraining, early and at the end.

    Lower is better. A difference is bold where its interval excludes zero and the exact test gives
    p below 0.05, which with six seeds means that all of them agree.
    """
    names = [str(condition) for condition in section.conditions]
    columns = [_column(at_step(section.table, EARLY)), _column(section.table)]
    rows = [[label(name), *(cell for column in columns for cell in column[name])] for name in names]
    heads = ["start", f"n, loss after {EARLY} steps", "against no pretraining"]
    return grid([*heads, "n, loss at the end", "against no pretraining"], rows)


def _column(table: pd.DataFrame) -> dict[str, list[str]]:
    """The two cells of each start: loss, and difference."""
    cells: dict[str, list[str]] = {}
    for row in statistics.summary(table, "loss").itertuples():
        mean = f"n = {row.n}: {row.mean:.3f} ({row.low:.3f} to {row.high:.3f})"
        cells[row.initial_condition] = [mean, ""]
    for row in statistics.paired_differences(table, "scratch", "loss").itertuples():
        text = f"{row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
        cells[row.initial_condition][1] = f"**{text}**" if statistics.is_told(row) else text
    return cells


def judged(section: Section) -> Markdown:
    """Which starts help early, at the end, and harm at the end, by the rule of the page.

    A start counts where its interval leaves out zero and all six seeds lie on one side.
    """
    early, late = _told(at_step(section.table, EARLY)), _told(section.table)
    asked = [str(start) for start in section.conditions if str(start) != "scratch"]
    begun = section.table[section.table.initial_condition != "scratch"]
    seeds = begun.groupby("initial_condition").seed.nunique()
    if not len(seeds) or not section.is_complete:
        done = int((seeds >= SEEDS).sum())
        return Markdown(f"Open: {done} of {len(seeds)} starts that were begun have {SEEDS} seeds.")
    return bullets(
        [
            f"Help after {EARLY} steps: {_names(early, asked, helps=True)}.",
            f"Help at the end: {_names(late, asked, helps=True)}.",
            f"Harm at the end: {_names(late, asked, helps=False)}.",
        ]
    )


def _told(table: pd.DataFrame) -> dict[str, bool]:
    """Of the starts whose difference in loss is told from zero: whether it is a gain."""
    rows = statistics.paired_differences(table, "scratch", "loss").itertuples()
    return {row.initial_condition: row.high < 0 for row in rows if statistics.is_told(row)}


def _names(told: dict[str, bool], asked: list[str], *, helps: bool) -> str:
    """The starts that help, or harm; where most of those asked do, the others."""
    found = [start for start, gains in told.items() if gains is helps]
    others = [label(start) for start in asked if start not in found]
    if len(found) > 2 * len(others):
        but = f" but {'; '.join(others)}" if others else ""
        return f"all {len(asked)} starts{but}"
    return "; ".join(map(label, found)) or "none"


def longer_table(sections: dict[str, Section]) -> Markdown:
    """A row a number of steps: the loss of no pretraining at the end."""
    rows = [
        [name, row.n, f"{row.mean:.3f}", f"{row.low:.3f} to {row.high:.3f}"]
        for name, section in sections.items()
        for row in statistics.summary(section.table, "loss").itertuples()
    ]
    ran = [name for name, section in sections.items() if len(section.table)]
    rows += [[name, 0, NOT_MEASURED, ""] for name in sections if name not in ran]
    return grid(["text alone", "n", "mean loss", "95 % interval"], rows)
