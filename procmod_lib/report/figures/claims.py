"""The scorecard as a forest plot."""

import matplotlib.pyplot as plt
import pandas as pd

from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import BLUE, ORANGE, WIDTH
from procmod_lib.report.sentences import SHOWN


@offered
def draw_claims(
    claimed: dict[str, pd.DataFrame], beyond: dict[str, pd.DataFrame] | None = None
) -> plt.Figure:
    """Each claim's effect as a dot with its interval, and its verdict, a line a claim.

    Args:
        claimed: the paper's claims under their headings, each group from
            :func:`procmod_lib.findings.verdicts.judge`; the paper's own effect is a cross.
        beyond: this book's own, drawn below them.
    """
    shown = {
        heading: rows.assign(verdict=rows.verdict.replace(SHOWN))
        for heading, rows in (beyond or {}).items()
    }
    groups = claimed | shown
    count = sum(map(len, groups.values())) + len(groups)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.5 * count + 0.8))
    y = 0.0
    for heading, rows in groups.items():
        ax.text(-100, y, heading, fontsize=11.5, fontweight="bold", va="center")
        y += 1
        for row in rows.itertuples():
            _draw_claim(ax, y, row)
            y += 1
    ax.set(xlim=(-101, 101), ylim=(y - 0.4, -0.6), yticks=[])
    ax.set_xlabel("difference in token accuracy (points)")
    ax.spines["left"].set_visible(False)
    paper = plt.Line2D([], [], color=ORANGE, marker="x", ls="", label="paper")
    here = plt.Line2D([], [], color=BLUE, marker="o", label="here, with 95 % interval")
    ax.legend(handles=[paper, here], fontsize=9, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    figure.procmod_data = pd.concat(
        [rows.assign(group=heading) for heading, rows in groups.items()]
    )
    return figure


def _draw_claim(ax: plt.Axes, y: float, row) -> None:
    """One claim in words, its verdict, and below them the paper's effect and ours."""
    ax.axhspan(y - 0.02, y + 0.36, color="#f4f4f4", lw=0, zorder=-1)
    ax.plot([0, 0], [y - 0.02, y + 0.36], color="black", lw=0.8, zorder=0)
    if not row.n:
        ax.text(2, y + 0.17, "no runs yet", fontsize=8, va="center")
    ax.text(-100, y - 0.22, f"{row.claim} (n={row.n})", fontsize=9, va="center")
    ax.text(100, y - 0.22, row.verdict, fontsize=9, va="center", ha="right", fontweight="bold")
    ax.plot(row.paper_difference, y + 0.17, "x", color=ORANGE, ms=8, mew=2)
    if row.n:
        ax.plot([row.low, row.high], [y + 0.17] * 2, color=BLUE, lw=2.4)
        ax.plot(row.difference, y + 0.17, "o", color=BLUE, ms=6)
