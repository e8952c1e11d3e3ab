"""End points: a mean, its interval and every seed."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from procmod_lib.initial import parse
from procmod_lib.report.figures.data import offered, with_data
from procmod_lib.report.figures.style import WIDTH, look
from procmod_lib.runs.curves import final


@offered
def draw_ends(
    summary: pd.DataFrame,
    table: pd.DataFrame,
    chance: float | None = None,
) -> plt.Figure:
    """Mean and interval of each condition after training, with every seed as a point.

    Args:
        summary: from :func:`procmod_lib.report.statistics.summary`.
        table: the rows behind it.
        chance: where the dotted chance line stands, as a share.
    """
    ends = final(table)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.5 * len(summary) + 1.1))
    labels = []
    for y, row in enumerate(summary.itertuples()):
        condition = parse(row.initial_condition)
        style = look(condition)
        mine = ends[ends.initial_condition == row.initial_condition].sort_values("seed")
        values = 100 * mine.token_accuracy.to_numpy()
        spread = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(len(values))
        ax.plot(values, y + spread, style.marker, color=style.colour, ms=5, alpha=0.55, mec="none")
        if np.isfinite(row.low):
            ax.plot(
                [100 * row.low, 100 * row.high],
                [y, y],
                color=style.colour,
                lw=2.4,
                solid_capstyle="butt",
            )
        ax.plot(100 * row.mean, y, "|", color="black", ms=15, mew=2)
        labels.append(f"{condition.label} (n={row.n})".replace(", ", "\n", 1))
    if chance is not None:
        ax.axvline(100 * chance, color="black", ls=":", lw=1)
        ax.text(100 * chance + 1, -0.58, f"chance {100 * chance:.1f} %", fontsize=8.5, va="top")
    ax.set_yticks(range(len(summary)), labels)
    ax.set(xlim=(-2, 103), ylim=(len(summary) - 0.4, -0.6), xlabel="token accuracy (%)")
    return with_data(figure, ends, summary)
