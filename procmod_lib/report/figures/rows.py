"""The book's one figure: what carries HAYSTACK, every seed a point."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from procmod_lib.initial import parse
from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import WIDTH, look
from procmod_lib.runs.curves import final

ROW, HEADING = 0.53, 0.6
"""Height of a row, in inches, and of a heading, in rows."""


@offered
def draw_rows(table: pd.DataFrame, rows: dict[str, str], chance: float | None) -> plt.Figure:
    """One row a start: its name above it, every seed as a point, the mean as a bar; readable on a
    phone.

    Args:
        table: rows of one diagnostic.
        rows: condition -> what it is called.
        chance: where the dotted chance line stands, as a share; None draws none.
    """
    return _draw({"": (table, rows)}, chance)


@offered
def draw_groups(
    groups: dict[str, tuple[pd.DataFrame, dict[str, str]]], chance: float | None
) -> plt.Figure:
    """The same for several groups of starts, each below its heading.

    Args:
        groups: heading -> (rows of one diagnostic, condition -> what it is called).
        chance: where the dotted chance line stands, as a share; None draws none.
    """
    figure = _draw(groups, chance)
    figure.procmod_data = pd.concat(
        [table.assign(group=heading) for heading, (table, _) in groups.items()]
    )
    return figure


def _draw(
    groups: dict[str, tuple[pd.DataFrame, dict[str, str]]], chance: float | None
) -> plt.Figure:
    headings = HEADING * sum(map(bool, groups))
    height = sum(len(rows) for _, rows in groups.values()) + headings
    figure, ax = plt.subplots(figsize=(WIDTH, ROW * height + 0.7))
    y = 0.0
    for heading, (table, rows) in groups.items():
        ends = final(table)
        if heading:
            ax.text(0, y - 0.3, heading, fontsize=13, fontweight="bold", va="center")
            y += HEADING
        for condition, name in rows.items():
            mine = ends[ends.initial_condition == condition].sort_values("seed")
            _draw_row(ax, y, condition, name, 100 * mine.token_accuracy.to_numpy(), chance)
            y += 1
    if chance is not None:
        told = f"dotted: any value in sight, {100 * chance:.1f} %"
        ax.text(100 * chance + 1, y - 0.61, told, fontsize=10.5, va="center")
    ax.set(xlim=(0, 101), ylim=(y - 0.4, -0.75), yticks=[])
    score = "token accuracy" if chance is None else "right answers"
    ax.set_xlabel(f"{score} after fine-tuning (%)", fontsize=12)
    ax.tick_params(labelsize=11)
    ax.spines["left"].set_visible(False)
    return figure


def _draw_row(
    ax: plt.Axes,
    y: float,
    condition: str,
    name: str,
    values: np.ndarray,
    chance: float | None,
) -> None:
    """One start: the accuracy of every seed, in percent, and their mean; chance is a share."""
    style = look(parse(condition))
    spread = np.linspace(-0.13, 0.13, len(values)) if len(values) > 1 else np.zeros(len(values))
    looks = dict(color=style.colour, ms=9, alpha=0.75, mec="white", mew=0.6)
    ax.axhspan(y - 0.2, y + 0.2, color="#f3f3f3", lw=0)
    ax.plot(values, y + spread, style.marker, **looks)
    if chance is not None:
        ax.plot([100 * chance] * 2, [y - 0.2, y + 0.2], color="black", ls=":", lw=1.2)
    ax.plot([values.mean()] * 2, [y - 0.24, y + 0.24], color="black", lw=2.2)
    ax.text(0, y - 0.28, name, fontsize=13, va="bottom", color="black")
    text = f"{values.mean():.0f} %  (n = {len(values)})"
    ax.text(101, y - 0.28, text, fontsize=12, va="bottom", ha="right")
