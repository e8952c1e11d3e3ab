"""Differences from no pretraining as a map."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from procmod_lib.report import statistics
from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import panels
from procmod_lib.tasks import title

ROOM_FOR_INTERVALS = 3  # columns up to which an interval fits below each number


@offered
def draw_differences(rows: pd.DataFrame, across: str, down: str) -> plt.Figure:
    """Heat map of mean differences from no pretraining, in points, a panel a diagnostic; empty
    cells are not yet measured.

    Below each mean stand its interval where there is room, and its n where cells differ in it; a
    mean is bold where the exact test agrees with it.

    Args:
        rows: from :func:`procmod_lib.report.statistics.paired_differences`, with the columns named
            by ``across`` and ``down``.
        across: the column that is laid out from left to right.
        down: the column that is laid out from top to bottom.
    """
    diagnostics, columns, lines = (
        list(dict.fromkeys(rows[c])) for c in ("diagnostic", across, down)
    )
    beside = 2 if len(columns) <= ROOM_FOR_INTERVALS else 1
    figure, axes = panels(len(diagnostics), beside, 0.5 * len(lines) + 1.0, sharey=True)
    bound = max(0.2, rows.difference.abs().max())
    for ax, diagnostic in zip(axes, diagnostics, strict=False):
        part = rows[rows.diagnostic == diagnostic]
        cells = part.pivot_table(index=down, columns=across, values="difference", sort=False)
        cells = 100 * cells.reindex(index=lines, columns=columns)
        limits = dict(center=0, vmin=-100 * bound, vmax=100 * bound)
        sns.heatmap(cells, ax=ax, cmap="RdBu_r", linewidths=1, cbar=False, **limits)
        for row in part.itertuples():
            x, y = columns.index(getattr(row, across)), lines.index(getattr(row, down))
            below = _small_print(row, len(columns) <= ROOM_FOR_INTERVALS, rows.n.nunique() > 1)
            _write(
                ax,
                x + 0.5,
                y + 0.5,
                row,
                below,
                "white" if abs(row.difference) > 0.6 * bound else "black",
            )
        ax.set(xlabel="", ylabel="")
        ax.set_title(title(diagnostic), fontsize=10, pad=7)
        ax.set_xticklabels([column.replace(" ", "\n") for column in columns], rotation=0)
        ax.tick_params(axis="y", labelrotation=0)
        ax.tick_params(length=0)
    n = " to ".join(map(str, sorted({rows.n.min(), rows.n.max()})))
    figure.colorbar(
        axes[0].collections[0], ax=axes, label=f"difference in points (n = {n})", shrink=0.6
    )
    return figure


def _small_print(row, with_interval: bool, with_n: bool) -> list[str]:
    """The lines below a cell's number."""
    lines = []
    if with_interval and pd.notna(row.low):
        lines.append(f"{_short(row.low)} to {_short(row.high)}")
    if with_n:
        lines.append(f"n = {row.n}")
    return lines


def _write(ax, x: float, y: float, row, below: list[str], colour: str) -> None:
    """Write a cell's number and its small print."""
    middle = dict(ha="center", va="center", color=colour)
    weight = "bold" if statistics.is_told(row) else "normal"
    ax.text(
        x, y - 0.13 * len(below), _short(row.difference), fontsize=9.5, fontweight=weight, **middle
    )
    ax.text(x, y + 0.24, "\n".join(below), fontsize=7, **middle)


def _short(share: float) -> str:
    """A difference in points, signed, with one decimal where it is below 10."""
    return f"{100 * share:+.1f}" if abs(share) < 0.0995 else f"{100 * share:+.0f}"
